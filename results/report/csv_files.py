"""`report/tables/*.csv`: the numbers of a `Summary`, unrounded, one file per sheet."""

from __future__ import annotations

from collections.abc import Iterator

from results.ledger.files import write_text
from results.ledger.store import RunFolder
from results.ledger.units import csv_line
from results.report import (
    sheets_comparisons,
    sheets_confirmation,
    sheets_methods,
    sheets_photos,
    sheets_reports,
    sheets_run,
)
from results.report.kinds import Place
from results.report.sheets import Sheet
from results.scores.types import Summary

SHEETS = (
    sheets_methods.methods,
    sheets_reports.reports,
    sheets_reports.confusion,
    sheets_reports.histories,
    sheets_reports.anatomies,
    sheets_comparisons.ensembles,
    sheets_comparisons.scaling,
    sheets_comparisons.pairs,
    sheets_confirmation.confirmed,
    sheets_run.trials,
    sheets_run.repeats,
    sheets_run.importances,
    sheets_photos.mistakes,
    sheets_photos.label_errors,
    sheets_run.cost,
    sheets_run.cost_by_backbone,
    sheets_run.characteristics,
)


def write_tables(folder: RunFolder, summary: Summary) -> None:
    """Write every file, each whole or not at all; a sheet without rows keeps its header."""
    for lay_out in SHEETS:
        sheet = lay_out(summary)
        text = "".join(map(csv_line, table(sheet)))
        write_text(folder.report / "tables" / f"{sheet.name}.csv", text)


def table(sheet: Sheet) -> Iterator[list[object]]:
    """The header, then the raw values of every row; members of a list are joined by spaces."""
    columns, rows = sheet.at(Place.CSV)
    yield [column.key for _, column in columns]
    for row in rows:
        yield [_plain(row.values[at]) for at, _ in columns]


def _plain(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
