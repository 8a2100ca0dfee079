"""What would run, counted: photos through frozen layers, trained photos, and a plain script's."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from results.records import FAILED
from sweep.plan import BackbonePlan, plan, plan_table
from tests.sweep.helpers import machine, record, settings

COUNTS = {"train": 240, "validation": 80, "test": 80}


@pytest.mark.parametrize(
    ("words", "finished", "expected"),
    [
        # trials, finished, passes, photos_prefix, photos_trained, photos_plain
        ("--trials 3", 0, (4, 0, 2, 800, 4 * 3 * 240, 4 * (3 * 320 + 80))),
        ("--trials 3 --search optimizer", 0, (4, 0, 1, 400, 2880, 4160)),
        ("--trials 3", 3, (4, 3, 2, 800, 720, 1040)),
        ("--trials 3", 4, (4, 4, 0, 0, 0, 0)),
        ("--baseline-only --epochs 10", 0, (1, 0, 1, 400, 2400, 3280)),
        ("--baseline-only", 1, (1, 1, 0, 0, 0, 0)),
    ],
)
def test_what_is_left_is_counted(
    words: str, finished: int, expected: tuple[int, int, int, int, int, int]
) -> None:
    done = tuple(record("VGG16", number) for number in range(finished))
    chosen = settings("--backbones", "vgg16", *words.split())
    assert plan(chosen, COUNTS, done) == (BackbonePlan("VGG16", *expected),)


def test_a_failed_trial_is_done_and_another_backbones_is_not() -> None:
    chosen = settings("--backbones", "vgg16,xception", "--trials", "1")
    done = (record("VGG16", 0, [], status=FAILED), record("VGG16", 1))
    found = {one.name: (one.finished, one.photos_trained) for one in plan(chosen, COUNTS, done)}
    assert found == {"VGG16": (2, 0), "Xception": (0, 2 * 3 * 240)}


@pytest.mark.parametrize(
    ("words", "gpus", "title"),
    [
        ("--trials 2", 0.0, "2 at a time on 1 CPU each; searched: learning_rate, optimizer"),
        ("--trials 2", 0.5, "2 at a time on 1 CPU and 0.5 GPU each"),
        ("--baseline-only", 0.0, "searched: nothing, the paper's baselines"),
    ],
)
def test_a_plan_is_a_table_with_a_row_per_backbone(words: str, gpus: float, title: str) -> None:
    chosen = settings(*words.split())
    console = Console(file=io.StringIO(), width=200, record=True)
    found = plan(chosen, COUNTS)
    console.print(plan_table(found, chosen, machine(Path("/cache"), gpus_per_trial=gpus)))
    shown = console.export_text()
    assert title in shown
    lines = shown.splitlines()
    for one in found:
        [row] = [line for line in lines if f" {one.name} " in line]
        assert f"{one.photos_plain:,}" in row
