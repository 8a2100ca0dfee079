"""What a run is made of, as frozen types: its photos and their split; and what was measured besides
trials: Table 1, and which dimensions of the search mattered.

These types pass between the rooms. They hold facts and never print, read or write anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
LEFT_OUT = "left out"
"""In place of a split: a photo that is in none, since it looks like another one."""


class WeightsSource(StrEnum):
    """What is known of the weights that a backbone starts from."""

    KERAS = "published by Keras"
    """The file has the digest that `keras.applications` states for its ImageNet weights."""
    UNKNOWN = "unknown file"
    RANDOM = "random (mirrored pairs, scaled on made-up pictures)"
    """See `trainables.networks.initialisation`."""
    PLAIN_RANDOM = "random"
    """As Keras draws them, in runs of earlier versions."""


@dataclass(frozen=True)
class Rejected:
    """A file that was looked at and not used."""

    file: str
    why: str


@dataclass(frozen=True)
class DataRecord:
    """The photos of a run.

    Attributes:
        name: `digits`, `cats_vs_dogs`, or the last part of the path given.
        source: the path or name as given.
        digest: SHA-256 over the photos' pixels, labels, class names and file names, in order.
        classes: names by label.
        image_size: pixels.
        photos: how many.
        ignored: files that are no photos by their name (`Thumbs.db`, hidden files, ...).
        rejected: files that could not be decoded, or were left out, and why.
        duplicates: photos whose file content occurs more than once.
        conflicts: groups of identical photos under more than one label.
        near_duplicates: photos that look like another one without having its pixels; found when a
            run starts, so that a dataset file always has 0.
    """

    name: str
    source: str
    digest: str
    classes: tuple[str, ...]
    image_size: int
    photos: int
    ignored: int = 0
    rejected: tuple[Rejected, ...] = ()
    duplicates: int = 0
    conflicts: tuple[str, ...] = ()
    near_duplicates: int = 0


@dataclass(frozen=True)
class Split:
    """Which photo is in which split, in the dataset's order.

    Attributes:
        files: [N] names inside the dataset.
        labels: [N] int64, indices into the class names.
        sha256: [N] of each file's content.
        parts: [N] each one of `SPLITS`, or `LEFT_OUT`.
    """

    files: tuple[str, ...]
    labels: NDArray[np.int64]
    sha256: tuple[str, ...]
    parts: tuple[str, ...]

    def indices(self, part: str) -> NDArray[np.int64]:
        """Rows of one split, ascending: [n] int64. Predictions have this order."""
        return np.flatnonzero(np.asarray(self.parts) == part).astype(np.int64)

    def counts(self) -> dict[str, int]:
        return {part: self.parts.count(part) for part in SPLITS}


@dataclass(frozen=True)
class MeasuredCharacteristics:
    """A row of the paper's Table 1, measured: random weights, random photos, inference mode.

    Attributes:
        backbone: its name.
        image_size: pixels of the photos that were timed, those of the run.
        device: what it was timed on, by name; batch: photos per step.
        megabytes: of the weights as float32, with the ImageNet top of 1,000 classes, built at the
            model's default input size (299 or 224 pixels), as Keras publishes it.
        parameters: of the same model. VGG16's top would be smaller at a smaller `image_size`.
        depth: of the same model, layers that have weights, as Keras counts.
        milliseconds_per_step: with the top at `image_size`, median of several steps.
        *_without_top: of the backbone alone; its weights do not depend on the size.
    """

    backbone: str
    image_size: int
    device: str
    batch: int
    megabytes: float
    megabytes_without_top: float
    parameters: int
    parameters_without_top: int
    depth: int
    depth_without_top: int
    milliseconds_per_step: float
    milliseconds_per_step_without_top: float


@dataclass(frozen=True)
class Share:
    """How much of the variation a dimension explains: a fraction, mean and standard deviation over
    fANOVA's forests. Other trials would move it further than other forests do."""

    mean: float
    spread: float


@dataclass(frozen=True)
class Importances:
    """What mattered in the search of one backbone.

    Attributes:
        trials: that were compared, those that diverged included.
        epoch: from 1, the last that all of them reached: each counts by its best up to there.
        shares: by dimension; their means sum to 1.
    """

    trials: int
    epoch: int
    shares: Mapping[str, Share]
