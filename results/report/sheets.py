"""One layout per table: a `Sheet` is made once from a `Summary`, and drawn by every writer.

    sheet = lay_out(summary, "pairs", "Paired tests", COLUMNS, summary.pairs)

`terminal` draws a sheet with rich, `csv_files` writes it to a file, and the page's template turns
it into an HTML table. Sheets select and order values; they compute none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from results.report.kinds import LOSS, TEXT, Kind, Place
from results.scores.types import Summary
from search_spaces.metrics import ACCURACY, metric_words


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes:
        key: its header in the CSV file, and the attribute of a row's item that it shows.
        heading: on the page and in the terminal; a column without one is only in the file.
        value: where a row's item has the value, if not as its attribute `key`: a path of
            attributes such as `pair.test.p`, which ends at the first None, or a function.
        short: the heading in the terminal, where it is another one.
        under: the key of another column: the terminal shows this one's values in its cells, on a
            second line.
        where: the places that show it.
    """

    key: str
    heading: str = ""
    kind: Kind = TEXT
    value: str | Callable[[Any], Any] = ""
    short: str = ""
    under: str = ""
    where: Place = Place.ALL

    def shown_in(self, place: Place) -> bool:
        return place in self.where and (place is Place.CSV or bool(self.heading))

    def of(self, item: Any) -> Any:
        """This column's raw value of an item."""
        if callable(self.value):
            return self.value(item)
        for name in (self.value or self.key).split("."):
            if item is not None:
                item = item.get(name) if isinstance(item, Mapping) else getattr(item, name)
        return item


@dataclass(frozen=True)
class Row:
    """Raw values, one per column; `tone` is `strong`, `faint` or nothing."""

    values: tuple[Any, ...]
    tone: str = ""
    where: Place = Place.ALL


@dataclass(frozen=True)
class Sheet:
    """A table, ready to be drawn.

    Attributes:
        name: of its CSV file.
        title: starts with DEMONSTRATION or PARTIAL where the run is so.
        note: what a reader must know to read the numbers.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""

    def at(self, place: Place) -> tuple[list[tuple[int, Column]], list[Row]]:
        """The columns, each with its index into a row's values, and the rows of a place."""
        columns = [(at, one) for at, one in enumerate(self.columns) if one.shown_in(place)]
        return columns, [row for row in self.rows if place in row.where]


def rows(
    columns: tuple[Column, ...], items: Iterable[Any], tone: str = "", where: Place = Place.ALL
) -> tuple[Row, ...]:
    """A row per item."""
    return tuple(Row(tuple(column.of(item) for column in columns), tone, where) for item in items)


def lay_out(
    summary: Summary,
    name: str,
    title: str,
    columns: tuple[Column, ...],
    items: Iterable[Any],
    *,
    note: str = "",
    more: tuple[Row, ...] = (),
) -> Sheet:
    """A sheet with a row per item, and `more` rows below them."""
    return Sheet(name, marked(summary, title), columns, (*rows(columns, items), *more), note)


def with_metric(
    summary: Summary, columns: tuple[Column, ...], value: str | Callable[[Any], Any], after: str
) -> tuple[Column, ...]:
    """The columns, and behind `after` what the run chose by on validation if not by accuracy.

    Args:
        value: where a row's item has it: the path of a mapping by `validation_METRIC`, or a
            function that gives it.
    """
    if (metric := summary.metric) == ACCURACY:
        return columns
    key, words = f"validation_{metric}", metric_words(metric)
    path = value if callable(value) else f"{value}.{key}"
    chosen = Column(key, f"validation {words}", LOSS, path, f"val\n{words}")
    at = [column.key for column in columns].index(after) + 1
    return (*columns[:at], chosen, *columns[at:])


def chosen_by(summary: Summary) -> str:
    """`validation`, with the metric where that is not accuracy."""
    metric = summary.metric
    return "validation" if metric == ACCURACY else f"validation {metric_words(metric)}"


def listed(summary: Summary, name: str, header: str, lines: Iterable[dict[str, Any]]) -> Sheet:
    """A sheet for a file alone: a column per word of `header`, empty where a line lacks it."""
    columns = tuple(Column(key) for key in header.split())
    values = tuple(Row(tuple(line.get(column.key) for column in columns)) for line in lines)
    return Sheet(name, marked(summary, name), columns, values)


def marked(summary: Summary, title: str) -> str:
    """`DEMONSTRATION, PARTIAL: title`, as far as the run is so."""
    marks = ["DEMONSTRATION"] * summary.demonstration + ["PARTIAL"] * (not summary.complete)
    return f"{', '.join(marks)}: {title}" if marks else title


def fields_of(record: type, *shown: Column) -> tuple[Column, ...]:
    """A column per field of a frozen type, so that a field added there becomes one in the file.

    Args:
        shown: the columns, with a field's name as key, that are not only in the file.
    """
    known = {column.key: column for column in shown}
    return tuple(known.get(field.name, Column(field.name)) for field in fields(record))
