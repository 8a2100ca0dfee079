"""What all trials of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.settings import Machine, Settings

if TYPE_CHECKING:
    from trainables.weights import Weights


@dataclass(frozen=True)
class Job:
    """Handed to every training process once.

    Attributes:
        run: the run's folder.
        dataset: the dataset's HDF5 file.
        weights: resolved.
        settings, machine: the run's.
    """

    run: Path
    dataset: Path
    weights: Weights
    settings: Settings
    machine: Machine
