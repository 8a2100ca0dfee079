"""What came out of one trial, as frozen types: its record, its cost and its predictions.

These types pass between the rooms. They hold numbers and never print, read or write anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import Any, ClassVar

from numpy.typing import NDArray

from results.ledger.anatomy import Anatomy
from results.ledger.arrays import Probabilities
from search_spaces.config import TrialConfig, TrialId


class Status(StrEnum):
    """How a trial ended. `OUT_OF_TIME` was cut between epochs by `--time-budget`. `UNFINISHED` is a
    planned trial without a record; no record says it."""

    COMPLETED = "completed"
    STOPPED_EARLY = "stopped_early"
    OUT_OF_TIME = "out_of_time"
    FAILED = "failed"
    UNFINISHED = "unfinished"


@dataclass(frozen=True)
class EpochRecord:
    """One epoch. Training figures are running means over the epoch, taken before each update.

    Attributes:
        epoch: from 1.
        train_loss, validation_loss: mean cross-entropy in nats.
        train_accuracy, validation_accuracy: fractions.
        learning_rate: in force at the epoch's end.
        seconds: of the epoch, its validation included.
        validation_score: by the run's metric, higher is better; None where that is accuracy.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    validation_score: float | None = None

    @property
    def score(self) -> float:
        """What the epoch is chosen by, higher is better."""
        return self.validation_accuracy if self.validation_score is None else self.validation_score


@dataclass(frozen=True)
class Cost:
    """What a trial cost, in seconds and photos.

    Attributes:
        seconds_features: computing frozen features, and waiting for them.
        seconds_training: epochs with their validation, and at the end predicting the training and
            the test photos once.
        seconds_total: from the trial's start to its record.
        photos_prefix: photos pushed through frozen layers to fill the feature store.
        photos_trained: photos (or their cached features) seen by training steps alone.
        bytes_stored: new bytes in the feature store, counted by the trial that computed them.
        seconds_waiting: of `seconds_features`, idle while another process computed them.
        seconds_tracing: of all, the first calls of functions that had to be traced or compiled.
        seconds_prefix: of `seconds_features`, running frozen layers, without tracing them: measured
            in the batches that traced nothing, and extended to all of `photos_prefix`.
        multiply_adds_prefix: of the frozen layers that these photos went through, all together.
    """

    seconds_features: float = 0.0
    seconds_training: float = 0.0
    seconds_total: float = 0.0
    photos_prefix: int = 0
    photos_trained: int = 0
    bytes_stored: int = 0
    seconds_waiting: float = 0.0
    seconds_tracing: float = 0.0
    seconds_prefix: float = 0.0
    multiply_adds_prefix: float = 0.0

    @property
    def seconds_trained(self) -> float:
        """All but those of its features: what the same trial takes once these are stored."""
        return self.seconds_total - self.seconds_features

    def __add__(self, other: Cost) -> Cost:
        """Both together."""
        return Cost(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def plain_photos(epochs: int, *, train: int, validation: int, test: int) -> int:
    """Photos that a plain script pushes through the whole network for one trial.

    Every epoch the training and the validation photos, and the test photos once at the end. It does
    not predict the training photos at the end as ours does, so that is never counted as saved.

    Args:
        epochs: that were trained; a trial without any pushes nothing.
        train, validation, test: photos in each split.
    """
    return epochs * (train + validation) + test if epochs else 0


@dataclass(frozen=True)
class TrialRecord:
    """One finished trial, as the ledger keeps it.

    The scores are those of the best epoch's weights: highest `score` (validation accuracy, unless
    the run has another metric), then lowest validation loss, then earliest. A failed trial has no
    scores (None) and says why in `error`. There are no test scores: what the trial answered for the
    test photos is sealed in its own file.

    Attributes:
        number: 0 for the baseline, then 1, 2, ... per backbone.
        repeat: 0 for the search's own trial; from 1 for one that confirms it on a fresh seed.
        weights_sha256: of the trial's `weights.npz`; empty for a failed trial.
        validation_score: see `EpochRecord`.
        diverged: a failed trial's loss was no number: the search keeps away from its configuration.
        batch_halved: `config` lacked memory, and `trained` is what was trained for it.
        weights_dropped: they made room for others (`--max-disk`), see `results.ledger.dropping`.
    """

    named_in_json: ClassVar[str] = "trial"

    number: int
    status: Status
    config: TrialConfig
    epochs: tuple[EpochRecord, ...] = ()
    best_epoch: int | None = None
    validation_accuracy: float | None = None
    validation_loss: float | None = None
    cost: Cost = field(default_factory=Cost)
    anatomy: Anatomy | None = None
    weights_sha256: str = ""
    error: str = ""
    diverged: bool = False
    validation_score: float | None = None
    repeat: int = 0
    batch_halved: bool = False
    weights_dropped: bool = False

    @property
    def trained(self) -> TrialConfig:
        """The configuration that was trained: `config`, unless it lacked memory."""
        return self.config.with_half_batch() if self.batch_halved else self.config

    @property
    def seconds_traced(self) -> float:
        """What the trial takes once its features are stored and its network is traced: without what
        its first epoch took longer than the later ones."""
        first, *later = [epoch.seconds for epoch in self.epochs] or [0.0]
        tracing = max(0.0, first - fmean(later)) if later else 0.0
        return self.cost.seconds_trained - tracing

    @property
    def seconds_per_epoch(self) -> float:
        """Of `seconds_traced`: with an epoch's share of the trial's beginning and end.

        Raises:
            ZeroDivisionError: no epoch was trained.
        """
        return self.seconds_traced / len(self.epochs)

    @property
    def score(self) -> float | None:
        """What the trial is chosen by, higher is better; None if it has no scores."""
        return self.validation_accuracy if self.validation_score is None else self.validation_score

    @property
    def id(self) -> TrialId:
        return TrialId(self.config.backbone, self.number, self.repeat)

    @property
    def trial(self) -> str:
        """`Xception/baseline`, `Xception/t07` or `Xception/t07-s1`; the folder below `trials/`."""
        return self.id.name

    @property
    def backbone(self) -> str:
        return self.config.backbone

    @property
    def is_baseline(self) -> bool:
        return self.number == 0 and self.repeat == 0

    @property
    def has_scores(self) -> bool:
        """It did not fail, and has trained at least one epoch."""
        return self.status != Status.FAILED and self.validation_accuracy is not None

    @property
    def rank(self) -> tuple[float, float, int]:
        """Sort key, best first: higher score, lower validation loss, lower number.

        Raises:
            ValueError: the trial has no scores.
        """
        if self.score is None or self.validation_loss is None:
            raise ValueError(f"{self.trial} has no scores")
        return -self.score, self.validation_loss, self.number


@dataclass(frozen=True)
class Predictions:
    """Probabilities of one trial in inference mode; rows in the order of the split, see `Split`.

    Those of the test photos are apart, so that reading these cannot show them.

    Attributes:
        train, validation: [N, C] by the best epoch's weights.
        validation_by_epoch: [E, N, C] by each epoch's weights; [0, N, C] where `kept_by_epoch`
            says that they are too many.
    """

    train: Probabilities
    validation: Probabilities
    validation_by_epoch: Probabilities


@dataclass(frozen=True)
class TrialResult:
    """What `trainables.training.train.train` returns.

    Attributes:
        test: [N, C] of the test photos by the best epoch's weights; to be sealed, not looked at.
        weights: the best epoch's trained arrays by path, head included; see `results.ledger.store`.
    """

    status: Status
    epochs: tuple[EpochRecord, ...]
    best_epoch: int
    validation_accuracy: float
    validation_loss: float
    predictions: Predictions
    test: Probabilities
    weights: Mapping[str, NDArray[Any]]
    anatomy: Anatomy
    cost: Cost
    validation_score: float | None = None
