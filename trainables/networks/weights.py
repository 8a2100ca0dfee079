"""The weights that a run's backbones start from, and how a file of them is loaded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from results.ledger.files import file_sha256
from results.ledger.runs import WeightsSource
from search_spaces.backbones import Backbone
from search_spaces.refusals import EnvironmentRefusal

RANDOM = "random"
RECIPE = "channels in mirrored pairs, layers scaled on made-up pictures, version 1"
"""How random weights come about, see `initialisation`: a part of the digest that names them."""


@dataclass(frozen=True)
class Weights:
    """The resolved weights of a run.

    Attributes:
        name: `imagenet`, `random`, or the folder as given.
        files: a file per backbone; empty for random weights.
        seed: of random weights.
        digests: per backbone the file's SHA-256, or a name for seeded random weights.
        sources: per backbone what is known of them.
    """

    name: str
    files: Mapping[str, Path]
    seed: int
    digests: Mapping[str, str]
    sources: Mapping[str, WeightsSource]

    @property
    def random(self) -> bool:
        return self.name == RANDOM


def load(base: Any, entry: Backbone, path: Path, digest: str) -> None:
    """Put a file's weights into a Keras model without its top.

    Raises:
        EnvironmentRefusal: the file was changed, does not fit, or holds no numbers.
    """
    _check_unchanged(entry, path, digest)
    try:
        with warnings.catch_warnings():
            # Keras only warns when it leaves a layer at its random values.
            warnings.simplefilter("error", UserWarning)
            base.load_weights(path)
    except (ValueError, OSError, KeyError, UserWarning) as fault:
        raise EnvironmentRefusal(
            f"these weights do not fit {entry.name} without its top",
            where=str(path),
            fix="Use the file that keras.applications downloads, or one saved from it.",
        ) from fault
    _check_finite(base, entry, path)


def _check_unchanged(entry: Backbone, path: Path, digest: str) -> None:
    """Hash again what was hashed when the run began, hours before or on another machine."""
    try:
        actual = file_sha256(path)
    except OSError as fault:
        raise EnvironmentRefusal(
            f"the weights of {entry.name} cannot be read: {fault.strerror}",
            where=str(path),
            fix="Put the file back and resume the run.",
        ) from fault
    if actual != digest:
        raise EnvironmentRefusal(
            f"the weights of {entry.name} were changed since the run began: their SHA-256 must be "
            f"{digest}, got {actual}",
            where=str(path),
            fix="Put the file back and resume the run, or start another run.",
        )


def _check_finite(base: Any, entry: Backbone, path: Path) -> None:
    for variable in base.variables:
        if variable.dtype.startswith("float") and not np.isfinite(variable.numpy()).all():
            raise EnvironmentRefusal(
                f"the weights of {entry.name} hold values that are no numbers",
                where=str(path),
                fix="The file is damaged: download it again.",
            )
