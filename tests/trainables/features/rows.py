"""Rows of two made-up layers, and what fills a store with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.features.file import FeatureKey
from trainables.features.store import FeatureStore

ROOT = Path(__file__).resolve().parents[3]
ROWS = 37
KEY = FeatureKey(
    photos="p" * 64,
    backbone="VGG16",
    weights="w" * 64,
    scaling="caffe",
    node=7,
    layer="Conv2D",
    shape=(3, 2),
    dtype="float32",
    numerics="keras 3",
)
SMALLER = replace(KEY, node=9, shape=(5,), dtype="float16")
VALUES = np.random.default_rng(0).random((ROWS, 3, 2), dtype=np.float32)
OTHERS = np.random.default_rng(1).random((ROWS, 5), dtype=np.float32)


Compute = Callable[[slice], Sequence[NDArray[Any]]]


def compute(window: slice) -> list[NDArray[Any]]:
    return [VALUES[window], OTHERS[window]]


def compute_one(window: slice) -> list[NDArray[Any]]:
    return [VALUES[window]]


def blank(shape: tuple[int, ...]) -> Compute:
    return lambda window: [np.zeros((window.stop - window.start, *shape), np.float32)]


def fill(
    store: FeatureStore, keys: Sequence[FeatureKey], work: Compute, *, batch: int = 8
) -> list[FeatureKey]:
    """Fill in batches, as far as there is room; the layers that were stored."""
    with store.writing(keys, ROWS) as writers:
        for start in range(0, ROWS if writers else 0, batch):
            window = slice(start, min(start + batch, ROWS))
            for writer, values in zip(writers, work(window), strict=True):
                writer.append(values)
    return [writer.key for writer in writers]
