"""A run read into memory once, the choices that validation makes in it, and any answers scored.

Test probabilities are sealed per trial. Whoever names a method asks `Evidence.test` for its own;
the evidence remembers which were opened, so that the report can say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from results.ledger.arrays import Probabilities
from results.ledger.records import Predictions, TrialRecord
from results.ledger.repeats import is_cut
from results.ledger.run_record import RunRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from results.scores import choosing, ensemble, metrics
from results.scores.calibration import calibrate
from results.scores.checks import check_scores, check_shape, check_shapes
from results.scores.fresh_seeds import FreshSeeds
from results.scores.method_types import Scores
from results.scores.metrics import Correct, Labels, right
from search_spaces.backbones import NAMES
from search_spaces.config import TrialId


@dataclass(frozen=True)
class Evidence:
    """What the ledger holds.

    Attributes:
        records: the search's finished trials, by `catalogue_order` of backbones, then by number.
        repeats: those that confirm winners on fresh seeds, in the same order.
        cut: repeats that the time budget cut, which only cost something.
        left_out: trials of the search that it left out, so that winners could be confirmed.
    """

    folder: RunFolder
    run: RunRecord
    split: Split
    records: tuple[TrialRecord, ...]
    repeats: tuple[TrialRecord, ...] = ()
    cut: tuple[TrialRecord, ...] = ()
    left_out: frozenset[TrialId] = frozenset()
    _predictions: dict[str, Predictions] = field(default_factory=dict)
    _tests: dict[str, Probabilities] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.run.data.classes

    @property
    def complete(self) -> bool:
        """Whether every planned trial is finished, and every repeat."""
        fresh = self.fresh
        return set(fresh.finished) >= set(self.run.planned) and all(
            fresh.done(name) >= fresh.planned(name) for name in self.run.settings.backbones
        )

    @property
    def planned(self) -> int:
        """How many trials the run comes to, as far as is known."""
        repeats = (self.fresh.planned(name) for name in self.run.settings.backbones)
        return len(self.run.planned) + sum(repeats)

    @cached_property
    def fresh(self) -> FreshSeeds:
        """The run on fresh seeds."""
        finished = {record.id: record for record in (*self.records, *self.repeats)}
        return FreshSeeds(self.run.settings, finished, self.left_out)

    @property
    def test_opened(self) -> tuple[str, ...]:
        """The trials whose sealed test probabilities were read so far, in the records' order."""
        return tuple(trial for trial in self._by_trial if trial in self._tests)

    @cached_property
    def backbones(self) -> tuple[str, ...]:
        """Those that are planned or in the ledger, in `catalogue_order`."""
        planned = {trial.backbone for trial in self.run.planned}
        return tuple(sorted(planned | set(self._by_backbone), key=catalogue_order))

    def labels(self, part: str) -> Labels:
        """[n] labels of one split, in the order of its predictions."""
        return self.split.labels[self.split.indices(part)]

    def record(self, trial: str) -> TrialRecord:
        """A finished trial's record.

        Raises:
            KeyError: the trial is not finished.
        """
        return self._by_trial[trial]

    def of(self, backbone: str) -> tuple[TrialRecord, ...]:
        """A backbone's finished trials of the search, by number."""
        return self._by_backbone.get(backbone, ())

    def baseline(self, backbone: str) -> TrialRecord | None:
        """The documented configuration's trial, or None while it is not finished."""
        return self._by_trial.get(TrialId(backbone, 0).name)

    def best(self, backbone: str) -> TrialRecord | None:
        """The best trial by validation, or None if none has scores.

        On fresh seeds where these are finished, otherwise by the search alone.
        """
        return self.fresh.winner(backbone) or best_of(self.of(backbone))

    def winners(self) -> tuple[TrialRecord, ...]:
        """The best trial of each backbone that has one, in `catalogue_order`."""
        best = (self.best(backbone) for backbone in self.backbones)
        return tuple(record for record in best if record is not None)

    def predictions(self, trial: str) -> Predictions:
        """A finished trial's probabilities by its kept weights, except on test photos; read once.

        Those after every epoch are left out, see `by_epoch`.

        Raises:
            KeyError: the trial is not finished.
            EnvironmentRefusal: the file is missing, damaged, of other photos than the split, or
                contradicts the trial's record.
        """
        if trial not in self._predictions:
            read = self._read_predictions(trial)
            self._predictions[trial] = replace(read, validation_by_epoch=read.validation[None][:0])
        return self._predictions[trial]

    def by_epoch(self, trial: str) -> Probabilities:
        """[E, n, C] of the validation photos; [0, n, C] if these were too many to be kept."""
        return self._read_predictions(trial).validation_by_epoch

    def validation(self, trial: str) -> Probabilities:
        """[n, C] of the validation photos, without keeping the trial's other arrays in memory."""
        return (self._predictions.get(trial) or self._read_predictions(trial)).validation

    def _read_predictions(self, trial: str) -> Predictions:
        record, predictions = self.record(trial), self.folder.read_predictions(trial)
        folder = self.folder.trial(trial)
        shapes = {part: self._shape(part) for part in ("train", "validation")}
        check_shapes(record, predictions, shapes, folder)
        metric = self.run.settings.metric
        check_scores(record, predictions.validation, self.labels("validation"), metric, folder)
        return predictions

    def test(self, trial: str) -> Probabilities:
        """[n, C] of the test photos: opens the seal of a method that is named, once.

        Raises:
            EnvironmentRefusal: the file is missing, damaged, or of other photos than the split.
        """
        if trial not in self._tests:
            test = self.folder.open_sealed_test(trial)
            check_shape("test", test, self._shape("test"), self.folder.trial(trial))
            self._tests[trial] = test
        return self._tests[trial]

    def probabilities(self, trial: str, part: str) -> Probabilities:
        """[n, C] of one part of the split by the kept weights; those of `test` are opened."""
        if part == "test":
            return self.test(trial)
        probabilities: Probabilities = getattr(self.predictions(trial), part)
        return probabilities

    def right(self, trial: str) -> Correct:
        """Which test photos a named method has right: [n] bool."""
        return right(self.test(trial), self.labels("test"))

    @cached_property
    def _by_trial(self) -> dict[str, TrialRecord]:
        return {record.trial: record for record in (*self.records, *self.repeats)}

    @cached_property
    def _by_backbone(self) -> dict[str, tuple[TrialRecord, ...]]:
        groups = defaultdict(list)
        for record in self.records:
            groups[record.backbone].append(record)
        return {backbone: tuple(records) for backbone, records in groups.items()}

    def _shape(self, part: str) -> tuple[int, int]:
        return len(self.split.indices(part)), len(self.classes)


def catalogue_order(backbone: str) -> tuple[int, str]:
    """Sort key of backbones: the catalogue's order, then by name those that are not in it."""
    return (NAMES.index(backbone) if backbone in NAMES else len(NAMES), backbone)


def scored(records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Those with scores."""
    return tuple(record for record in records if record.has_scores)


def best_of(records: Iterable[TrialRecord]) -> TrialRecord | None:
    """The best by score, then validation loss, then number; None without scores."""
    return min(scored(records), key=lambda record: record.rank, default=None)


def scores(evidence: Evidence, validation: Probabilities, test: Probabilities) -> Scores:
    """Score probabilities of the validation and the test photos, each [n, C]."""
    labels, chosen = evidence.labels("test"), evidence.run.settings.metric
    predicted = test.argmax(axis=1).astype(np.int64)
    correct = int(metrics.right(test, labels).sum())
    return Scores(
        validation_loss=metrics.cross_entropy(validation, evidence.labels("validation")),
        test_loss=metrics.cross_entropy(test, labels),
        correct=correct,
        photos=len(labels),
        interval=metrics.wilson(correct, len(labels)),
        report=metrics.classification_report(predicted, labels, names=evidence.classes),
        confusion=metrics.confusion(predicted, labels, classes=len(evidence.classes)),
        calibration=calibrate(validation, evidence.labels("validation"), test, labels),
        more={
            f"{part}_{name}": metric(probabilities, evidence.labels(part))
            for part, probabilities in (("validation", validation), ("test", test))
            for name, metric in {**metrics.METRICS, chosen: choosing.CHOICES[chosen]}.items()
        },
    )


def averaged(evidence: Evidence, members: Sequence[str], part: str) -> Probabilities:
    """Mean probabilities of trials on one part of the split: [n, C]."""
    return ensemble.mean([evidence.probabilities(trial, part) for trial in members])


def read_evidence(folder: RunFolder) -> Evidence:
    """Read a run.

    Raises:
        UsageRefusal: the folder holds no run.
        EnvironmentRefusal: a file of it is missing or damaged.
    """
    run = folder.read_run()
    records = sorted(
        folder.records(),
        key=lambda one: (*catalogue_order(one.backbone), one.number, one.repeat),
    )
    return Evidence(
        folder=folder,
        run=run,
        split=folder.read_split(),
        records=tuple(one for one in records if not one.repeat),
        repeats=tuple(one for one in records if one.repeat and not is_cut(one)),
        cut=tuple(one for one in records if is_cut(one)),
        left_out=folder.read_left_out(),
    )
