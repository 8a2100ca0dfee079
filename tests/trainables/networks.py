"""Small photos, seeded, and the data of a trial for tests that build real networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from results.runs import Split
from search_spaces import paper
from search_spaces.backbones import NAMES
from search_spaces.config import TrialConfig
from trainables.features import FeatureStore
from trainables.frozen import TrainingData
from trainables.weights import RANDOM, resolve

SEED = 7
PHOTOS = 40
NO_ROOM = 0
PLENTY = 10**12


def training_data(
    folder: Path, *, size: int, max_bytes: int = PLENTY, points: Mapping[str, tuple[str, ...]]
) -> TrainingData:
    """Forty photos of two classes that differ in brightness: 24 to train, 8 and 8 to judge."""
    rng = np.random.default_rng(SEED)
    labels = np.arange(PHOTOS) % 2
    noise = rng.integers(0, 100, (PHOTOS, size, size, 3))
    photos = (noise + 120 * labels[:, None, None, None]).astype(np.uint8)
    names = tuple(f"photo-{row}" for row in range(PHOTOS))
    parts = ("train",) * 24 + ("validation",) * 8 + ("test",) * 8
    return TrainingData(
        photos=photos,
        split=Split(files=names, labels=labels.astype(np.int64), sha256=names, parts=parts),
        classes=2,
        digest="forty photos",
        weights=resolve(RANDOM, NAMES, cache_dir=folder, seed=SEED),
        store=FeatureStore(folder / "features", max_bytes),
        points=points,
    )


def point(backbone: str, *, size: int, **changes: object) -> TrialConfig:
    """The paper's configuration, small, with a rate that moves something in two epochs."""
    small = paper.baseline(backbone, epochs=2, batch_size=8, image_size=size, seed=SEED)
    return TrialConfig.from_dict({**small.to_dict(), "learning_rate": 1e-3, **changes})
