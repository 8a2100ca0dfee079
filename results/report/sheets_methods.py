"""Tables with a row per method: published next to measured, the leaderboard, the gains."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from results.report import kinds
from results.report.format import configuration, several
from results.report.fresh_columns import FRESH, fresh, has_fresh, spread_of_best, with_fresh
from results.report.kinds import INTERVAL, LABEL, PERCENT, Label, Place
from results.report.sheets import Column, Sheet, chosen_by, lay_out, with_metric
from results.scores.confirmation_types import ConfirmedTrial
from results.scores.method_types import ENSEMBLE, EnsembleSummary, Method
from results.scores.metrics import Verdict
from results.scores.types import BackboneSummary, Summary
from search_spaces.metrics import signed


@dataclass(frozen=True)
class MethodLine:
    """A method as a row of a table; `trial` and `backbone` are None for the ensemble.

    `fresh` is the same configuration on fresh seeds, where it was confirmed.
    """

    label: Label
    role: str
    method: Method | EnsembleSummary
    trial: Method | None = None
    backbone: str | None = None
    note: str = ""
    fresh: ConfirmedTrial | None = None


def _right(method: Method | EnsembleSummary | None) -> tuple[int, int] | None:
    """Right test photos, and of how many."""
    scores = method.scores if method else None
    return (scores.correct, scores.photos) if scores else None


def _reason(line: MethodLine) -> str:
    if line.method.verdict is not None:
        return line.method.verdict.reason
    return "not in the paper" if line.method.scores else "not measured in this run"


def _last_validation(line: MethodLine) -> float | None:
    """Validation accuracy after the last epoch; None without scores, or where it was not kept."""
    method = line.method
    return method.history[-1].validation_accuracy if method.scores and method.history else None


def _outcome(line: MethodLine) -> Verdict | str | None:
    return line.method.verdict or (line.trial.status if line.trial else None)


MEASURED = "method.test_accuracy"
_SCORES = "method.scores.more"
PUBLISHED_AS = "method.published_test_accuracy"
VALIDATION = Column(
    "validation_accuracy", "validation %", PERCENT, "method.validation_accuracy", "val %"
)
TEST = Column("test_accuracy", "test %", PERCENT, MEASURED)
BOUNDS = Column("interval", "95 % interval", INTERVAL, "method.scores.interval", "95 %")

METHODS = (
    Column("method", value="label"),
    Column("role"),
    Column("backbone"),
    Column("status", value="trial.status"),
    VALIDATION,
    Column("last_epoch_validation_accuracy", value=_last_validation),
    Column("validation_loss", value="method.scores.validation_loss"),
    Column("fresh_validation_mean", value="fresh.validation.mean"),
    Column("fresh_validation_deviation", value="fresh.validation.deviation"),
    TEST,
    Column("test_loss", value="method.scores.test_loss"),
    Column("calibration_error", value="method.scores.calibration.error"),
    Column("temperature", value="method.scores.calibration.temperature"),
    Column(
        "calibration_error_at_temperature", value="method.scores.calibration.error_at_temperature"
    ),
    Column("fresh_test_mean", value="fresh.test.mean"),
    Column("fresh_test_deviation", value="fresh.test.deviation"),
    Column("correct", value="method.scores.correct"),
    Column("photos", value="method.scores.photos"),
    Column("low", value="method.scores.interval.low"),
    Column("high", value="method.scores.interval.high"),
    Column("published_test_accuracy", value=PUBLISHED_AS),
    Column("difference_low", value="method.verdict.difference.low"),
    Column("difference_high", value="method.verdict.difference.high"),
    Column("verdict", value="method.verdict.outcome"),
    Column("reason", value="method.verdict.reason"),
)
PUBLISHED = (
    Column("label", "method", LABEL),
    Column("published", "published %", kinds.PERCENT_3, PUBLISHED_AS, "paper"),
    Column("measured", "measured %", kinds.PERCENT_3, MEASURED, "here"),
    replace(FRESH["test"], under="measured"),
    Column("right", "right", kinds.RATIO, lambda line: _right(line.method), where=Place.PAGE),
    Column(
        "difference", "difference, 95 %", kinds.DIFFERENCE, "method.verdict.difference", "diff 95 %"
    ),
    Column(
        "validation_accuracy",
        "validation %, best epoch",
        PERCENT,
        "method.validation_accuracy",
        "val %",
    ),
    replace(FRESH["validation"], under="validation_accuracy"),
    Column("last_validation", "last epoch", PERCENT, _last_validation, "last"),
    Column("verdict", "verdict", kinds.VERDICT, _outcome),
    Column("reason", "why", value=_reason, where=Place.PAGE),
)
LEADERBOARD = (
    Column("label", "method", LABEL),
    Column("role", "role"),
    Column("note", "configuration"),
    VALIDATION,
    FRESH["validation"],
    TEST,
    BOUNDS,
    FRESH["test"],
    Column("best_epoch", "epoch", kinds.COUNT, "trial.best_epoch"),
    Column("seconds", "seconds", kinds.SECONDS, lambda line: _seconds(line.trial)),
)
BEST = (
    Column("trial", "trial", LABEL, lambda backbone: best_label(backbone)),
    Column("note", "and configuration", value=lambda backbone: best_note(backbone), under="trial"),
    Column("validation", "val %", PERCENT, "best.validation_accuracy"),
    Column("epoch", "epoch", kinds.COUNT, "best.best_epoch", under="validation"),
    Column("validation_gain", "gain", kinds.POINTS, "gain.validation"),
    replace(
        FRESH["validation"],
        value=lambda backbone: spread_of_best(backbone, "validation"),
        under="validation_gain",
    ),
    Column("test", "test %", PERCENT, "best.test_accuracy"),
    Column("right", "right", kinds.RATIO, lambda backbone: _right(backbone.best), under="test"),
    Column("interval", "95 %", INTERVAL, "best.scores.interval"),
    replace(
        FRESH["test"], value=lambda backbone: spread_of_best(backbone, "test"), under="interval"
    ),
    Column("test_gain", "gain", kinds.POINTS, "gain.test"),
    Column("p", "p", kinds.P_VALUE, "gain.pair.test.p"),
)


def _seconds(trial: Method | None) -> float | None:
    """What a trial took; None for the ensemble, and where no trial was run."""
    return trial.cost.seconds_total or None if trial else None


def methods(summary: Summary) -> Sheet:
    """Every baseline, every best trial and the ensemble: the file `methods.csv`."""
    lines = []
    for backbone in summary.backbones:
        for role, method in (("baseline", backbone.baseline), ("best", backbone.best)):
            if method is not None:
                named, again = Label(method.trial), fresh(backbone, method)
                lines.append(MethodLine(named, role, method, method, backbone.name, fresh=again))
    if summary.ensemble is not None:
        lines.append(MethodLine(Label(ENSEMBLE), ENSEMBLE, summary.ensemble))
    columns = with_metric(summary, METHODS, _SCORES, "validation_accuracy")
    return lay_out(summary, "methods", "Methods", columns, lines)


def published_and_measured(summary: Summary) -> Sheet:
    """The paper's Table 13: the baselines' and the ensemble's test accuracies and verdicts."""
    lines = [
        MethodLine(
            Label(backbone.name, backbone.name),
            "baseline",
            backbone.baseline,
            backbone.baseline,
            fresh=fresh(backbone, backbone.baseline),
        )
        for backbone in summary.backbones
    ]
    if (ensemble := summary.ensemble) is not None:
        label = Label(f"Ensemble ({' + '.join(ensemble.members)})")
        lines.append(MethodLine(label, ENSEMBLE, ensemble))
    return lay_out(
        summary,
        "published",
        "Table 13: test accuracy, published and measured",
        with_fresh(summary, PUBLISHED),
        lines,
        note="Difference: measured minus published in percentage points, with Newcombe's 95 % "
        "interval; above or below the published value where it excludes 0. Validation: after the "
        "best epoch, whose weights are tested here, and after the last, which the paper tested. "
        f"{test_opened(summary)}",
    )


def test_opened(summary: Summary) -> str:
    """Which trials' test answers were looked at, exactly: a sentence for the page and the terminal.

    It ends such as `those of 5 of 9 trials were read: VGG16 (baseline), Xception (baseline, t03 and
    s1 s2).` where t03 was repeated on two fresh seeds.
    """
    if not summary.test_sealed:
        return "No trial has test probabilities yet."
    seeds: dict[str, dict[str, list[str]]] = {}
    for trial in summary.test_opened:
        backbone, _, label = trial.rpartition("/")
        number, _, seed = label.partition("-")
        seeds.setdefault(backbone, {}).setdefault(number, []).extend([seed] * bool(seed))
    texts = {
        name: [f"{number} and {' '.join(of)}" if of else number for number, of in numbers.items()]
        for name, numbers in seeds.items()
    }
    named = ", ".join(f"{name} ({', '.join(of)})" for name, of in texts.items())
    return (
        "Every trial's test probabilities were stored sealed; those of "
        f"{len(summary.test_opened)} of {several(summary.test_sealed, 'trial')} were read: {named}."
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
            role, again = _role(backbone, method), fresh(backbone, method)
            lines.append(MethodLine(label, role, method, method, note=note, fresh=again))
    lines.sort(key=lambda line: -_score(summary, line.method))
    columns = with_metric(summary, with_fresh(summary, LEADERBOARD), _SCORES, "validation_accuracy")
    title = f"Methods, the best by {chosen_by(summary)} first"
    return lay_out(summary, "leaderboard", title, columns, lines)


def _role(backbone: BackboneSummary, method: Method) -> str:
    if method is not backbone.baseline:
        return "best of the search"
    best = backbone.best is not None and backbone.best.trial == method.trial
    return "documented baseline, and the best" if best else "documented baseline"


def _score(summary: Summary, method: Method | EnsembleSummary) -> float:
    """On validation, higher is better; what has no scores comes last."""
    if method.scores is None:
        return -math.inf
    return signed(summary.metric, method.scores.more[f"validation_{summary.metric}"])


def best(summary: Summary) -> Sheet:
    """The best trial of each backbone by validation, and its gain over the baseline."""
    return lay_out(
        summary,
        "best",
        f"Best per backbone, chosen by {chosen_by(summary)}",
        with_metric(summary, with_fresh(summary, BEST), "best.scores.more", "validation_gain"),
        summary.backbones,
        note="Gain: percentage points over the documented baseline. "
        "p: McNemar's exact test against it, on test."
        " Seeds: mean ± deviation over the fresh seeds." * has_fresh(summary),
    )


def best_label(backbone: BackboneSummary) -> Label:
    """The best trial; the backbone where none has scores."""
    return Label(backbone.best.trial if backbone.best else backbone.name, backbone.name)


def best_note(backbone: BackboneSummary, *, brief: bool = False) -> str:
    """The best trial's configuration, or why there is none."""
    if (trial := backbone.best) is not None:
        return configuration(trial.config, brief=brief)
    if backbone.finished == 0:
        return "no trial finished yet"
    reason = f": {backbone.baseline.error}" if backbone.baseline.error else ""
    return f"no trial has scores; {backbone.failed} failed{reason}"
