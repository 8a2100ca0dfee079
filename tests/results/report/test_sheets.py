"""Sheets: a column takes its value from an item, a kind writes it, and a place shows it or not."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass

import pytest

from results.figures.diagrams import head_layers
from results.report import kinds
from results.report.csv_files import table
from results.report.format import configuration
from results.report.kinds import Kind, Label, Place
from results.report.sheets import Column, Row, Sheet, rows
from results.scores.metrics import Interval, Outcome, Verdict
from search_spaces import paper
from tests.house import ROOT


@dataclass(frozen=True)
class Item:
    share: float | None
    inner: Item | None = None


def test_a_column_that_names_no_attribute_is_an_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        Column("nothing").of(Item(0.5))


def test_a_path_of_attributes_ends_at_the_first_none() -> None:
    column = Column("share", value="inner.share")
    assert column.of(Item(0.5)) is None
    assert column.of(Item(0.5, Item(0.25))) == 0.25


@pytest.mark.parametrize("kind", [value for value in vars(kinds).values() if type(value) is Kind])
def test_every_kind_shows_a_missing_value_as_a_dash_that_sorts_last(kind: Kind) -> None:
    assert kind.text(None) == kind.text(None, Place.TERMINAL) == "-"
    assert kind.sort_key(None) is None


@pytest.mark.parametrize(
    ("kind", "value", "page", "terminal", "key"),
    [
        (kinds.RATIO, (3, 4), "3 of 4", "3/4", 3.0),
        (kinds.COUNT, "most", "most", "most", None),
        (kinds.COUNT, 12345, "12,345", "12,345", 12345.0),
        (kinds.INTERVAL, Interval(0.25, 0.5), "25.0-50.0", "25.0-50.0", 0.25),
        (kinds.SCORE, kinds.published(0.9), "0.90", "0.90", 0.9),
        (kinds.SCORE, 0.9, "0.900", "0.900", 0.9),
        (kinds.PARAMETERS, 5.3e6, "5.3 M", "5.3 M", 5.3e6),
        (kinds.MEMBERS, ("a",) * 2 + tuple("bcdefgh"), "2 x a, b, c, d, e, f, g, h", None, None),
        (kinds.VERDICT, Verdict(Outcome.ABOVE, "why"), Outcome.ABOVE, Outcome.ABOVE, None),
        (kinds.AMOUNT, ("seconds", None), "-", "-", None),
    ],
)
def test_a_kind_writes_and_sorts_its_values(
    kind: Kind, value: object, page: str, terminal: str | None, key: float | None
) -> None:
    assert kind.text(value) == page
    assert kind.text(value, Place.TERMINAL) == (terminal or "2 x a, b, c, d, e, f, 2 more")
    assert kind.sort_key(value) == key


def test_a_file_has_raw_values_of_its_own_columns_and_rows() -> None:
    columns = (
        Column("share", "share %", kinds.PERCENT),
        Column("label", "method", kinds.LABEL, lambda _: Label("a", "VGG16")),
        Column("members", value=lambda _: ("a", "b")),
        Column("shown", "shown", value="share", where=Place.SHOWN),
    )
    total = Row((1.0, "all", (), 1.0), "strong", Place.SHOWN)
    sheet = Sheet("name", "title", columns, (*rows(columns, [Item(1 / 3)]), total))
    header, *lines = [[str(value) for value in line] for line in table(sheet)]
    assert header == ["share", "label", "members"]
    assert lines == [[str(1 / 3), "a", "a b"]]


def test_the_pages_files_are_part_of_the_wheel() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folder = ROOT / "results" / "report"
    packed = {path for glob in data["package-data"]["*"] for path in folder.glob(glob)}
    assert packed == {path for path in folder.iterdir() if path.suffix not in (".py", "")}


def test_a_network_is_described_as_it_was_built_not_as_the_paper_documents_it() -> None:
    pooled = dataclasses.replace(paper.baseline("VGG16"), head="pooled", weight_decay=1e-3)
    assert head_layers(pooled) == ("GlobalAveragePooling2D",)
    assert "weight decay 0.001" in configuration(pooled)
    lighter = dataclasses.replace(paper.baseline("VGG16"), dropout=0.25)
    assert "Dropout 0.25" in head_layers(lighter)
    assert "Dropout 0.5" not in head_layers(lighter)
