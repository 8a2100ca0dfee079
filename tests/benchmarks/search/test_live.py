"""The page of the live comparison says what was not reached and what was not measured."""

from __future__ import annotations

import math
from pathlib import Path

from tests.benchmarks.search.live import (
    KERAS_TUNER,
    OURS,
    RAY,
    Ran,
    kept_test,
    page,
    read_sweeps,
    write_sweeps,
)


def test_a_tool_that_never_got_there_and_one_that_is_not_installed_are_told() -> None:
    ran = {
        (RAY, 1): Ran(100.0, ((40.0, 0.8), (90.0, 0.9)), test=0.85),
        (OURS, 1): Ran(50.0, ((9.0, 0.9 + 1e-8), (30.0, 0.92)), test=0.9),
        (RAY, 2): Ran(100.0, ((80.0, 0.95),), test=0.9),
        (OURS, 2): Ran(50.0, ((10.0, 0.9),), test=0.8),
    }
    lines = page(ran, "here").splitlines()
    assert f"| 1 | {RAY} | 100 | 0.9000 | 90 | 10.0 | 0.8500 |" in lines
    assert f"| 1 | {OURS} | 50 | 0.9200 | 9 | 1.0 | 0.9000 |" in lines
    assert f"| 2 | {RAY} | 100 | 0.9500 | 80 | 0.0 | 0.9000 |" in lines
    assert f"| 2 | {OURS} | 50 | 0.9000 | never |  | 0.8000 |" in lines
    assert any(line.startswith(f"- {KERAS_TUNER}: not measured") for line in lines)


def test_the_tested_model_is_the_best_by_validation_of_those_that_ran_to_their_end() -> None:
    events = [
        {"trial": 1, "accuracy": 0.7},
        {"trial": 2, "accuracy": 0.9},
        {"trial": 3, "accuracy": 0.95},
        {"trial": 1, "test": 0.71},
        {"trial": 2, "test": 0.91},
    ]
    assert kept_test(events) == 0.91
    assert math.isnan(kept_test(events[:3]))


def test_sweeps_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_sweeps(tmp_path / "LIVE.json") == {}
    ran = {(OURS, 2): Ran(50.0, ((10.0, 0.9), (11.0, 0.92)), test=0.8), (RAY, 1): Ran(7.0, (), 0.5)}
    write_sweeps(tmp_path / "LIVE.json", ran)
    assert read_sweeps(tmp_path / "LIVE.json") == ran
