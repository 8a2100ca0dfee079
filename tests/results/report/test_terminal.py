"""Terminal tables: every kind of run draws, fits its width and hides nothing that it needs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from results.ledger.store import RunFolder
from results.ledger.units import duration, size
from results.report import sheets_methods
from results.report.csv_files import SHEETS, table, write_tables
from results.report.format import between, p_value, percent, points, whole
from results.report.sheets import marked
from results.report.terminal import banner, short_story, story, table_13
from results.scores.metrics import Interval, newcombe
from results.scores.summary import summarise
from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES
from search_spaces.space import DIMENSIONS
from sweep.terminal.closing import closing
from tests.results.helpers import PAPER_SIZES, Trial, counted, make_run, make_split, shares

LONG = "a very long name of a class, as found in biology, " * 4
ODD = ("[red]собака[/red]", "\x1b[2Jgato\n🐈", LONG)
TEN = tuple(f"digit {number}" for number in range(10))
HUNDRED = tuple(f"class {number}" for number in range(100))
SIZES = {"train": 200, "validation": 100, "test": 100}


def everything() -> list[Trial]:
    trials = [Trial(name, 0, skill=0.7) for name in PAPER_NAMES]
    trials += [
        Trial(name, 1, skill=0.8, changes={"scaling": "native", "learning_rate": 1.23456e-3})
        for name in PAPER_NAMES
        if name != "ResNet50"
    ]
    return [*trials, Trial("ResNet50", 1, "failed")]


def drawn(told: Sequence[RenderableType], width: int) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    for one in told:
        console.print(one)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


RUNS: dict[str, dict[str, Any]] = {
    "empty": {"trials": [], "unfinished": ["VGG16/baseline"]},
    "one trial": {"trials": [Trial("VGG16", 0)]},
    "only baselines": {"trials": [Trial(name, 0) for name in PAPER_NAMES]},
    "a failed backbone": {"trials": [Trial("VGG16", 0, "failed"), Trial("Xception", 0)]},
    "partial": {"trials": everything(), "unfinished": ["VGG16/t02"]},
    "a demonstration": {"trials": everything(), "demonstration": True, "weights": "random"},
    "ten classes": {"trials": everything(), "classes": TEN},
    "a hundred classes": {"trials": everything(), "classes": HUNDRED},
    "odd class names": {"trials": everything(), "classes": ODD},
    "importances": {
        "trials": everything(),
        "importances": {"VGG16": shares(**dict.fromkeys(DIMENSIONS, 0.2))},
    },
}


def folder_of(tmp_path: Path, name: str) -> RunFolder:
    return make_run(tmp_path / "run", **{"sizes": SIZES, **RUNS[name]})


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", RUNS)
def test_every_kind_of_run_fits_its_width_and_cuts_no_number(
    tmp_path: Path, name: str, width: int
) -> None:
    text = drawn(story(summarise(folder_of(tmp_path, name))), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text


@pytest.mark.parametrize(
    ("name", "mark"),
    [("partial", "PARTIAL: "), ("a demonstration", "DEMONSTRATION: "), ("empty", "PARTIAL: ")],
)
def test_every_title_says_what_kind_of_run_it_is(tmp_path: Path, name: str, mark: str) -> None:
    summary = summarise(folder_of(tmp_path, name))
    for one in story(summary)[2:]:  # after the banner and the sentences
        assert drawn([one], 100).startswith(mark)


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", RUNS)
def test_the_result_alone_fits_its_width_and_cuts_nothing(
    tmp_path: Path, name: str, width: int
) -> None:
    text = drawn(short_story(summarise(folder_of(tmp_path, name))), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text


@pytest.mark.parametrize("sizes", [SIZES, PAPER_SIZES])
@pytest.mark.parametrize("demonstration", [True, False])
def test_the_end_of_a_run_of_six_backbones_is_at_most_sixty_lines(
    tmp_path: Path, sizes: dict[str, int], demonstration: bool
) -> None:
    trials = everything()
    folder = make_run(
        tmp_path / "run",
        trials,
        sizes=sizes,
        demonstration=demonstration,
        unfinished=["VGG16/t02"],
    )
    lines = drawn(short_story(summarise(folder)), 100).splitlines()
    lines += closing(folder, complete=False, exported=True)
    assert 20 < len(lines) <= 60
    assert not any("…" in line for line in lines)


def test_the_result_names_the_ensembles_members_counts_and_intervals(tmp_path: Path) -> None:
    summary = summarise(folder_of(tmp_path, "partial"))
    text = " ".join(drawn(short_story(summary), 100).split())
    ensemble, winner = summary.ensemble, summary.winner
    assert ensemble is not None
    assert winner is not None
    assert f"The ensemble of {' and '.join(ensemble.members)} names" in text
    for scores in (ensemble.scores, winner.scores):
        assert scores is not None
        assert f"{scores.correct} of {scores.photos} test photos right" in text
        assert f"({between(scores.interval)} at 95 %)" in text
    assert "1 trial failed" in text


def test_a_result_that_cannot_be_compared_says_why_in_place_of_table_13(tmp_path: Path) -> None:
    text = drawn(short_story(summarise(folder_of(tmp_path, "partial"))), 100)
    assert "Table 13" not in text
    assert "Next to the paper: not comparable (other photos" in " ".join(text.split())


def test_a_run_without_any_score_says_so(tmp_path: Path) -> None:
    assert "No trial has scores yet." in drawn(
        short_story(summarise(folder_of(tmp_path, "empty"))), 100
    )


def test_a_complete_run_has_no_banner(tmp_path: Path) -> None:
    assert banner(summarise(folder_of(tmp_path, "only baselines"))) is None


def test_a_partial_demonstration_says_both(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [], unfinished=[PAPER_NAMES[0] + "/baseline"], demonstration=True)
    summary = summarise(folder)
    assert marked(summary, "title") == "DEMONSTRATION, PARTIAL: title"
    panel = banner(summary)
    assert panel is not None
    text = drawn([panel], 100)
    assert "no statement about the paper" in text
    assert "0 of 1 planned trials" in text


def test_markup_and_control_characters_in_class_names_are_shown_not_obeyed(tmp_path: Path) -> None:
    text = drawn(story(summarise(folder_of(tmp_path, "odd class names"))), 100)
    assert "[red]собака[/red]" in text
    assert "\x1b" not in text
    assert "�[2Jgato 🐈" in text


def test_table_13_shows_the_papers_values_and_why_they_are_not_comparable(tmp_path: Path) -> None:
    table = table_13(summarise(folder_of(tmp_path, "only baselines")))
    text = " ".join(drawn([table], 100).split())
    for published in paper.PUBLISHED.values():
        assert f"{100 * published.test_accuracy:.3f}" in text
    assert "(a) other photos (2 classes, 100 for test)" in text


@pytest.mark.parametrize("right", [780, 20])
def test_table_13_is_whole_at_80_columns_with_the_widest_differences(
    tmp_path: Path, right: int
) -> None:
    split = make_split(2, {"train": 24, "validation": 40, "test": 800})
    answers = counted(split.labels[split.indices("test")], right)
    trials = [Trial(name, 0, test=answers) for name in PAPER_NAMES]
    summary = summarise(make_run(tmp_path, trials, split=split))
    text = drawn([table_13(summary)], 80)
    assert sheets_methods.published_and_measured(summary).note in " ".join(text.split())
    row = next(line for line in text.splitlines() if "InceptionResNetV2" in line)
    assert row.split()[-1] in ("apart", "below")


def test_the_recommended_model_and_every_warning_come_before_the_tables(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, skill=1.0), Trial("Xception", 0, skill=0.5))
    summary = summarise(make_run(tmp_path, trials, sizes=SIZES))
    assert len(summary.warnings) == 2
    text = " ".join(drawn(short_story(summary), 100).split())
    first = "Recommended by validation: VGG16/baseline Warning: On validation the ensemble is worse"
    assert text.startswith(first)
    assert text.index(f"Warning: {summary.warnings[1]}") < text.index("Table 13")


def test_table_13_shows_the_interval_of_the_difference_and_both_epochs_validation(
    tmp_path: Path,
) -> None:
    split = make_split(2, {"train": 24, "validation": 40, "test": 800})
    labels = {part: split.labels[split.indices(part)] for part in ("validation", "test")}
    trial = Trial(
        "Xception",
        0,
        validation=counted(labels["validation"], 39),
        test=counted(labels["test"], 782),
    )
    summary = summarise(make_run(tmp_path, (trial,), split=split))
    row = next(line for line in drawn([table_13(summary)], 100).splitlines() if "Xception" in line)
    # The synthetic record's epochs say 50 % each; the best epoch's predictions say 39 of 40.
    assert " ".join(row.split()) == "Xception 95.875 97.750 +0.1 to +3.7 97.50 50.00 above"
    header, line, *_ = table(sheets_methods.methods(summary))
    found = dict(zip(map(str, header), line, strict=True))
    difference = newcombe(782, 800, 767, 800)
    assert (found["difference_low"], found["difference_high"]) == (difference.low, difference.high)
    assert (found["validation_accuracy"], found["last_epoch_validation_accuracy"]) == (0.975, 0.5)


def test_the_best_table_waits_for_a_search(tmp_path: Path) -> None:
    title = "Best per backbone"
    assert title not in drawn(story(summarise(folder_of(tmp_path, "only baselines"))), 100)
    assert title in drawn(story(summarise(folder_of(tmp_path / "b", "partial"))), 100)


def test_a_hundred_classes_have_reports_but_no_matrix(tmp_path: Path) -> None:
    text = drawn(story(summarise(folder_of(tmp_path, "a hundred classes"))), 100)
    assert "99 class 99" in text
    assert "confusion matrix" not in text


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (percent(0.95875), "95.88"),
        (percent(0.95875, digits=3), "95.875"),
        (percent(None), "-"),
        (points(-0.0125), "-1.25"),
        (between(Interval(0.942, 0.9705)), "94.2-97.0"),
        (p_value(1e-9), "<0.0001"),
        (p_value(0.0312), "0.031"),
        (p_value(None), "-"),
        (whole(1234567), "1,234,567"),
        (duration(4.25), "4.2 s"),
        (duration(185), "3 min 05 s"),
        (duration(3720), "1 h 02 min"),
        (duration(-185), "-3 min 05 s"),
        (duration(None), "-"),
        (size(12_340_000), "12.3 MB"),
        (size(1_234_000_000), "1.2 GB"),
    ],
)
def test_numbers_are_written_the_same_way_everywhere(shown: str, wanted: str) -> None:
    assert shown == wanted


@pytest.mark.parametrize("name", RUNS)
def test_every_sheet_is_written_for_every_kind_of_run(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path, name)
    summary = summarise(folder)
    write_tables(folder, summary)
    for lay_out in SHEETS:
        sheet = lay_out(summary)
        path = folder.report / "tables" / f"{sheet.name}.csv"
        with path.open(newline="") as file:
            found = list(csv.reader(file))
        header, *rows = table(sheet)
        assert found[0] == header
        assert len(found) - 1 == len(rows)


def test_sheets_hold_the_summarys_numbers_unrounded(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "odd class names")
    summary = summarise(folder)
    write_tables(folder, summary)
    with (folder.report / "tables" / "methods.csv").open(newline="") as file:
        rows = {(row["method"], row["role"]): row for row in csv.DictReader(file)}
    assert summary.ensemble is not None
    found = rows["ensemble", "ensemble"]
    assert float(found["test_accuracy"]) == summary.ensemble.test_accuracy
    assert float(found["low"]) == summary.ensemble.scores.interval.low
