"""scikit-learn's bundled scans of handwritten digits: real photos of a kind, without a network.

Each scan is 8 x 8 with values 0..16; they become 0..255 and are resized by Pillow's BILINEAR, so
that a network meets strokes and not blocks. Ten classes, `0` to `9`.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from results.ledger.runs import DataRecord
from search_spaces.presets import DIGITS_PER_CLASS
from trainables.photos.cache import DataSource, Request
from trainables.photos.dataset import Row, write_dataset
from trainables.photos.decoding import Pixels
from trainables.photos.importing import duplicates

NAME = "digits"
CLASSES = tuple("0123456789")
_WHITE = 16.0


def digits(request: Request) -> DataSource:
    """`DIGITS_PER_CLASS` scans of each digit, chosen by the seed.

    A file name such as `digit-0042` is the scan's row in scikit-learn's table.
    """
    write = partial(_write, image_size=request.image_size, seed=request.seed)
    return DataSource(NAME, (request.seed, DIGITS_PER_CLASS), write)


def _write(path: Path, *, image_size: int, seed: int) -> None:
    # Delayed: scikit-learn takes longer to import than everything else here together.
    from sklearn.datasets import load_digits

    table = load_digits()
    scans = np.rint(table.images * (255.0 / _WHITE)).astype(np.uint8)  # [1797, 8, 8]
    labels = table.target.astype(np.int64)  # [1797]
    chosen = _chosen(labels, seed)
    pixels = [_resized(scans[row], image_size) for row in chosen]
    rows = [
        Row(
            file=f"digit-{row:04d}",
            label=int(labels[row]),
            part=None,
            sha256=hashlib.sha256(scans[row].tobytes()).hexdigest(),
            pixel_sha256=hashlib.sha256(photo.tobytes()).hexdigest(),
        )
        for row, photo in zip(chosen, pixels, strict=True)
    ]
    record = DataRecord(
        name=NAME,
        source=NAME,
        digest="",
        classes=CLASSES,
        image_size=image_size,
        photos=len(rows),
        duplicates=duplicates(rows),
    )
    write_dataset(path, record=record, rows=rows, pixels=pixels)


def _chosen(labels: NDArray[np.int64], seed: int) -> list[int]:
    chosen: list[int] = []
    for label in range(len(CLASSES)):
        order = np.random.default_rng([seed, label]).permutation(np.flatnonzero(labels == label))
        chosen += order[:DIGITS_PER_CLASS].tolist()
    return sorted(chosen)


def _resized(scan: NDArray[np.uint8], size: int) -> Pixels:
    image = Image.fromarray(scan).convert("RGB")
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)
