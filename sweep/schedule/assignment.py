"""A trial as it is handed to a worker; the seam between the pool (Ray, Optuna) and the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_spaces.config import TrialConfig

METRIC = "validation_accuracy"
"""What is maximised: the best epoch's."""


@dataclass(frozen=True)
class Assignment:
    """A trial as it is handed to a worker, made of JSON values for Ray.

    Attributes:
        trial, number: as in its record.
        config: the point.
        cutoffs: per epoch the validation accuracy below which it stops.
    """

    trial: str
    number: int
    config: TrialConfig
    cutoffs: dict[int, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "trial": self.trial,
            "number": self.number,
            "config": self.config.to_dict(),
            "cutoffs": {str(epoch): bar for epoch, bar in self.cutoffs.items()},
        }

    @staticmethod
    def from_dict(values: dict[str, Any]) -> Assignment:
        return Assignment(
            trial=values["trial"],
            number=values["number"],
            config=TrialConfig.from_dict(values["config"]),
            cutoffs={int(epoch): bar for epoch, bar in values["cutoffs"].items()},
        )
