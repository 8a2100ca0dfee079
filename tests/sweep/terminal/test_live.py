"""The live table, on a terminal and in a pipe."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from results.ledger.records import Status, TrialRecord
from search_spaces import paper
from sweep.schedule.assignment import Assignment
from sweep.terminal.live import LiveTable, Running
from tests.sweep.helpers import record

BACKBONES = ("VGG16", "Xception")


def running(
    backbone: str, number: int, epoch: int, accuracy: float | None, optimizer: str = "adam"
) -> Running:
    """A trial of ten epochs that trains the head alone."""
    rate = {"adam": 1e-4, "sgd": 1e-3}[optimizer]
    config = dataclasses.replace(
        paper.baseline(backbone, epochs=10),
        unfreeze="head",
        optimizer=optimizer,
        learning_rate=rate,
    )
    return Running(Assignment(number, config, {}), epoch, accuracy)


class Screen:
    """A live table on a console that only remembers."""

    def __init__(self, *, terminal: bool, finished: Sequence[TrialRecord] = ()) -> None:
        self.console = Console(
            file=io.StringIO(), force_terminal=terminal, width=120, record=True, color_system=None
        )
        self.now = 0.0
        self.live = LiveTable(
            self.console, BACKBONES, planned=42, finished=finished, clock=lambda: self.now
        )

    def table(self) -> str:
        self.console.print(self.live.table())
        return self.console.export_text()

    def rows(self) -> dict[str, list[str]]:
        """The cells by backbone."""
        lines = [line for line in self.table().splitlines() if "│" in line]
        cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
        return {row[0]: row[1:] for row in cells if row[0] in BACKBONES}


@pytest.mark.parametrize("error", ["[bold]loud[/]", "[/nothing]", "[link=x]", "a\\[b]", "[]"])
def test_a_failure_is_one_line_with_its_error_as_it_is(error: str) -> None:
    screen = Screen(terminal=False)
    failed = TrialRecord(1, Status.FAILED, record("VGG16", 1).config, error=error)
    screen.live.finished(failed)
    assert screen.console.export_text() == f"[1/42] VGG16/t01  failed: {error}\n"


@pytest.mark.parametrize(
    ("status", "accuracies", "line"),
    [
        (Status.COMPLETED, [0.5, 0.75], "[1/42] VGG16/t01  validation 0.7500 at epoch 2  0 s\n"),
        (
            Status.STOPPED_EARLY,
            [0.5, 0.25],
            "[1/42] VGG16/t01  validation 0.5000 at epoch 1  0 s  stopped early\n",
        ),
    ],
)
def test_a_finished_trial_is_one_line_in_a_pipe(
    status: Status, accuracies: list[float], line: str
) -> None:
    screen = Screen(terminal=False)
    with screen.live:
        screen.live.finished(record("VGG16", 1, accuracies, status=status))
    assert screen.console.export_text() == line


def test_a_pipe_never_sees_the_table_or_what_only_runs() -> None:
    screen = Screen(terminal=False)
    with screen.live:
        screen.live.running(running("VGG16", 1, 1, 0.5))
    assert screen.console.export_text() == ""


def test_a_terminal_sees_the_table_and_no_lines() -> None:
    screen = Screen(terminal=True)
    with screen.live:
        screen.live.finished(record("VGG16", 0))
    shown = screen.console.export_text()
    assert "[1/42]" not in shown
    assert "1 of 42 trials" in shown


def test_before_anything_every_backbone_has_an_empty_row() -> None:
    rows = Screen(terminal=True).rows()
    assert rows == {name: ["0", "", "", "", "", "", ""] for name in BACKBONES}


def test_a_row_shows_the_best_trial_by_validation_and_what_runs() -> None:
    screen = Screen(terminal=True)
    for finished in (
        record("VGG16", 0, [0.5]),
        record("VGG16", 1, [0.9, 0.8]),
        record("VGG16", 2, [0.7]),
        record("VGG16", 3, [], status=Status.FAILED),
    ):
        screen.live.finished(finished)
    screen.live.running(running("VGG16", 4, 3, 0.625))
    screen.live.running(running("Xception", 0, 0, None, "sgd"))
    assert screen.rows() == {
        "VGG16": ["4", "t01", "0.9000", "t04", "head, adam 1.0e-04", "3/10", "0.6250"],
        "Xception": ["0", "", "", "baseline", "head, sgd 1.0e-03", "0/10", ""],
    }


def test_each_running_trial_of_a_backbone_has_its_own_row() -> None:
    screen = Screen(terminal=True)
    for number in (1, 2):
        screen.live.running(running("VGG16", number, number, 0.5))
    lines = [line for line in screen.table().splitlines() if "head, adam" in line]
    assert ["t01" in lines[0], "VGG16" in lines[0]] == [True, True]
    assert ["t02" in lines[1], "VGG16" in lines[1]] == [True, False]


def test_a_trial_that_finished_does_not_run_any_more() -> None:
    screen = Screen(terminal=True)
    screen.live.running(running("VGG16", 0, 3, 0.6))
    screen.live.finished(record("VGG16", 0, [0.5]))
    assert screen.rows()["VGG16"] == ["1", "baseline", "0.5000", "", "", "", ""]


def test_a_failed_baseline_is_no_best_one() -> None:
    screen = Screen(terminal=True)
    screen.live.finished(record("VGG16", 0, [0.3], status=Status.FAILED))
    assert screen.rows()["VGG16"] == ["1", "", "", "", "", "", ""]


def test_a_resumed_run_counts_what_was_there_but_not_its_time() -> None:
    before = [record("VGG16", at) for at in range(20)]
    screen = Screen(terminal=True, finished=before)
    screen.now = 59.0
    assert "20 of 42 trials, 0:59 so far" in screen.table()
    assert "left" not in screen.table()
    screen.now = 61.0
    screen.live.finished(record("VGG16", 20))
    assert "21 of 42 trials, 1:01 so far, about 21:21 left" in screen.table()
    screen.now = 6100.0
    screen.live.finished(record("VGG16", 21))
    assert "22 of 42 trials, 1:41:40 so far, about 16:56:40 left" in screen.table()
