"""Small pictures of some photos, for the report's pages of mistakes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 64


def thumbnails(photos: NDArray[np.uint8], rows: Iterable[int]) -> dict[int, NDArray[np.uint8]]:
    """Shrink some rows of [N, S, S, 3] uint8 photos to [64, 64, 3] each."""
    shape = (SIZE, SIZE)
    return {row: np.asarray(Image.fromarray(photos[row]).resize(shape)) for row in rows}
