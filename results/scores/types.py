"""`Summary`: every number that is shown, as frozen types that become JSON.

Accuracies are fractions, losses nats, times seconds. None stands for what was not measured: a
failed or unfinished trial, or a comparison with nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from results.ledger.records import TrialRecord
from results.ledger.runs import Importances, MeasuredCharacteristics, Rejected, WeightsSource
from results.scores.confirmation_types import Confirmation
from results.scores.cost_types import CostLedger, Photos, Seconds
from results.scores.method_types import (
    ENSEMBLE,
    EnsembleRow,
    EnsembleSummary,
    Gain,
    Method,
    Pair,
    ScalingRow,
)
from search_spaces.metrics import ACCURACY


@dataclass(frozen=True)
class Counts:
    """Photos per split."""

    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class DataSummary:
    """The photos; see `DataRecord`. `rejected` counts files that could not be used.

    Attributes:
        near_duplicates: photos that look like another one, encoded again or mirrored.
        handling: of photos that look alike, one of `search_spaces.settings.DUPLICATES`.
        per_class: photos per split, by label.
        examples_rejected, examples_conflicts: the first of them, by name.
    """

    name: str
    source: str
    digest: str
    classes: tuple[str, ...]
    counts: Counts
    image_size: int
    ignored: int
    rejected: int
    duplicates: int
    conflicts: int
    near_duplicates: int
    handling: str
    per_class: tuple[Counts, ...]
    examples_rejected: tuple[Rejected, ...]
    examples_conflicts: tuple[str, ...]


@dataclass(frozen=True)
class TrialCounts:
    """Of the planned trials; the last four are disjoint, and what they leave is unfinished."""

    planned: int
    completed: int
    failed: int
    stopped_early: int
    out_of_time: int

    @property
    def finished(self) -> int:
        return self.completed + self.failed + self.stopped_early + self.out_of_time


@dataclass(frozen=True)
class BackboneSummary:
    """One backbone. `best` is chosen by validation and None if no trial has scores.

    Attributes:
        finished, failed: its trials of the search in the ledger.
        gain: None unless both baseline and best have scores.
        confirmation: on fresh seeds; None where nothing was to be confirmed.
    """

    name: str
    baseline: Method
    best: Method | None
    gain: Gain | None
    finished: int
    failed: int
    confirmation: Confirmation | None = None

    @property
    def methods(self) -> tuple[Method, ...]:
        """The baseline, and the best trial where it is another one."""
        if self.best is None or self.best.trial == self.baseline.trial:
            return (self.baseline,)
        return self.baseline, self.best


@dataclass(frozen=True)
class Mistake:
    """A wrongly classified test photo.

    Attributes:
        photo: row in the dataset.
        probability: of the predicted class.
    """

    file: str
    photo: int
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Suspect:
    """A photo, not trained on, whose label the best trials of several backbones contradict.

    Attributes:
        label, suggested: class names.
        probability: mean probability of `suggested` over `trials`.
        trials: those that contradict.
    """

    file: str
    photo: int
    split: str
    label: str
    suggested: str
    probability: float
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Mistakes:
    """Where it fails, the worst first.

    Attributes:
        method: whose mistakes: `ensemble`, or the best trial's name; empty if there is none.
        wrong: how many test photos it has wrong; `worst` shows the first of them.
        winners: the worst of every backbone's best trial, by its name.
    """

    method: str
    wrong: int
    worst: tuple[Mistake, ...]
    suspects: tuple[Suspect, ...]
    winners: Mapping[str, tuple[Mistake, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """Everything shown about a run.

    Attributes:
        name: the run folder's last part.
        complete: every planned trial and every repeat is in the ledger.
        demonstration: the run makes no statement about the paper.
        weights: a name or folder as given.
        weights_source: per backbone what is known of them.
        ensemble: None with fewer than two backbones that have scores.
        recommended: by validation: a trial's name or `ensemble`; empty if nothing has scores.
        warnings: what validation says against the ensemble, in sentences.
        pairs: every McNemar test of the text; p-values are not corrected for their number.
        rows, repeats: the finished trials of the search, and those on fresh seeds.
        importances: per backbone, each searched dimension's share; empty if not computed.
        characteristics: the paper's Table 1 as measured; empty if it was not.
        test_opened: the trials whose sealed test probabilities were read for this summary.
        test_sealed: how many trials have such probabilities, these among them.
        costs: `seconds` and `photos` per backbone, with what reusing features saved.
    """

    name: str
    complete: bool
    demonstration: bool
    data: DataSummary
    weights: str
    weights_sha256: Mapping[str, str]
    weights_source: Mapping[str, WeightsSource]
    trials: TrialCounts
    backbones: tuple[BackboneSummary, ...]
    ensemble: EnsembleSummary | None
    recommended: str
    warnings: tuple[str, ...]
    ensembles: tuple[EnsembleRow, ...]
    scaling: tuple[ScalingRow, ...]
    pairs: tuple[Pair, ...]
    rows: tuple[TrialRecord, ...]
    repeats: tuple[TrialRecord, ...]
    test_opened: tuple[str, ...]
    test_sealed: int
    importances: Mapping[str, Importances]
    characteristics: tuple[MeasuredCharacteristics, ...]
    mistakes: Mistakes
    seconds: Seconds
    photos: Photos
    costs: CostLedger
    created: str
    command: tuple[str, ...]
    seed: int
    settings: Mapping[str, Any]
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]

    @property
    def metric(self) -> str:
        """What everything was chosen by."""
        metric: str = self.settings.get("metric", ACCURACY)
        return metric

    @property
    def recommended_trials(self) -> tuple[str, ...]:
        """The trials that the recommended model averages; empty if there is none."""
        if self.recommended == ENSEMBLE and self.ensemble is not None:
            return self.ensemble.members
        return (self.recommended,) if self.recommended else ()

    @property
    def winner(self) -> Method | None:
        """The best single trial: the ensemble's first member, or the only one with scores."""
        methods = [backbone.best for backbone in self.backbones if backbone.best is not None]
        if self.ensemble is not None:
            first = self.ensemble.members[0]
            return next(method for method in methods if method.trial == first)
        return methods[0] if methods else None
