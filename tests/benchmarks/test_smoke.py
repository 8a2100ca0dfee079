"""The benchmarks run: a few rows at sizes whose figures mean nothing. No speed is asserted."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.page import Occasion, write_page
from tests.benchmarks.row import GOALS, UNMEASURED, measured, unmeasured
from tests.benchmarks.rows import MEASUREMENTS
from tests.benchmarks.sizes import WITH_REPEATS, sizes_for, smoke_sizes
from tests.benchmarks.sweeps import Side, by_turns, symmetric
from tests.benchmarks.workplace import HOME

ASKED = ("G0", "G4", "G7", "loop", "command", "float16")


def test_every_goal_has_exactly_one_measurement() -> None:
    given = [goal for one in MEASUREMENTS for goal in one.goals]
    assert sorted(given) == sorted(GOALS)


def test_a_smaller_budget_expects_no_more_time_than_a_larger_one() -> None:
    for one in MEASUREMENTS:
        short, long = (one.expected(sizes_for(minutes), kept=False) for minutes in (20, 240))
        assert short <= long


def test_make_bench_repeats_whole_sweeps_three_times_at_the_sizes_of_an_hour() -> None:
    hour, bench = sizes_for(60), sizes_for(WITH_REPEATS)
    assert bench == dataclasses.replace(hour, sweep_repeats=3)
    for one in MEASUREMENTS:
        times = 3 if one.is_sweep else 1
        assert one.expected(bench, kept=True) == times * one.expected(hour, kept=True)
    assert sum(one.expected(bench, kept=True) for one in MEASUREMENTS) < 60 * WITH_REPEATS


def test_the_side_that_goes_first_alternates() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        order.append(name)
        return Side(seconds=len(order), best=0.0, test=0.0, parts={})

    pairs = by_turns(lambda: side("plain"), lambda: side("ours"), 3)
    assert order == ["plain", "ours", "ours", "plain", "plain", "ours"]
    assert [(theirs.seconds, mine.seconds) for theirs, mine in pairs] == [(1, 2), (4, 3), (5, 6)]


@pytest.mark.parametrize("length", range(1, 30))
@pytest.mark.parametrize("every", [2, 3, 5])
def test_a_measured_share_is_as_deep_as_its_list(length: int, every: int) -> None:
    places = symmetric(length, every)
    assert places == sorted(set(places))
    assert places == [length - 1 - at for at in reversed(places)]
    assert abs(len(places) - max(1, length / every)) <= 1.5


@pytest.mark.parametrize(
    "ours",
    [{}, {"rest": 0.0}, {"steps": 2.0}, {"steps": 1.0, "frozen layers": 1.0, "rest": 2.0}],
    ids=["no parts", "parts of no seconds", "one part", "parts"],
)
def test_a_page_is_written_whatever_came_out(tmp_path: Path, ours: dict[str, float]) -> None:
    page = tmp_path / "RESULTS.md"
    rows = [
        measured("G1", [1.0, float("nan")], False, "note", {"plain": {"steps": 8.0}, "ours": ours}),
        measured("K", [2.0], False, "note"),
        measured("G7", [0.0], True),
        unmeasured("G6", "no time left"),
    ]
    occasion = Occasion("today", "commit 1", 60, {}, 2, 1024, 0.0, 2, 1, "1", smoke_sizes())
    write_page(page, rows, occasion, elapsed=1.0)
    text = page.read_text()
    assert all(f"| {row.goal.name} | " in text for row in rows)
    if len(ours) > 1:
        assert "is 50% of ours at this size, the frozen passes 25%, steps 25%" in text
        assert "the ratio would be 4.0 x" in text


@pytest.mark.slow
def test_a_smoke_run_writes_a_table_with_every_row_that_was_asked_for(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    words = ["--smoke", "--rows", ",".join(ASKED), "--out", str(page)]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", *words],
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stderr
    text = page.read_text()
    for one in MEASUREMENTS:
        if one.name in ASKED:
            assert all(f"| {goal} | " in text for goal in one.goals), text
    assert f"| {UNMEASURED} |" not in text, text
    assert str(HOME) not in text
