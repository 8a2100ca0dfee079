"""A run in a notebook: its numbers, trials and figures, without Ray or TensorFlow.

>>> import results
>>> run = results.open_run("runs/monday")
>>> run.summary.recommended
'Xception/t01'
>>> best = max(run.trials(), key=lambda trial: trial["validation_accuracy"] or 0)
>>> best["trial"], best["optimizer"], best["learning_rate"]
('Xception/t01', 'rmsprop', 0.0001)

`pandas.DataFrame(run.trials())` is a table of them. A cell that ends with `run` shows the result,
one that ends with `run.figures["intervals"]` a figure.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from results.figures.gallery import gallery
from results.figures.style import Picture
from results.ledger.store import RunFolder
from results.ledger.units import clean
from results.report import sheets_methods, sheets_run
from results.report.csv_files import table
from results.report.kinds import Place
from results.report.sheets import Sheet
from results.report.terminal import banner, in_words, recommendation
from results.scores.summary import summarise
from results.scores.types import Summary


def open_run(path: str | os.PathLike[str]) -> OpenRun:
    """Open a run's folder.

    Raises:
        UsageRefusal: there is no run, or one of another version.
    """
    folder = RunFolder(Path(path).expanduser().absolute())
    folder.read_run()
    return OpenRun(folder.root)


@dataclass(frozen=True)
class OpenRun:
    """A run as it was when it was first asked for something.

    Attributes:
        path: its folder.
    """

    path: Path

    @cached_property
    def summary(self) -> Summary:
        """Every number of the report.

        Raises:
            EnvironmentRefusal: a file of the run is missing or damaged.
        """
        return summarise(RunFolder(self.path))

    def trials(self) -> list[dict[str, Any]]:
        """Every finished trial, by the columns of `report/tables/trials.csv`."""
        names, *rows = table(sheets_run.trials(self.summary))
        return [dict(zip(map(str, names), row, strict=True)) for row in rows]

    @cached_property
    def figures(self) -> Mapping[str, Picture]:
        """The report's figures by name; `figures[name].png()` and `.svg()` are their contents."""
        groups = gallery(self.summary).values()
        return {picture.name: picture for group in groups for picture in group}

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"OpenRun({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """What came out, for a notebook: sentences and leaderboard, with nothing to be loaded."""
        first = [
            text.plain for text in (banner(self.summary), recommendation(self.summary)) if text
        ]
        lines = [line for text in first if text for line in text.splitlines()]
        words = Markup("<br>").join(clean(line) for line in (*lines, *in_words(self.summary)))
        board = _html(sheets_methods.leaderboard(self.summary))
        return Markup("<div><p>{}</p>{}<p><code>{}</code></p></div>").format(
            words, board, clean(str(self.path))
        )


def _html(sheet: Sheet) -> Markup:
    """A sheet as an HTML table without styles of its own, but for numbers to the right."""
    columns, rows = sheet.at(Place.PAGE)
    sides = ["left" if column.kind.number is None else "right" for _, column in columns]
    head = _row("th", sides, [column.heading for _, column in columns])
    body = [
        _row("td", sides, [column.kind.text(row.values[at]) for at, column in columns])
        for row in rows
    ]
    return Markup("<table><caption>{}</caption>{}</table><p>{}</p>").format(
        clean(sheet.title), Markup().join([head, *body]), clean(sheet.note)
    )


def _row(element: str, sides: list[str], texts: list[str]) -> Markup:
    cell = Markup(f'<{element} style="text-align: {{}}">{{}}</{element}>')
    cells = (cell.format(side, clean(text)) for side, text in zip(sides, texts, strict=True))
    return Markup("<tr>{}</tr>").format(Markup().join(cells))
