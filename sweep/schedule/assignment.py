"""A trial as it is handed to a worker: the seam between the pool (Ray, Optuna) and the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from results.ledger.records import Status, TrialRecord, TrialResult
from search_spaces.config import TrialConfig, TrialId

METRIC = "score"
"""What Ray is told of every epoch, and maximises: see `EpochRecord.score`."""

_ARRAYS = ("predictions", "test", "weights")
"""Of a result, what has files of its own."""


@dataclass(frozen=True)
class Assignment:
    """One trial that a worker is to train. Ray and the training process pickle it as it is.

    Attributes:
        number, repeat: of the trial, see `TrialId`.
        config: what is trained.
        cutoffs: per epoch, from 1, the score on validation below which the trial stops.
        deadline: Unix time, in seconds, after which the trial ends with its epoch; None for never.
            The pool leaves it out: it depends on when the command was started.
        batch_halved: the second attempt after one that lacked memory.
    """

    number: int
    config: TrialConfig
    cutoffs: Mapping[int, float]
    deadline: float | None = None
    repeat: int = 0
    batch_halved: bool = False

    @property
    def trained(self) -> TrialConfig:
        """What is trained for `config`."""
        return self.config.with_half_batch() if self.batch_halved else self.config

    @property
    def trial_id(self) -> TrialId:
        return TrialId(self.config.backbone, self.number, self.repeat)

    def finished(self, result: TrialResult, weights_sha256: str) -> TrialRecord:
        """The record of the trial once it was trained: everything of `result` but its arrays."""
        kept = {name: value for name, value in vars(result).items() if name not in _ARRAYS}
        return self._record(weights_sha256=weights_sha256, **kept)

    def failed(self, error: str, *, diverged: bool = False) -> TrialRecord:
        """The record of the trial where its own fault, or its process's death, ended it."""
        return self._record(status=Status.FAILED, error=error, diverged=diverged)

    def _record(self, **more: Any) -> TrialRecord:
        return TrialRecord(
            number=self.number,
            repeat=self.repeat,
            config=self.config,
            batch_halved=self.batch_halved,
            **more,
        )
