"""Two sets of defaults: the paper's, and those of a demonstration that needs no network.

`PAPER`         cats vs dogs, ImageNet weights, 150 px: python run_sweep.py --backbones all
`DEMONSTRATION` scikit-learn's scanned digits, random weights, 75 px: what the same command falls
                back to where the paper's photos and weights are not cached and cannot be reached.
                It shows the machinery and makes no statement about the paper. Its documented
                baselines have its few epochs, not the paper's ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs


@dataclass(frozen=True)
class Preset:
    """Defaults that the command line overrides one by one.

    Attributes:
        data: `cats_vs_dogs` or `digits`.
        weights: `imagenet` or `random`.
        image_size: pixels.
        epochs, batch_size: of every trial.
        trials: searched trials per backbone, on top of the baseline.
        confirm: fresh seeds for the baseline and the best two.
        ranges: by searched dimension, bounds or choices in place of the declared ones; a space that
            is named on the command line replaces them all.
    """

    data: str
    weights: str
    image_size: int
    epochs: int
    batch_size: int
    trials: int
    confirm: int
    ranges: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


PAPER = Preset(
    data="cats_vs_dogs",
    weights="imagenet",
    image_size=150,
    epochs=10,
    batch_size=32,
    trials=20,
    confirm=3,
)

DEMONSTRATION = Preset(
    data="digits",
    weights="random",
    image_size=75,
    epochs=3,
    batch_size=10,
    trials=8,
    confirm=2,
    ranges={
        # A trial of a head takes seconds, and 300 scans are few to train random layers on.
        "unfreeze": ("head",),
        "learning_rate": (5e-4, 1e-2),
    },
)

DIGITS_PER_CLASS = 50
"""Scans per digit that the demonstration takes, seeded, out of about 180."""


def default_cache_dir() -> Path:
    """The platform's folder for this user's caches: on Linux below XDG_CACHE_HOME or ~/.cache."""
    return platformdirs.user_cache_path("transfer-sweep", appauthor=False)


def cache_dir_known_as(recorded: str) -> Path:
    """The cache folder that a run recorded or, where the run was moved to, this machine's own."""
    try:
        known = recorded and Path(recorded).is_dir()
        return Path(recorded) if known else default_cache_dir()
    except OSError:  # another user's, such as /root/.cache
        return default_cache_dir()
