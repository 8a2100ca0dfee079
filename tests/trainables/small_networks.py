"""Small photos, seeded, and the data of a trial for tests that build real networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from results.ledger.runs import SPLITS, Split
from search_spaces import paper
from search_spaces.backbones import NAMES
from search_spaces.config import TrialConfig
from trainables.features.fill import TrainingData
from trainables.features.store import FeatureStore
from trainables.networks.weight_files import resolve
from trainables.networks.weights import RANDOM

SEED = 7
COUNTS = (24, 8, 8)
"""Photos to train, to choose, to report."""
PHOTOS = sum(COUNTS)
NO_ROOM = 0
PLENTY = 10**12


def training_data(
    folder: Path,
    *,
    size: int,
    max_bytes: int = PLENTY,
    points: Mapping[str, tuple[str, ...]],
    counts: tuple[int, int, int] = COUNTS,
) -> TrainingData:
    """Photos of two classes that differ in brightness; `counts` as in `COUNTS`."""
    rng = np.random.default_rng(SEED)
    labels = np.arange(sum(counts)) % 2
    noise = rng.integers(0, 100, (len(labels), size, size, 3))
    photos = (noise + 120 * labels[:, None, None, None]).astype(np.uint8)
    names = tuple(f"photo-{row}" for row in range(len(labels)))
    parts = tuple(part for part, n in zip(SPLITS, counts, strict=True) for _ in range(n))
    return TrainingData(
        photos=photos,
        split=Split(files=names, labels=labels.astype(np.int64), sha256=names, parts=parts),
        classes=2,
        digest=f"{counts} photos",
        weights=resolve(RANDOM, NAMES, cache_dir=folder, seed=SEED),
        store=FeatureStore(folder / "features", max_bytes),
        points=points,
    )


def point(backbone: str, *, size: int, **changes: object) -> TrialConfig:
    """The paper's configuration, small, with a rate that moves something in two epochs."""
    small = paper.baseline(backbone, epochs=2, batch_size=8, image_size=size, seed=SEED)
    return TrialConfig(**{**vars(small), "learning_rate": 1e-3, **changes})
