"""What is shown of methods: a trial's or an ensemble's scores, and how two of them compare.

Accuracies are fractions, losses nats. None stands for what was not measured: a failed or unfinished
trial, or a comparison with nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from results.ledger.anatomy import Anatomy
from results.ledger.records import Cost, EpochRecord, Status
from results.scores.metrics import Interval, McNemar, Report, Verdict
from search_spaces.config import TrialConfig


class Purpose(StrEnum):
    """What the text compares two methods for."""

    GAIN = "gain"
    SCALING = "scaling"
    WINNERS = "winners"
    ENSEMBLE = "ensemble"


ENSEMBLE = "ensemble"
"""The best two's name beside trial names."""


@dataclass(frozen=True)
class Calibration:
    """How far probabilities of the test photos can be taken at their word.

    Attributes:
        temperature: fitted on validation; above 1 the model is too sure of itself.
        error: expected calibration error on test, a fraction, lower is better.
        error_at_temperature: the same once the temperature is applied.
        loss, loss_at_temperature: mean cross-entropy on test in nats.
    """

    temperature: float
    error: float
    error_at_temperature: float
    loss: float
    loss_at_temperature: float


@dataclass(frozen=True)
class Scores:
    """How right a method is on the test photos; its metrics on validation and test.

    Attributes:
        validation_loss, test_loss: mean cross-entropy in nats.
        more: each of `metrics.METRICS` and the run's metric, as `validation_NAME` and `test_NAME`.
        correct, photos: on test.
        interval: Wilson's, of the test accuracy.
        report: on test.
        confusion: [true class][predicted class] counts on test.
        calibration: on test, by a temperature fitted on validation.
    """

    validation_loss: float
    test_loss: float
    correct: int
    photos: int
    interval: Interval
    report: Report
    confusion: tuple[tuple[int, ...], ...]
    calibration: Calibration
    more: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """A trial that the text speaks about: a backbone's baseline or its best.

    Attributes:
        error: why it failed.
        config: None until the trial is finished.
        scores: None if there are none; then the accuracies are None too.
        published_test_accuracy: the paper's for this backbone; None if it is not in the paper.
        verdict: None without scores, or without a published accuracy.
        history: its curves.
        anatomy: how its network was divided (Tables 2 to 4 as built).
    """

    trial: str
    status: Status
    error: str
    config: TrialConfig | None
    best_epoch: int | None
    validation_accuracy: float | None
    test_accuracy: float | None
    published_test_accuracy: float | None
    verdict: Verdict | None
    scores: Scores | None
    history: tuple[EpochRecord, ...]
    anatomy: Anatomy | None
    cost: Cost


@dataclass(frozen=True)
class Pair:
    """Two methods on the same test photos, by trial name or `ensemble`; see `McNemar`."""

    why: Purpose
    first: str
    second: str
    test: McNemar


@dataclass(frozen=True)
class Gain:
    """What the search gained over the baseline: best minus baseline, in fractions.

    Attributes:
        pair: None if the baseline itself is the best.
    """

    validation: float
    test: float
    pair: Pair | None


@dataclass(frozen=True)
class EnsembleEpoch:
    """The members' validation probabilities averaged after one epoch.

    Training has no such curve: what members gave in mid-epoch with Dropout on are the answers of no
    network, and nobody knows what their average means.
    """

    epoch: int
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Redrawn:
    """The paper's mistake: the ensemble scored on a fresh fifth of all photos.

    Attributes:
        photos, correct: of the re-drawn set.
        per_class: its photos by label.
        seen: of them, photos that the members were trained on.
        chosen_on: of them, validation photos, by which the members were chosen.
        verdict: of this score against the published one, which was measured in the same way.
    """

    photos: int
    correct: int
    accuracy: float
    interval: Interval
    per_class: tuple[int, ...]
    seen: int
    chosen_on: int
    published_test_accuracy: float
    verdict: Verdict


@dataclass(frozen=True)
class EnsembleSummary:
    """The best two backbones' best trials, averaged.

    Attributes:
        members: trial names, best first.
        train_accuracy, train_loss: of the members as kept, in inference mode.
        history: empty where a member's answers after every epoch were too many to be kept.
    """

    members: tuple[str, ...]
    train_accuracy: float
    train_loss: float
    validation_accuracy: float
    test_accuracy: float
    published_test_accuracy: float
    verdict: Verdict
    scores: Scores
    history: tuple[EnsembleEpoch, ...]
    redrawn: Redrawn


@dataclass(frozen=True)
class EnsembleRow:
    """One way to choose an ensemble, scored once on test.

    Attributes:
        rule: in words.
        uses_test: True for the paper's rule, whose test score is biased upwards.
        members: trial names; a repeat is a weight.
    """

    rule: str
    uses_test: bool
    members: tuple[str, ...]
    validation_accuracy: float
    validation_loss: float
    test_accuracy: float
    test_loss: float
    correct: int
    photos: int
    interval: Interval


@dataclass(frozen=True)
class ScalingRow:
    """One backbone under X/255 and under its own scaling.

    Attributes:
        also_differs: other fields of the configurations that differ; if any, the comparison is
            observational: the difference may come from them.
    """

    backbone: str
    unit_trial: str
    unit_validation_accuracy: float
    unit_test_accuracy: float
    native_trial: str
    native_validation_accuracy: float
    native_test_accuracy: float
    also_differs: tuple[str, ...]
    pair: Pair

    @property
    def observational(self) -> bool:
        return bool(self.also_differs)


@dataclass(frozen=True)
class Side:
    """One run's method: trial names, and accuracies as fractions."""

    trials: tuple[str, ...]
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class ComparedRow:
    """One method in two runs.

    Attributes:
        method: `VGG16 baseline`, `VGG16 best` or `ensemble`.
        first, second: None where a run has no such method with scores.
        differs: `field: first, second` for each field in which the configurations differ.
        test: McNemar's, if both runs have the same split.
    """

    method: str
    first: Side | None
    second: Side | None
    differs: tuple[str, ...]
    test: McNemar | None

    @property
    def validation_difference(self) -> float | None:
        """The second run's accuracy less the first's."""
        if self.first is None or self.second is None:
            return None
        return self.second.validation_accuracy - self.first.validation_accuracy

    @property
    def test_difference(self) -> float | None:
        """The second run's accuracy less the first's."""
        if self.first is None or self.second is None:
            return None
        return self.second.test_accuracy - self.first.test_accuracy


@dataclass(frozen=True)
class ComparedSetting:
    """What two runs were asked for, or ran on, in words; None where one has no such thing."""

    name: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class Comparison:
    """Two runs.

    Attributes:
        first, second: the run folders' last parts.
        same_split: every photo is the same and in the same split, so that methods can be paired.
        partial: names of runs that are not complete.
        demonstration: names of runs that only show the machinery.
        settings: those that differ.
    """

    first: str
    second: str
    same_split: bool
    partial: tuple[str, ...]
    demonstration: tuple[str, ...]
    settings: tuple[ComparedSetting, ...]
    rows: tuple[ComparedRow, ...]
