"""Terminal tables of what mattered, where it fails, and what it cost."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from results.report import drawing
from results.report.drawing import duration, percent, plain, size, two_lines, whole
from results.scores.cost_types import CostRow
from results.scores.types import Summary

SHOWN = 8
"""Mistakes and suspects in the terminal; the report has more."""


def importance_table(summary: Summary) -> Table:
    """How much each searched dimension mattered, per backbone."""
    table = drawing.new_table(
        summary, "What mattered: share of the variation in validation accuracy"
    )
    names = sorted({name for shares in summary.importances.values() for name in shares})
    drawing.columns(
        table, words=("backbone",), numbers=tuple(name.replace("_", " ") for name in names)
    )
    for backbone, shares in summary.importances.items():
        cells = (f"{shares[name]:.2f}" if name in shares else drawing.NOTHING for name in names)
        table.add_row(plain(backbone), *cells)
    return table


def mistakes_table(summary: Summary) -> Table:
    """The surest mistakes on test."""
    mistakes = summary.mistakes
    table = drawing.new_table(
        summary, f"Worst mistakes of {mistakes.method}: {mistakes.wrong} test photos wrong"
    )
    drawing.columns(table, words=("file", "true class", "predicted"), numbers=("%",))
    for one in mistakes.worst[:SHOWN]:
        table.add_row(
            plain(one.file), plain(one.true), plain(one.predicted), percent(one.probability)
        )
    return table


def suspects_table(summary: Summary) -> Table:
    """Labels that are likely wrong."""
    table = drawing.new_table(
        summary,
        "Likely label errors",
        caption="Photos, not trained on, whose label several backbones' best contradict surely.",
    )
    drawing.columns(table, words=("file", "label", "suggested"), numbers=("%", "backbones"))
    for one in summary.mistakes.suspects[:SHOWN]:
        table.add_row(
            plain(one.file),
            plain(one.label),
            plain(one.suggested),
            percent(one.probability),
            str(len(one.trials)),
        )
    return table


def cost_table(summary: Summary) -> Table:
    """Seconds and photos, and what reusing features saved."""
    table = drawing.new_table(
        summary,
        "Cost",
        caption="Seconds of trials are summed; trials that ran side by side took less by the "
        "clock.",
    )
    drawing.columns(table, words=("what",), numbers=("how much",))
    seconds, photos, total = summary.seconds, summary.photos, summary.costs.total
    for what, how_much in (
        ("preparing photos", duration(seconds.prepare)),
        ("frozen features", duration(seconds.features)),
        ("waiting for another trial's features", duration(seconds.waiting)),
        ("training", duration(seconds.training)),
        ("everything else in trials", duration(seconds.other)),
        ("of all, tracing and compiling", duration(total.seconds_tracing)),
        ("seconds saved by reuse, estimated", duration(total.seconds_saved)),
        ("photos through frozen layers, to be stored", whole(photos.prefix)),
        ("photos in training steps", whole(photos.trained)),
        ("photos a plain script pushes", whole(photos.plain)),
        ("photos saved by reuse", whole(photos.saved)),
        ("features stored", size(photos.bytes_stored)),
    ):
        table.add_row(what, Text(how_much))
    return table


def ledger_table(summary: Summary) -> Table:
    """The costs of each backbone, two lines each, and of all together."""
    table = drawing.new_table(summary, "Cost per backbone", caption=drawing.told_of_saving(summary))
    table.add_column("backbone\n\ntrials", overflow="fold")
    for head in (
        "photos\nfrozen\ntrained",
        "bytes\nstored",
        "time\nfrozen\nwaiting",
        "time\ntraining\ntracing",
        "time\nin total\nsaved",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    costs = summary.costs
    for row in costs.backbones:
        table.add_row(*_ledger_cells(row.backbone, row))
    if len(costs.backbones) > 1:
        table.add_row(*_ledger_cells("all", costs.total), style="bold")
    return table


def _ledger_cells(name: str, row: CostRow) -> tuple[Text, ...]:
    return (
        two_lines(name, "1 trial" if row.trials == 1 else f"{row.trials} trials"),
        two_lines(whole(row.photos_prefix), whole(row.photos_trained)),
        two_lines(size(row.bytes_stored), ""),
        two_lines(duration(row.seconds_features), duration(row.seconds_waiting)),
        two_lines(duration(row.seconds_training), duration(row.seconds_tracing)),
        two_lines(duration(row.seconds_total), duration(row.seconds_saved)),
    )
