"""Tables with a row per method: published next to measured, the leaderboard, the gains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from results.report import kinds
from results.report.format import configuration
from results.report.kinds import COUNT, LABEL, Label, Place
from results.report.sheets import Column, Sheet, lay_out
from results.scores.comparisons import ENSEMBLE
from results.scores.method_types import EnsembleSummary, Gain, Method
from results.scores.types import BackboneSummary, Summary


@dataclass(frozen=True)
class MethodLine:
    """A method as a row of a table; `backbone` is None for the ensemble."""

    label: Label
    role: str
    method: Method | EnsembleSummary
    backbone: str | None = None
    note: str = ""

    def get(self, name: str) -> Any:
        """An attribute of the method that an ensemble may lack."""
        return getattr(self.method, name, None)

    def score(self, name: str) -> Any:
        """An attribute of the scores; None without any."""
        return getattr(self.method.scores, name, None)


def _score(name: str, **more: Any) -> Column:
    return Column(name, value=lambda line: line.score(name), **more)


def _ratio(line: MethodLine) -> tuple[int, int] | None:
    scores = line.method.scores
    return (scores.correct, scores.photos) if scores else None


VALIDATION = Column(
    "validation_accuracy",
    "validation %",
    kinds.PERCENT,
    lambda line: line.method.validation_accuracy,
    short="val %",
)
TEST = Column("test_accuracy", "test %", kinds.PERCENT, lambda line: line.method.test_accuracy)
INTERVAL = Column(
    "interval", "95 % interval", kinds.INTERVAL, lambda line: line.score("interval"), short="95 %"
)

METHODS = (
    Column("method", value=lambda line: line.get("trial") or ENSEMBLE),
    Column("role"),
    Column("backbone"),
    Column("status", value=lambda line: line.get("status")),
    VALIDATION,
    _score("validation_loss"),
    TEST,
    _score("test_loss"),
    _score("correct"),
    _score("photos"),
    Column("low", value=lambda line: getattr(line.score("interval"), "low", None)),
    Column("high", value=lambda line: getattr(line.score("interval"), "high", None)),
    Column("published_test_accuracy", value=lambda line: line.method.published_test_accuracy),
    Column("verdict", value=lambda line: getattr(line.method.verdict, "outcome", None)),
    Column("reason", value=lambda line: getattr(line.method.verdict, "reason", None)),
)
PUBLISHED = (
    Column("label", "method", LABEL),
    Column(
        "published",
        "published %",
        kinds.PERCENT_3,
        lambda line: line.method.published_test_accuracy,
    ),
    Column("measured", "measured %", kinds.PERCENT_3, lambda line: line.method.test_accuracy),
    Column("right", "right", kinds.RATIO, _ratio),
    INTERVAL,
    Column(
        "verdict", "verdict", kinds.VERDICT, lambda line: line.method.verdict or line.get("status")
    ),
    Column(
        "reason",
        "why",
        value=lambda line: getattr(line.method.verdict, "reason", "not measured in this run"),
        where=Place.PAGE,
    ),
)
LEADERBOARD = (
    Column("label", "method", LABEL),
    Column("role", "role"),
    Column("note", "configuration"),
    VALIDATION,
    TEST,
    INTERVAL,
    Column("best_epoch", "epoch", COUNT, lambda line: line.get("best_epoch")),
    Column(
        "seconds",
        "seconds",
        kinds.SECONDS,
        lambda line: line.method.cost.seconds_total or None if line.get("cost") else None,
    ),
)


def methods(summary: Summary) -> Sheet:
    """Every baseline, every best trial and the ensemble: the file `methods.csv`."""
    lines = []
    for backbone in summary.backbones:
        for role, method in (("baseline", backbone.baseline), ("best", backbone.best)):
            if method is not None:
                lines.append(MethodLine(Label(method.trial), role, method, backbone.name))
    if summary.ensemble is not None:
        lines.append(MethodLine(Label(ENSEMBLE), ENSEMBLE, summary.ensemble))
    return lay_out(summary, "methods", "Methods", METHODS, lines)


def published_and_measured(summary: Summary) -> Sheet:
    """The paper's Table 13: the baselines' and the ensemble's test accuracies and verdicts."""
    lines = [
        MethodLine(Label(backbone.name, backbone.name), "baseline", backbone.baseline)
        for backbone in summary.backbones
    ]
    if (ensemble := summary.ensemble) is not None:
        label = Label(f"Ensemble ({' + '.join(ensemble.members)})")
        lines.append(MethodLine(label, ENSEMBLE, ensemble))
    return lay_out(
        summary,
        "published",
        "Table 13: test accuracy, published and measured",
        PUBLISHED,
        lines,
        note="95 %: Wilson's interval of the measured value. Verdict: the measured value is above "
        "or below the published one, or its interval holds it.",
    )


def leaderboard(summary: Summary) -> Sheet:
    """Every method that the text speaks about, the best by validation first."""
    lines = []
    if (ensemble := summary.ensemble) is not None:
        members = " + ".join(ensemble.members)
        role = "best two by validation, averaged"
        lines.append(MethodLine(Label(ENSEMBLE), role, ensemble, note=members))
    for backbone in summary.backbones:
        for method in backbone.methods:
            note = configuration(method.config) if method.scores else method.error or method.status
            label = Label(method.trial, backbone.name)
            lines.append(MethodLine(label, _role(backbone, method), method, note=note))
    lines.sort(key=lambda line: -_or_last(line.method.validation_accuracy))
    title = "Methods, the best by validation first"
    return lay_out(summary, "leaderboard", title, LEADERBOARD, lines)


def _role(backbone: BackboneSummary, method: Method) -> str:
    if method is not backbone.baseline:
        return "best of the search"
    best = backbone.best is not None and backbone.best.trial == method.trial
    return "documented baseline, and the best" if best else "documented baseline"


def _or_last(accuracy: float | None) -> float:
    return -1.0 if accuracy is None else accuracy


def best(summary: Summary) -> Sheet:
    """The best trial of each backbone by validation, and its gain over the baseline."""

    def gained(name: str) -> Callable[[BackboneSummary], Any]:
        return lambda backbone: getattr(backbone.gain, name, None)

    def of_best(name: str) -> Callable[[BackboneSummary], Any]:
        return lambda backbone: getattr(backbone.best, name, None)

    columns = (
        Column("trial", "trial", LABEL, _best_label),
        Column("configuration", "and configuration", value=_best_note, under="trial"),
        Column("validation", "val %", kinds.PERCENT, of_best("validation_accuracy")),
        Column("validation_gain", "gain", kinds.POINTS, gained("validation")),
        Column("test", "test %", kinds.PERCENT, of_best("test_accuracy")),
        Column(
            "interval",
            "95 %",
            kinds.INTERVAL,
            lambda one: one.best.scores.interval if one.best and one.best.scores else None,
        ),
        Column("test_gain", "gain", kinds.POINTS, gained("test")),
        Column("p", "p", kinds.P_VALUE, lambda one: _gain_p(one.gain)),
    )
    return lay_out(
        summary,
        "best",
        "Best per backbone, chosen by validation",
        columns,
        summary.backbones,
        note="Gain: percentage points over the documented baseline. "
        "p: McNemar's exact test against it, on test.",
    )


def _best_label(backbone: BackboneSummary) -> Label:
    return Label(backbone.best.trial if backbone.best else backbone.name, backbone.name)


def _best_note(backbone: BackboneSummary) -> str:
    if (trial := backbone.best) is not None:
        epoch = "" if trial.best_epoch is None else f", epoch {trial.best_epoch}"
        return configuration(trial.config) + epoch
    if backbone.finished == 0:
        return "no trial finished yet"
    return f"no trial has scores; {backbone.failed} failed: {backbone.baseline.error}"


def _gain_p(gain: Gain | None) -> float | None:
    return gain.pair.test.p if gain and gain.pair else None
