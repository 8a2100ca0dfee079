"""Two runs compared: in the terminal, and on a page."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from pathlib import Path

import pytest

from results.__main__ import main
from results.ledger.store import RunFolder
from results.ledger.units import UNKNOWN
from results.report.compare_page import compare_page
from results.report.format import p_value, percent, points
from results.scores.compare import compare
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from tests.results.helpers import SMALL, Trial, make_run, make_split

TRIALS = (Trial("VGG16", 0, skill=0.7), Trial("VGG16", 1, skill=0.9), Trial("Xception", 0))


def cells(table: str) -> list[list[str]]:
    """The texts of a table's rows below its heading."""
    body = table.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("<tr"))
    plain = [[unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in rows]
    return [row for row in plain if row]


def two_runs(tmp_path: Path, *, same_split: bool = True) -> tuple[RunFolder, RunFolder]:
    changed = Trial("VGG16", 0, skill=0.95, changes={"epochs": 7})
    split = make_split(2, SMALL if same_split else {**SMALL, "train": 25})
    return (
        make_run(tmp_path / "first", TRIALS),
        make_run(tmp_path / "second", (changed,), split=split, unfinished=("VGG16/t01",)),
    )


def test_two_runs_on_the_same_split_are_paired(tmp_path: Path) -> None:
    found = compare(*two_runs(tmp_path))
    rows = {row.method: row for row in found.rows}
    assert (found.first, found.second) == ("first", "second")
    assert (found.same_split, found.partial) == (True, ("second",))
    assert rows["VGG16 baseline"].differs == ("epochs: 10, 7",)
    assert rows["VGG16 baseline"].test is not None
    assert rows["Xception baseline"].second is None
    assert rows["ensemble"].differs == ("only in one run",)


def test_two_runs_on_other_splits_are_not_paired(tmp_path: Path) -> None:
    found = compare(*two_runs(tmp_path, same_split=False))
    assert not found.same_split
    assert {row.test for row in found.rows} == {None}


def test_a_run_compared_with_itself_differs_in_nothing(tmp_path: Path) -> None:
    first, _ = two_runs(tmp_path)
    for row in compare(first, first).rows:
        assert row.differs == ()
        assert row.test is not None
        assert (row.test.first_only, row.test.second_only, row.test.p) == (0, 0, 1.0)


def test_averages_of_trials_of_one_name_differ_where_their_configurations_do(
    tmp_path: Path,
) -> None:
    pairs = [
        [Trial("VGG16", 0, changes=changes), Trial("Xception", 0)]
        for changes in ({}, {"epochs": 7})
    ]
    first, second = (make_run(tmp_path / str(at), pair) for at, pair in enumerate(pairs))
    rows = {row.method: row for row in compare(first, second).rows}
    assert rows["ensemble"].first is not None
    assert rows["ensemble"].second is not None
    assert rows["ensemble"].first.trials == rows["ensemble"].second.trials
    assert rows["ensemble"].differs == ("VGG16 epochs: 10, 7",)


def test_a_trial_is_compared_as_it_was_trained_where_it_lacked_memory(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / str(halved), [Trial("VGG16", 0, batch_halved=halved)])
        for halved in (False, True)
    ]
    [row] = [row for row in compare(*runs).rows if row.method == "VGG16 baseline"]
    assert row.differs == ("learning rate: 5e-05, 2.5e-05", "batch size: 32, 16")


def test_a_comparison_in_the_terminal_says_which_run_is_a_demonstration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown, other = make_run(tmp_path / "shown", TRIALS, demonstration=True), tmp_path / "other"
    make_run(other, TRIALS)
    assert main(["compare", str(shown.root), str(other)]) == 0
    assert "DEMONSTRATION: shown." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("folder", UsageRefusal.exit_code, "a file is needed"),
        ("file/below.html", EnvironmentRefusal.exit_code, "cannot write"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, told: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    run = str(make_run(tmp_path / "run", TRIALS).root)
    assert main(["compare", run, run, "--html", str(tmp_path / name)]) == code
    err = capsys.readouterr().err
    assert err.startswith(f"error: {told}")
    assert err.count("\n") == 1


def test_a_comparison_is_one_page_that_needs_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = two_runs(tmp_path)
    page = tmp_path / "compare.html"
    assert main(["compare", str(first.root), str(second.root), "--html", str(page)]) == 0
    assert f"comparison: {page}" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|src=", text)
    assert "<h1>first and second</h1>" in text
    assert "PARTIAL" in text
    assert "DEMONSTRATION" not in text
    tables = [cells(table) for table in text.split("<table")[1:]]
    methods, settings = ({row[0]: row[1:] for row in table} for table in tables)
    [row] = [row for row in compare(first, second).rows if row.method == "VGG16 baseline"]
    assert row.first is not None
    assert row.second is not None
    assert row.test is not None
    assert methods["VGG16 baseline"] == [
        *("VGG16/baseline", "VGG16/baseline"),
        *(percent(row.first.validation_accuracy), percent(row.second.validation_accuracy)),
        points(row.second.validation_accuracy - row.first.validation_accuracy),
        *(percent(row.first.test_accuracy), percent(row.second.test_accuracy)),
        points(row.second.test_accuracy - row.first.test_accuracy),
        *(str(row.test.first_only), str(row.test.second_only)),
        p_value(row.test.p),
        "epochs: 10, 7",
    ]
    assert "second" not in methods["Xception baseline"]
    assert settings["planned trials"] == ["3", "2"]
    assert "epochs" not in settings


def test_settings_that_differ_stand_side_by_side_on_the_page(tmp_path: Path) -> None:
    first, second = two_runs(tmp_path)
    run = second.read_run()
    changed = dataclasses.replace(run.settings, epochs=7, ranges={"dropout": (0.1, 0.2)})
    second.write_run(
        dataclasses.replace(run, settings=changed, versions={"python": "3.12"}, demonstration=True)
    )
    text = compare_page(compare(first, second))
    settings = {row[0]: row[1:] for row in cells(text.split("<table")[2])}
    assert settings["epochs"] == [str(run.settings.epochs), "7"]
    assert settings["range of dropout"] == [UNKNOWN, "0.1, 0.2"]
    assert settings["version of python"] == ["3.11", "3.12"]
    assert "seed" not in settings
    assert "<b>DEMONSTRATION</b>" in text


def test_a_page_says_that_nothing_differs_and_obeys_no_name(tmp_path: Path) -> None:
    run = make_run(tmp_path / "<script>evil()", TRIALS)
    text = compare_page(compare(run, run))
    assert "Settings, photos, weights and versions are the same." in text
    assert "<script>evil" not in text
    assert "&lt;script&gt;evil()" in text


def test_runs_on_other_photos_are_not_called_paired_on_the_page(tmp_path: Path) -> None:
    text = compare_page(compare(*two_runs(tmp_path, same_split=False)))
    assert "their test photos differ" in text
    assert "photo by photo" not in text


def test_a_comparison_is_printed_within_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    first, second = two_runs(tmp_path, same_split=False)
    assert main(["compare", str(first.root), str(second.root)]) == 0
    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "the splits differ" in " ".join(out.split()).lower()
    assert "PARTIAL: second" in out
