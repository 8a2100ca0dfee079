"""Photos that look alike: the same pixels, the same photo encoded or shrunk again, or its mirror.

A photo is shrunk to 16 x 16 by averaging. Two look alike if these small pictures, one of them
mirrored or not, differ by at most `MOST_DIFFERENCE` of their own contrast (root mean square over
all channels, against the standard deviation). Measured on 200 real photos at 32 to 150 pixels: JPEG
of quality 75 differs by at most 0.02, WebP of 50 by 0.05, half the size by 0.05, JPEG of 30 by
0.07; among 4,000 different photos of cats and dogs the nearest two differ by 0.51, and
scikit-learn's digits, which are 8 x 8 scans of ten shapes, by 0.09. Harder compression (JPEG of 10)
and crops are not found.

All pairs are compared by their 8 x 8 pictures in gray first, as matrix products; what correlates
there is looked at in full. That takes a few seconds for 25,000 photos and grows by the square.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from results.ledger.runs import SPLITS
from search_spaces.settings import DROP, IGNORE
from trainables.photos.dataset import Dataset
from trainables.progress import Progress, quiet

MOST_DIFFERENCE = 0.07
_LEAST_CORRELATION = 0.98
"""Of pictures in gray, 8 x 8; what `MOST_DIFFERENCE` lets pass is far above it."""

_SIDE = 16
_BLOCK = 256  # photos

Small = NDArray[np.float32]
"""[N, 3, 16, 16] small pictures, 0..255."""


@dataclass(frozen=True)
class Lookalikes:
    """Which photos of a dataset look alike, and which of them are to be left out.

    Attributes:
        looks: [N] equal for photos that must stay in one split.
        left_out: by row, why.
        near: photos that look like another one without having its pixels.
    """

    looks: tuple[str, ...]
    left_out: Mapping[int, str]
    near: int


def lookalikes(dataset: Dataset, handling: str, progress: Progress = quiet) -> Lookalikes:
    """Find the photos that look alike.

    Whatever the handling but `ignore`: photos that look alike under two labels are all left out,
    since which label is true cannot be known; and where the split is given, the copy in test/
    stays, then the one in validation/.

    Args:
        handling: one of `search_spaces.settings.DUPLICATES`.
    """
    if handling == IGNORE:
        return Lookalikes(tuple(map(str, range(len(dataset.files)))), {}, 0)
    groups = _groups(dataset, progress)
    looks = list(dataset.pixel_sha256)
    left_out: dict[int, str] = {}
    near = 0
    for group in groups:
        different = len({dataset.pixel_sha256[row] for row in group})
        near += len(group) if different > 1 else 0
        for row in group:
            looks[row] = dataset.pixel_sha256[group[0]]
        left_out |= _left_out(dataset, group, drop=handling == DROP)
    return Lookalikes(tuple(looks), left_out, near)


def _left_out(dataset: Dataset, group: Sequence[int], *, drop: bool) -> dict[int, str]:
    labels, parts = {int(dataset.labels[row]) for row in group}, dataset.given_parts
    names = [dataset.files[row] for row in group]
    if len(labels) > 1:
        why = f"looks like another photo under another label: {names[0]} and {names[-1]}"
        return dict.fromkeys(group, why)
    kept = max(group, key=lambda row: SPLITS.index(parts[row])) if parts else group[0]
    return {
        row: f"looks like {dataset.files[kept]}"
        for row in group
        if row != kept and (drop or (parts is not None and parts[row] != parts[kept]))
    }


def _groups(dataset: Dataset, progress: Progress) -> list[list[int]]:
    """Rows that look alike, two or more each, ascending."""
    first = list(range(len(dataset.files)))  # the smallest row that a row is known to look like

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    by_pixels: dict[str, int] = {}
    for row, digest in enumerate(dataset.pixel_sha256):
        first[row] = by_pixels.setdefault(digest, row)
    # Photos with the same pixels are compared once.
    distinct = np.array(sorted(by_pixels.values()), dtype=np.int64)
    for one, other in _pairs(small(dataset.photos()), distinct, progress):
        low, high = sorted((root(one), root(other)))
        first[high] = low
    members: dict[int, list[int]] = {}
    for row in range(len(first)):
        members.setdefault(root(row), []).append(row)
    return [rows for rows in members.values() if len(rows) > 1]


def small(photos: NDArray[np.uint8]) -> Small:
    """Shrink [N, S, S, 3] photos by averaging, so that a mirrored one becomes the mirrored."""
    average = _averages(photos.shape[1], _SIDE)
    shrunk = np.empty((len(photos), 3, _SIDE, _SIDE), dtype=np.float32)
    for start in range(0, len(photos), _BLOCK):
        block = np.moveaxis(photos[start : start + _BLOCK].astype(np.float32), 3, 1)
        shrunk[start : start + _BLOCK] = average @ block @ average.T
    return shrunk


def _averages(size: int, side: int) -> NDArray[np.float32]:
    """[side, size]: each row averages the pixels that a cell covers, parts of pixels as parts."""
    edges = np.arange(side + 1) * size / side
    pixels = np.arange(size)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.clip(covered, 0.0, None)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _pairs(
    pictures: Small, rows: NDArray[np.int64], progress: Progress
) -> Iterator[tuple[int, int]]:
    """Pairs of the given rows that look alike."""
    contrast = np.maximum(pictures.std(axis=(1, 2, 3)), 1e-6)
    gray, mirrored = _gray_vectors(pictures[rows]), _gray_vectors(pictures[rows][..., ::-1])
    for start in range(0, len(rows), _BLOCK):
        progress("looking for photos that look alike", start, len(rows))
        block = gray[start : start + _BLOCK]
        for others, mirror in ((gray, False), (mirrored, True)):
            near = np.argwhere(block @ others[start:].T > _LEAST_CORRELATION) + start
            for one, other in rows[near[near[:, 0] < near[:, 1]]].tolist():
                picture = pictures[other][..., ::-1] if mirror else pictures[other]
                difference = float(np.sqrt(np.mean((pictures[one] - picture) ** 2)))
                if difference <= MOST_DIFFERENCE * min(contrast[one], contrast[other]):
                    yield one, other


def _gray_vectors(pictures: Small) -> NDArray[np.float32]:
    """[N, 64]: 8 x 8 in gray, of mean 0 and length 1; no length where there is no contrast."""
    gray = pictures.mean(axis=1).reshape(len(pictures), _SIDE // 2, 2, _SIDE // 2, 2)
    vectors = gray.mean(axis=(2, 4)).reshape(len(pictures), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-6), dtype=np.float32)
