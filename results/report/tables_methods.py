"""Terminal tables of methods: published next to measured, the best, their reports and matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

from rich.table import Table
from rich.text import Text

from results.report import drawing
from results.report.drawing import between, p_value, percent, plain, points
from results.scores.method_types import Method, Scores
from results.scores.metrics import ClassScores, Outcome, Verdict
from results.scores.types import BackboneSummary, Summary
from search_spaces.backbones import NAMES

LONGEST_NAME = max(len(name) for name in NAMES)
WIDEST_BESIDE = 4
"""Classes; so many columns of a confusion matrix fit beside the report."""

WIDEST_MATRIX = 12
"""Classes; a larger matrix does not fit a terminal and is left to `tables/confusion.csv`."""


def table_13(summary: Summary) -> Table:
    """The paper's Table 13: test accuracies, published and measured side by side."""
    notes = _notes(summary)
    told = [f"({mark}) {reason}." for reason, mark in notes.items()]
    table = drawing.new_table(
        summary,
        "Table 13: test accuracy, published and measured",
        caption="95 %: Wilson's interval of the measured value. Verdict: the measured value is "
        "above or below the published one, or its interval holds it. " + " ".join(told),
    )
    drawing.columns(table, words=("method",), numbers=("published %", "measured %", "of", "95 %"))
    drawing.columns(table, words=("verdict",))
    table.columns[0].min_width = LONGEST_NAME
    for backbone in summary.backbones:
        one = backbone.baseline
        label = backbone.name if one.scores else f"{backbone.name} ({one.status})"
        verdict = _verdict(one.verdict, notes)
        _published_row(table, label, one.published_test_accuracy, one.scores, verdict)
    if (both := summary.ensemble) is not None:
        label = f"Ensemble ({' + '.join(both.members)})"
        verdict = _verdict(both.verdict, notes)
        _published_row(table, label, both.published_test_accuracy, both.scores, verdict)
    return table


def best_table(summary: Summary) -> Table:
    """The best trial of each backbone by validation, and its gain over the baseline."""
    table = drawing.new_table(
        summary,
        "Best per backbone, chosen by validation",
        caption="Gain: percentage points over the documented baseline. "
        "p: McNemar's exact test against it, on test.",
    )
    drawing.columns(
        table,
        words=("trial and configuration",),
        numbers=("val %", "gain", "test %", "95 %", "gain", "p"),
    )
    for backbone in summary.backbones:
        table.add_row(*_best_cells(backbone))
    return table


def report_tables(summary: Summary) -> Iterator[Table]:
    """A classification report and a confusion matrix per winner, then the ensemble's."""
    for backbone in summary.backbones:
        if backbone.best is not None and backbone.best.scores is not None:
            yield from _both(summary, backbone.best.trial, backbone.best.scores)
    if summary.ensemble is not None:
        members = " + ".join(summary.ensemble.members)
        yield from _both(summary, f"Ensemble ({members})", summary.ensemble.scores)


def failure_table(summary: Summary) -> Table:
    """Which trials failed, and why."""
    table = drawing.new_table(summary, "Failed trials")
    drawing.columns(table, words=("trial", "why"))
    for row in summary.rows:
        if row.error:
            table.add_row(plain(row.trial), plain(row.error))
    return table


def configuration(config: Mapping[str, Any] | None) -> str:
    """What a search varies, in one line."""
    if config is None:
        return drawing.NOTHING
    return (
        f"{config['optimizer']} {config['learning_rate']:.3g}, from {config['unfreeze']}, "
        f"{config['scaling']}, batch {config['batch_size']}"
    )


def _published_row(
    table: Table, label: str, published: float | None, scores: Scores | None, verdict: Text
) -> None:
    accuracy = scores.report.accuracy if scores else None
    table.add_row(
        plain(label),
        percent(published, digits=3),
        percent(accuracy, digits=3),
        f"{scores.correct}/{scores.photos}" if scores else drawing.NOTHING,
        between(scores.interval if scores else None),
        verdict,
    )


def _notes(summary: Summary) -> dict[str, str]:
    """A letter for each different reason why a row is not comparable, in the rows' order."""
    verdicts = [backbone.baseline.verdict for backbone in summary.backbones]
    verdicts.append(summary.ensemble.verdict if summary.ensemble else None)
    reasons = dict.fromkeys(
        one.reason for one in verdicts if one is not None and one.outcome == Outcome.NOT_COMPARABLE
    )
    return dict(zip(reasons, ascii_lowercase, strict=False))


def _verdict(verdict: Verdict | None, notes: Mapping[str, str]) -> Text:
    if verdict is None:
        return Text(drawing.NOTHING)
    if verdict.outcome == Outcome.NOT_COMPARABLE:
        return Text(f"{verdict.outcome} ({notes[verdict.reason]})", style="dim")
    return Text(verdict.outcome, style=drawing.VERDICT_STYLES[verdict.outcome])


def _best_cells(backbone: BackboneSummary) -> tuple[Text | str, ...]:
    best, gain = backbone.best, backbone.gain
    if best is None:
        return (drawing.two_lines(backbone.name, _why_none(backbone)), *[drawing.NOTHING] * 6)
    return (
        drawing.two_lines(best.trial, configuration(best.config) + _epoch(best)),
        percent(best.validation_accuracy),
        points(gain.validation if gain else None),
        percent(best.test_accuracy),
        between(best.scores.interval if best.scores else None),
        points(gain.test if gain else None),
        p_value(gain.pair.test.p if gain and gain.pair else None),
    )


def _why_none(backbone: BackboneSummary) -> str:
    if backbone.finished == 0:
        return "no trial finished yet"
    return f"no trial has scores; {backbone.failed} failed: {backbone.baseline.error}"


def _epoch(best: Method) -> str:
    return "" if best.best_epoch is None else f", epoch {best.best_epoch}"


def _both(summary: Summary, name: str, scores: Scores) -> Iterator[Table]:
    classes = len(scores.confusion)
    if classes <= WIDEST_BESIDE:
        yield _report(summary, name, scores, beside=True)
        return
    yield _report(summary, name, scores, beside=False)
    if classes <= WIDEST_MATRIX:
        yield _matrix(summary, name, scores)


def _report(summary: Summary, name: str, scores: Scores, *, beside: bool) -> Table:
    """A report; `beside` puts the confusion matrix into the same rows."""
    table = drawing.new_table(
        summary,
        f"{name}: classification report" + (" and confusion matrix" if beside else ""),
        caption=f"accuracy {percent(scores.report.accuracy)} %, "
        f"{scores.correct} of {scores.photos} test photos",
    )
    predicted = tuple(f"as {number}" for number in range(len(scores.confusion)))
    drawing.columns(table, words=("class",), numbers=("precision", "recall", "F1", "photos"))
    drawing.columns(table, words=(), numbers=predicted if beside else ())
    for number, row in enumerate(scores.report.classes):
        counts = _counts(scores.confusion[number], number) if beside else ()
        table.add_row(plain(f"{number} {row.name}"), *_figures(row), *counts)
    for average in (scores.report.macro, scores.report.weighted):
        table.add_row(average.name, *_figures(average), style="dim")
    return table


def _figures(row: ClassScores) -> tuple[str, ...]:
    return f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support)


def _counts(row: Sequence[int], true: int) -> Iterator[Text]:
    for predicted, count in enumerate(row):
        yield Text(str(count), style="bold" if predicted == true else "red" if count else "dim")


def _matrix(summary: Summary, name: str, scores: Scores) -> Table:
    table = drawing.new_table(
        summary,
        f"{name}: confusion matrix",
        caption="Rows: the true class. Columns: the predicted class, by number.",
    )
    numbers = tuple(str(number) for number in range(len(scores.confusion)))
    drawing.columns(table, words=("true class",), numbers=numbers)
    for number, row in enumerate(scores.confusion):
        table.add_row(plain(f"{number} {summary.data.classes[number]}"), *_counts(row, number))
    return table
