"""Synthetic photos for the benchmarks: noise in two classes, one brighter, written as a dataset.

What a photo shows does not change what it costs. The classes overlap, so that accuracies differ
from trial to trial; brightness is what even a randomly weighted network can tell.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from results.ledger.runs import DataRecord
from trainables.photos.dataset import Row, write_dataset
from trainables.photos.decoding import Pixels

CLASSES = ("dark", "light")
_JPEG_SIZE = (500, 375)
"""Pixels, width and height: what photos of cats and dogs have, in the median."""


def write_synthetic(path: Path, *, photos: int, size: int, seed: int) -> Path:
    """Write `photos` noisy photos of `size` pixels; half of each class."""
    rows = [
        Row(
            file=f"photo-{number:06d}",
            label=number % 2,
            part=None,
            sha256=hashlib.sha256(f"{seed} {number}".encode()).hexdigest(),
            pixel_sha256=hashlib.sha256(pixels.data).hexdigest(),
        )
        for number, pixels in enumerate(_pixels(photos, size, seed))
    ]
    record = DataRecord(
        name=f"synthetic-{photos}",
        source="synthetic",
        digest="",
        classes=CLASSES,
        image_size=size,
        photos=photos,
    )
    write_dataset(path, record=record, rows=rows, pixels=_pixels(photos, size, seed))
    return path


def _pixels(photos: int, size: int, seed: int) -> Iterator[Pixels]:
    for number in range(photos):
        rng = np.random.default_rng((seed, number))
        brightness = rng.normal(20 + 25 * (number % 2), 20)
        noise = rng.integers(0, 160, (size, size, 3)) + brightness
        yield np.clip(noise, 0, 255).astype(np.uint8)


def jpegs(count: int, seed: int) -> list[bytes]:
    """Photo files as cameras make them, without meaning: smooth noise as JPEG, quality 90."""
    files = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        coarse = Image.fromarray(rng.integers(0, 256, (47, 63, 3)).astype(np.uint8))
        file = io.BytesIO()
        coarse.resize(_JPEG_SIZE, Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files
