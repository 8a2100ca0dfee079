"""What all trials of a run share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from search_spaces.settings import Settings
from sweep.hardware import Machine

if TYPE_CHECKING:
    from trainables.networks.weights import Weights


@dataclass(frozen=True)
class RunContext:
    """Handed to every training process once; an `Assignment` then says which trial is next.

    Attributes:
        run: the run's folder.
        dataset: the dataset's HDF5 file.
        weights: resolved.
        settings, machine: the run's.
        onednn: what `TF_ENABLE_ONEDNN_OPTS` must be where trials are trained, `0` or `1`; None in a
            run of a version that did not choose: whatever the environment has.
        holder: of the run's folder, see `RunPlaces.training`.
        temporary: where training processes keep temporary files; None for the system's choice.
    """

    run: Path
    dataset: Path
    weights: Weights
    settings: Settings
    machine: Machine
    onednn: str | None = None
    holder: str = ""
    temporary: Path | None = None
