"""The benchmarks run: a few rows at sizes whose figures mean nothing. No speed is asserted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.row import GOALS, UNMEASURED
from tests.benchmarks.rows import MEASUREMENTS
from tests.benchmarks.sizes import sizes_for
from tests.benchmarks.workplace import HOME

ASKED = ("G0", "G4", "G7", "command")


def test_every_goal_has_exactly_one_measurement() -> None:
    given = [goal for one in MEASUREMENTS for goal in one.goals]
    assert sorted(given) == sorted(GOALS)


def test_a_smaller_budget_expects_no_more_time_than_a_larger_one() -> None:
    for one in MEASUREMENTS:
        short, long = (one.expected(sizes_for(minutes), kept=False) for minutes in (20, 240))
        assert short <= long


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
