"""What a run has to say in the terminal: its result in words, and its sheets, drawn with rich.

    for part in short_story(summarise(folder)):   # about a screen; `story` is everything
        console.print(part)

Every table fits 100 columns and wraps at 80.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from string import ascii_lowercase

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from results.ledger.units import clean
from results.report import (
    sheets_comparisons,
    sheets_confirmation,
    sheets_methods,
    sheets_photos,
    sheets_reports,
    sheets_result,
    sheets_run,
)
from results.report.format import between, p_value, percent, points, several, weights_in_words
from results.report.kinds import LABEL, VERDICT, Place
from results.report.sheets import Column, Row, Sheet, chosen_by, marked
from results.scores.method_types import Scores
from results.scores.metrics import Outcome, Verdict
from results.scores.types import Summary
from search_spaces.backbones import NAMES
from search_spaces.values import ALL_TABLES

LONGEST_LABEL = max(map(len, NAMES))
LONGEST_TRIAL = LONGEST_LABEL + len("/t01")
LONGEST_OUTCOME = max(map(len, Outcome))
FIRST_MISTAKES = 8
"""Mistakes and suspects that are shown; the report has more."""

STYLES = {"good": "green", "bad": "red", "strong": "bold", "faint": "dim", "": ""}
"""By tone."""


class LastingConsole(Console):
    """A console that goes on when nobody reads it any more, as after `| head`; rich's own ends the
    process. What is on the disk is what a command is run for."""

    def on_broken_pipe(self) -> None:
        with suppress(SystemExit):
            super().on_broken_pipe()


def told(summary: Summary, tables: str) -> list[RenderableType]:
    """What is printed at the end of a run.

    Args:
        tables: one of `search_spaces.values.TABLES`.
    """
    return story(summary) if tables == ALL_TABLES else short_story(summary)


def short_story(summary: Summary) -> list[RenderableType]:
    """The result alone: two sentences, Table 13 where it can be compared, the best per backbone,
    and what fresh seeds say of it; a line per row."""
    searched = any(row.number > 0 for row in summary.rows)
    shown = _opening(summary)
    if not searched or _is_comparable(summary):
        shown.append(draw(sheets_methods.published_and_measured(summary), flat=True))
    if searched:
        shown.append(draw(sheets_result.best_alone(summary), flat=True))
    if (verdicts := sheets_result.verdicts(summary)).rows:
        shown.append(draw(verdicts, flat=True))
    return _spaced(shown)


def story(summary: Summary) -> list[RenderableType]:
    """Everything worth a look, in order; tables without content are left out."""
    return _spaced([*_opening(summary), table_13(summary), *_tables(summary)])


def _opening(summary: Summary) -> list[RenderableType]:
    panel = banner(summary)
    words = Text(clean(" ".join(in_words(summary))))
    if summary.recommended:
        words = Text("\n").join([recommendation(summary), words])
    return [*([panel] if panel is not None else []), words]


def _spaced(shown: list[RenderableType]) -> list[RenderableType]:
    return [Padding(part, (0, 0, 1, 0)) for part in shown]


def _is_comparable(summary: Summary) -> bool:
    """Whether anything of this run can be held against the paper."""
    methods = [backbone.baseline for backbone in summary.backbones]
    verdicts = [method.verdict for method in (*methods, summary.ensemble) if method is not None]
    return any(
        verdict is not None and verdict.outcome != Outcome.NOT_COMPARABLE for verdict in verdicts
    )


def in_words(summary: Summary) -> list[str]:
    """What came out, a sentence each: the ensemble, the best network, whether fresh seeds confirm
    it, and what is wrong."""
    sentences = []
    if (ensemble := summary.ensemble) is not None:
        members = " and ".join(ensemble.members)
        sentences.append(f"The ensemble of {members} names {_counted(ensemble.scores)}.")
    winner = summary.winner
    if winner is None or winner.scores is None:
        sentences.append("No trial has scores yet.")
    else:
        sentences.append(
            f"{winner.trial}, the best single network by {chosen_by(summary)}, names "
            f"{_counted(winner.scores)}{_gained(summary, winner.trial)}."
        )
    if confirmed := sheets_confirmation.in_a_sentence(summary):
        sentences.append(confirmed)
    if (failed := summary.trials.failed) > 0:
        sentences.append(f"{several(failed, 'trial')} failed; --tables all says why.")
    if ensemble is not None and not summary.demonstration and not _is_comparable(summary):
        sentences.append(f"Next to the paper: not comparable ({ensemble.verdict.reason}).")
    return sentences


def _counted(scores: Scores) -> str:
    share = percent(scores.correct / scores.photos)
    return (
        f"{scores.correct} of {scores.photos} test photos right: "
        f"{share} % ({between(scores.interval)} at 95 %)"
    )


def _gained(summary: Summary, trial: str) -> str:
    """The winner's gain over its baseline, where that is another trial."""
    for backbone in summary.backbones:
        gain = backbone.gain
        if backbone.best and backbone.best.trial == trial and gain and gain.pair:
            p = p_value(gain.pair.test.p)
            return f", {points(gain.test)} points over its documented baseline (p {p})"
    return ""


def table_13(summary: Summary) -> Table:
    """The paper's Table 13, published and measured side by side."""
    return draw(sheets_methods.published_and_measured(summary))


def banner(summary: Summary) -> Text | None:
    """What a reader must know first: that this is a demonstration, or not all of the run."""
    lines: list[str] = []
    if summary.demonstration:
        lines.append(
            f"DEMONSTRATION of the machinery on {summary.data.name}: no statement about the paper. "
            f"Weights: {weights_in_words(summary.weights, summary.weights_source.values())}."
        )
    if not summary.complete:
        counts = summary.trials
        lines.append(f"PARTIAL: {counts.finished} of {counts.planned} planned trials are finished.")
    return Text("\n".join(map(clean, lines)), "bold yellow") if lines else None


def recommendation(summary: Summary) -> Text:
    """The model that validation recommends, and what validation says against the ensemble."""
    trials = summary.recommended_trials
    name = f"the ensemble of {' and '.join(trials)}" if len(trials) > 1 else "".join(trials)
    text = Text()
    text.append(clean(marked(summary, f"Recommended by {chosen_by(summary)}: {name}")), "bold")
    for warning in summary.warnings:
        text.append(f"\nWarning: {clean(warning)}", "yellow")
    return text


def draw(sheet: Sheet, limit: int | None = None, *, flat: bool = False) -> Table:
    """A sheet as a table, with its first `limit` rows.

    Args:
        flat: a line per row where it fits, without the columns that are shown below others.
    """
    notes = _notes(sheet)
    legend = [f"({letter}) {reason}." for reason, letter in notes.items()]
    note = " ".join([sheet.note, *legend])
    table = Table(
        title=Text(clean(sheet.title), style="bold"),
        caption=Text(clean(note)) if note else None,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
        caption_justify="left",
    )
    columns, rows = sheet.at(Place.TERMINAL)
    below = {column.under: (at, column) for at, column in columns if column.under and not flat}
    stacks = [
        [(at, column), *([below[column.key]] if column.key in below else [])]
        for at, column in columns
        if not column.under
    ]
    for stack in stacks:
        kind = stack[0][1].kind
        heading = Text("\n".join(column.short or column.heading for _, column in stack))
        if kind.number is None:
            least = LONGEST_LABEL if kind is LABEL else None
            most = LONGEST_OUTCOME if kind is VERDICT else None
            whole = flat and kind is LABEL and _longest(stack, rows) <= LONGEST_TRIAL
            table.add_column(
                heading, overflow="fold", min_width=least, max_width=most, no_wrap=whole
            )
        else:
            table.add_column(heading, justify="right", no_wrap=True)
    for row in rows[:limit]:
        cells = (_cell(row, stack, notes) for stack in stacks)
        table.add_row(*cells, style=STYLES[row.tone])
    return table


def _longest(stack: list[tuple[int, Column]], rows: list[Row]) -> int:
    return max((len(str(row.values[at])) for at, _ in stack for row in rows), default=0)


def _cell(row: Row, stack: list[tuple[int, Column]], notes: dict[str, str]) -> Text:
    """A column's value, and dim below it that of the column that is shown there."""
    (at, column), *below = stack
    value = row.values[at]
    text = clean(column.kind.text(value, Place.TERMINAL))
    letter = notes.get(value.reason) if isinstance(value, Verdict) else None
    cell = Text(f"{text} ({letter})" if letter else text, "dim" if letter else "")
    if value is not None:
        cell.stylize(STYLES[column.kind.tone(value)])
    for other, second in below:
        text = clean(second.kind.text(row.values[other], Place.TERMINAL))
        cell.append(f"\n{text}", style="dim")
    return cell


def _notes(sheet: Sheet) -> dict[str, str]:
    """A letter for each different reason why a row is not comparable, in the rows' order."""
    verdicts = [value for row in sheet.rows for value in row.values if isinstance(value, Verdict)]
    reasons = dict.fromkeys(
        verdict.reason for verdict in verdicts if verdict.outcome == Outcome.NOT_COMPARABLE
    )
    return dict(zip(reasons, ascii_lowercase, strict=False))


def _tables(summary: Summary) -> Iterator[Table]:
    if any(row.number > 0 for row in summary.rows):
        yield draw(sheets_methods.best(summary))
    if (confirmed := sheets_confirmation.confirmed(summary)).rows:
        yield draw(confirmed)
    for backbone in summary.backbones:
        if backbone.best is not None and backbone.best.scores is not None:
            yield from _reports(summary, backbone.best.trial, backbone.best.scores)
    ensemble = summary.ensemble
    if ensemble is not None:
        name = f"Ensemble ({' + '.join(ensemble.members)})"
        yield from _reports(summary, name, ensemble.scores)
    for sheet in (
        sheets_comparisons.scaling(summary),
        sheets_comparisons.ensembles(summary),
        *([sheets_comparisons.redrawn(summary, ensemble)] if ensemble else []),
        sheets_comparisons.pairs(summary),
        sheets_run.importances_wide(summary),
    ):
        if sheet.rows:
            yield draw(sheet)
    for sheet in (sheets_photos.mistakes(summary), sheets_photos.label_errors(summary)):
        if sheet.rows:
            yield draw(sheet, FIRST_MISTAKES)
    if summary.trials.failed:
        yield draw(sheets_run.failed(summary))
    if summary.rows:
        yield draw(sheets_run.cost(summary))
        yield draw(sheets_run.cost_by_backbone(summary))


def _reports(summary: Summary, name: str, scores: Scores) -> Iterator[Table]:
    yield draw(sheets_reports.report(summary, name, scores))
    if (matrix := sheets_reports.matrix(summary, name, scores)) is not None:
        yield draw(matrix)
