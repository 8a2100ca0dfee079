"""What fresh seeds say, drawn: the table of candidates, and columns of the other tables."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from results.report.sheets import Sheet
from results.report.sheets_confirmation import confirmed, in_a_sentence
from results.report.sheets_methods import best, leaderboard, published_and_measured
from results.report.terminal import told
from results.report.write import write_report
from results.scores.confirmation_types import Spread, Told
from results.scores.summary import read_summary, summarise
from tests.results.confirmed_runs import SPLIT, a_run, confirmation, trials
from tests.results.helpers import make_run


def column(sheet: Sheet, key: str) -> list[object]:
    [at] = [at for at, one in enumerate(sheet.columns) if one.key == key]
    return [row.values[at] for row in sheet.rows]


def test_a_search_that_was_not_confirmed_says_so_and_a_baseline_run_needs_not(
    tmp_path: Path,
) -> None:
    searched = make_run(tmp_path / "searched", trials()[:3], split=SPLIT)
    assert in_a_sentence(summarise(searched)).startswith("Not confirmed on fresh seeds: the best")
    baseline = make_run(tmp_path / "baseline", trials()[:1], split=SPLIT)
    assert in_a_sentence(summarise(baseline)) == ""
    assert confirmed(summarise(searched)).rows == ()


def test_the_sheet_marks_the_winner_and_has_the_verdict_once(tmp_path: Path) -> None:
    sheet = confirmed(summarise(a_run(tmp_path, trials())))
    at = {column.key: index for index, column in enumerate(sheet.columns)}
    assert [row.tone for row in sheet.rows] == ["", "", "strong"]
    verdicts = [row.values[at["verdict"]] for row in sheet.rows]
    assert verdicts == [None, None, Told.BETTER]
    assert [row.values[at["trial"]] for row in sheet.rows] == [
        *("VGG16/baseline", "VGG16/t01", "VGG16/t02")
    ]


def test_all_of_it_survives_the_way_through_summary_json(tmp_path: Path) -> None:
    folder = a_run(tmp_path, trials())
    summary = summarise(folder)
    write_report(folder, summary)
    assert read_summary(folder).backbones[0].confirmation == confirmation(folder)
    lines = (folder.report / "tables" / "confirmed.csv").read_text().splitlines()
    assert len(lines) == 1 + 3
    assert lines[0].startswith("backbone,trial,role,seeds,completed,validation_mean")
    assert len((folder.report / "tables" / "repeats.csv").read_text().splitlines()) == 1 + 9
    assert "Confirmed on fresh seeds" in folder.report_html.read_text()


def test_mean_and_deviation_stand_beside_baseline_and_best(tmp_path: Path) -> None:
    summary = summarise(a_run(tmp_path, trials()))
    baseline, winner = Spread(0.79, 0.005), Spread(0.93, 0.005)
    means = [
        spread.mean
        for sheet in (published_and_measured(summary), best(summary))
        for spread in column(sheet, "test_on_seeds")
        if isinstance(spread, Spread)
    ]
    assert means == pytest.approx([baseline.mean, winner.mean])
    shown = column(leaderboard(summary), "validation_on_seeds")
    assert [spread.mean for spread in shown if isinstance(spread, Spread)] == pytest.approx(
        [0.88, 0.78]
    )


def test_a_run_without_fresh_seeds_has_no_columns_for_them(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path / "run", trials()[:3], split=SPLIT))
    for sheet in (published_and_measured(summary), best(summary), leaderboard(summary)):
        assert not [one.key for one in sheet.columns if one.key.endswith("_on_seeds")]


@pytest.mark.parametrize("width", [80, 100])
def test_the_terminal_shows_two_candidates_per_backbone_and_cuts_nothing(
    tmp_path: Path, width: int
) -> None:
    folder = a_run(tmp_path, [*trials("InceptionResNetV2"), *trials("VGG16")])
    console = Console(file=io.StringIO(), width=width, record=True)
    for part in told(summarise(folder), "all"):
        console.print(part)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    table = text.split("Confirmed on fresh seeds")[1].split("macro")[0]
    for words in ("InceptionResNetV2/baseline ", "VGG16/t02 ", "searched, winner: better "):
        assert words in table
    assert "VGG16/t01" not in table
