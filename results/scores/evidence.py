"""A run read into memory once, and the choices that validation makes in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from results.ledger.records import FAILED, Predictions, TrialRecord, trial_name
from results.ledger.runs import RunRecord, Split
from results.ledger.store import RunFolder
from results.scores.ensemble import Candidate, by_validation
from results.scores.metrics import Correct, Labels, accuracy, right
from search_spaces.backbones import NAMES
from search_spaces.refusals import EnvironmentRefusal

AGREEMENT = 1e-6
"""How far a record's accuracy may lie from that of its predictions: float32's last digits."""


@dataclass(frozen=True)
class Evidence:
    """What the ledger holds.

    Attributes:
        records: every finished trial, by the catalogue's order of backbones, then by number.
    """

    folder: RunFolder
    run: RunRecord
    split: Split
    records: tuple[TrialRecord, ...]
    _predictions: dict[str, Predictions] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.run.data.classes

    @property
    def backbones(self) -> tuple[str, ...]:
        """Those that are planned or in the ledger, in the catalogue's order."""
        named = {trial.split("/")[0] for trial in self.run.planned}
        named |= {record.backbone for record in self.records}
        return tuple(name for name in NAMES if name in named)

    def labels(self, part: str) -> Labels:
        """[n] labels of one split, in the order of its predictions."""
        return self.split.labels[self.split.indices(part)]

    def record(self, trial: str) -> TrialRecord | None:
        """A finished trial, or None."""
        return next((record for record in self.records if record.trial == trial), None)

    def of(self, backbone: str) -> tuple[TrialRecord, ...]:
        """A backbone's finished trials by number."""
        return tuple(record for record in self.records if record.backbone == backbone)

    def baseline(self, backbone: str) -> TrialRecord | None:
        """The documented configuration's trial, or None while it is not finished."""
        return self.record(trial_name(backbone, 0))

    def best(self, backbone: str) -> TrialRecord | None:
        """The best trial by validation, or None if none has scores."""
        return best_of(self.of(backbone))

    def winners(self) -> tuple[TrialRecord, ...]:
        """The best trial of each backbone that has one, in the catalogue's order."""
        found = (self.best(backbone) for backbone in self.backbones)
        return tuple(record for record in found if record is not None)

    def predictions(self, trial: str) -> Predictions:
        """Probabilities of a finished trial, read once.

        Raises:
            EnvironmentRefusal: the file is missing, damaged, of other photos than the split, or
                contradicts the trial's record.
        """
        if trial not in self._predictions:
            found = self.folder.read_predictions(trial)
            self._check(trial, found)
            self._predictions[trial] = found
        return self._predictions[trial]

    def right(self, trial: str) -> Correct:
        """Which test photos a trial has right: [n] bool."""
        return right(self.predictions(trial).test, self.labels("test"))

    def _check(self, trial: str, found: Predictions) -> None:
        record = self.record(trial)
        if record is None:
            raise ValueError(f"{trial} is not finished")
        epochs = len(record.epochs)
        wanted = {
            "validation": self._shape("validation"),
            "test": self._shape("test"),
            "validation_by_epoch": (epochs, *self._shape("validation")),
            "train_by_epoch": (epochs, *self._shape("train")),
        }
        for name, shape in wanted.items():
            got = getattr(found, name).shape
            if got != shape:
                raise _unusable(
                    f"predictions of {name} must have the shape {shape}, got {got}",
                    self.folder.trial(trial),
                )
        for part, said in (
            ("validation", record.validation_accuracy),
            ("test", record.test_accuracy),
        ):
            measured = accuracy(getattr(found, part), self.labels(part))
            if said is None or abs(measured - said) > AGREEMENT:
                raise _unusable(
                    f"the record says {part} accuracy {said}, its predictions say {measured:.6f}",
                    self.folder.trial(trial),
                )

    def _shape(self, part: str) -> tuple[int, int]:
        return len(self.split.indices(part)), len(self.classes)


def scored(records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Those with scores: completed, or stopped early after at least one epoch."""
    return tuple(
        record
        for record in records
        if record.status != FAILED and record.validation_accuracy is not None
    )


def best_of(records: Iterable[TrialRecord]) -> TrialRecord | None:
    """The best by validation accuracy, then validation loss, then number; None without scores."""
    return min(scored(records), key=lambda record: by_validation(candidate(record)), default=None)


def candidate(record: TrialRecord) -> Candidate:
    """A record's scores.

    Raises:
        ValueError: it has none.
    """
    best, loss, test = record.validation_accuracy, record.validation_loss, record.test_accuracy
    if best is None or loss is None or test is None:
        raise ValueError(f"{record.trial} has no scores")
    return Candidate(record.trial, record.backbone, record.number, best, loss, test)


def read_evidence(folder: RunFolder) -> Evidence:
    """Read a run.

    Raises:
        UsageRefusal: the folder holds no run.
        EnvironmentRefusal: a file of it is missing or damaged.
    """
    run = folder.read_run()
    records = sorted(folder.records(), key=lambda one: (NAMES.index(one.backbone), one.number))
    return Evidence(
        folder=folder,
        run=run,
        split=folder.read_split(),
        records=tuple(records),
    )


def _unusable(what: str, folder: Path) -> EnvironmentRefusal:
    return EnvironmentRefusal(
        what,
        where=str(folder),
        fix="Remove the trial's folder and resume the run to train it again.",
    )
