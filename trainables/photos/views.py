"""Augmentation that can be stored: a few fixed views of every training photo, cropped and mirrored.

A photo that is drawn anew in every epoch passes the frozen layers in every epoch. A view is drawn
once, from the photo's row and the view's number alone, so that its frozen features are stored like
those of the photo itself: each view costs one pass, whatever the epochs and trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.photos.decoding import Pixels

SMALLEST_AREA = 0.5
"""Of the photo, that a crop keeps at least. Szegedy et al. ("Going Deeper with Convolutions", CVPR
2015) go down to 0.08 over far more epochs."""
MOST_STRETCHED = 4 / 3
"""Of the crop's sides, either way, as there."""


def redrawn(photo: Pixels, row: int, number: int) -> Pixels:
    """One view of a photo: a crop of random area and proportions at the photo's size, half of them
    mirrored; the same for the same row and number.

    Args:
        photo: [S, S, 3].
        number: of the view, from 1.
    """
    chance = np.random.default_rng((row, number))
    size = len(photo)
    area = chance.uniform(SMALLEST_AREA, 1.0)
    stretch = math.exp(chance.uniform(-1, 1) * math.log(MOST_STRETCHED) / 2)
    width = min(1.0, math.sqrt(area) * stretch) * size  # pixels
    height = min(1.0, math.sqrt(area) / stretch) * size
    left, top = chance.uniform(0, size - width), chance.uniform(0, size - height)
    box = (left, top, left + width, top + height)
    crop = np.asarray(Image.fromarray(photo).resize((size, size), Image.Resampling.BILINEAR, box))
    return crop[:, ::-1] if chance.random() < 0.5 else crop


class View:
    """One view of some photos, drawn when it is read; indexed as an array [n, S, S, 3] uint8.

    Args:
        photos: [N, S, S, 3] uint8.
        rows: [n] of the photos.
        number: of the view, from 1.
    """

    def __init__(self, photos: NDArray[np.uint8], rows: NDArray[np.int64], number: int) -> None:
        self._photos = photos
        self._rows = rows
        self._number = number

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, places: slice | Sequence[int] | NDArray[np.int64]) -> NDArray[np.uint8]:
        rows = self._rows[places]
        drawn = [redrawn(self._photos[row], int(row), self._number) for row in rows]
        return np.stack(drawn) if drawn else self._photos[:0]
