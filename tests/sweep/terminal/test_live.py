"""The live table, on a terminal and in a pipe."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Sequence

import pytest
from rich.console import Console

from results.ledger.records import EpochRecord, Status, TrialRecord
from search_spaces import paper
from search_spaces.backbones import NAMES
from sweep.process.activity import Activity
from sweep.schedule.assignment import Assignment
from sweep.schedule.course import Course
from sweep.terminal.eta import Running
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import BackbonePlan
from tests.sweep.helpers import record

BACKBONES = ("VGG16", "Xception")
CONFIRMED = BackbonePlan("VGG16", 2 + 4, 0, 1, 0, 0, 0, repeats=4, seeds=2)
"""One searched trial beside the baseline, and both again on two seeds."""


def running(
    backbone: str,
    number: int,
    epoch: int,
    accuracy: float = 0.0,
    optimizer: str = "adam",
    activity: Activity | None = None,
) -> Running:
    """A trial of ten epochs that trains the head alone."""
    rate = {"adam": 1e-4, "sgd": 1e-3}[optimizer]
    config = dataclasses.replace(
        paper.baseline(backbone, epochs=10),
        unfreeze="head",
        optimizer=optimizer,
        learning_rate=rate,
    )
    ended = EpochRecord(epoch, 0.7, 0.5, 0.7, accuracy, rate, 6.0) if epoch else None
    return Running(Assignment(number, config, {}), ended, activity)


class Screen:
    """A live table on a console that only remembers."""

    def __init__(
        self,
        *,
        terminal: bool,
        finished: Sequence[TrialRecord] = (),
        width: int = 100,
        backbones: Sequence[str] = BACKBONES,
        usage: str = "",
        plans: Sequence[BackbonePlan] = (),
        budget: float = math.inf,
    ) -> None:
        self.console = Console(
            file=io.StringIO(), force_terminal=terminal, width=width, record=True, color_system=None
        )
        self.now = 0.0
        self.live = LiveTable(
            self.console,
            plans
            or [BackbonePlan(name, 42 // len(backbones), 0, 2, 0, 0, 0) for name in backbones],
            finished,
            budget=budget,
            usage=lambda: usage,
            clock=lambda: self.now,
        )

    def table(self) -> str:
        self.console.print(self.live.table())
        return self.console.export_text()

    def row(self, backbone: str) -> str:
        """A backbone's first line, with single blanks."""
        lines = [" ".join(line.split()) for line in self.table().splitlines()]
        [row] = [line for line in lines if line.startswith(f"{backbone} ")]
        return row


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


def test_a_silent_pipe_gets_a_line_within_half_a_minute_and_then_again() -> None:
    screen = Screen(terminal=False)
    screen.live.running(running("VGG16", 1, 2, 0.5))
    for now in range(1, 61):
        screen.now = float(now)
        screen.live.tick()
    lines = screen.console.export_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == "[0/42] 0:25 so far, about 41:48 left: VGG16/t01 epoch 3/10"


def test_no_more_is_told_to_be_left_than_the_time_budget_has() -> None:
    screen = Screen(terminal=True, budget=600.0)
    screen.live.running(running("VGG16", 1, 2, 0.5))
    for now, left in ((60.0, "9:00"), (599.0, "0:01"), (630.0, "0:00")):
        screen.now = now
        assert f" so far, about {left} left" in screen.table()


def test_a_finished_trial_breaks_the_silence() -> None:
    screen = Screen(terminal=False)
    screen.now = 24.0
    screen.live.finished(record("VGG16", 0))
    screen.now = 48.0
    screen.live.tick()
    assert len(screen.console.export_text().splitlines()) == 1


def test_before_anything_the_table_says_that_ray_starts() -> None:
    screen = Screen(terminal=True)
    words = "0 of 42 trials, starting Ray, 0:00 so far, estimating what is left"
    assert words in " ".join(screen.table().split())
    assert screen.row("VGG16") == "VGG16 0/21"


@pytest.mark.parametrize(
    ("epoch", "activity", "words"),
    [
        (0, None, "starting"),
        (0, Activity("loading TensorFlow"), "loading TensorFlow"),
        (0, Activity("features", 0.4), "features 40 %"),
        (0, Activity("features", 1.0), "features 100 %"),
        (0, Activity("tracing"), "tracing"),
        (0, Activity("training", 0.5), "epoch 1/10"),
        (2, Activity("training", 0.5), "epoch 3/10"),
        (2, None, "epoch 3/10"),
        (10, None, "testing"),
    ],
)
def test_a_running_trial_says_what_it_is_doing(
    epoch: int, activity: Activity | None, words: str
) -> None:
    screen = Screen(terminal=True)
    screen.live.running(running("VGG16", 0, epoch, 0.5, activity=activity))
    value = "0.5000 " if epoch else ""
    assert screen.row("VGG16") == f"VGG16 0/21 baseline {words} {value}adam 1.0e-04, head"


def test_a_row_shows_the_best_trial_by_validation() -> None:
    screen = Screen(terminal=True)
    for finished in (
        record("VGG16", 0, [0.5]),
        record("VGG16", 1, [0.9, 0.8]),
        record("VGG16", 2, [0.7]),
        record("VGG16", 3, [], status=Status.FAILED),
    ):
        screen.live.finished(finished)
    assert screen.row("VGG16") == "VGG16 4/21 t01 0.9000"
    assert screen.row("Xception") == "Xception 0/21"


def test_each_running_trial_of_a_backbone_has_its_own_row() -> None:
    screen = Screen(terminal=True)
    for number in (1, 2):
        screen.live.running(running("VGG16", number, number, 0.5))
    lines = [line for line in screen.table().splitlines() if "adam" in line]
    assert ["t01" in lines[0], "VGG16" in lines[0]] == [True, True]
    assert ["t02" in lines[1], "VGG16" in lines[1]] == [True, False]


def test_a_trial_that_finished_does_not_run_any_more() -> None:
    screen = Screen(terminal=True)
    screen.live.running(running("VGG16", 0, 3, 0.6))
    screen.live.finished(record("VGG16", 0, [0.5]))
    assert screen.row("VGG16") == "VGG16 1/21 baseline 0.5000"


def test_a_failed_baseline_is_no_best_one() -> None:
    screen = Screen(terminal=True)
    screen.live.finished(record("VGG16", 0, [0.3], status=Status.FAILED))
    assert screen.row("VGG16") == "VGG16 1/21"


def test_a_terminal_shows_how_busy_the_machine_is() -> None:
    screen = Screen(terminal=True, usage="CPU 97 %, memory 5.1 GB of 16.8 GB")
    assert "CPU" not in screen.table()
    screen.live.tick()
    assert "CPU 97 %, memory 5.1 GB of 16.8 GB" in screen.table()


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_at_the_widths_of_terminals(width: int) -> None:
    screen = Screen(terminal=True, width=width, backbones=NAMES, usage="CPU 97 %")
    for name in NAMES:
        screen.live.finished(record(name, 0, [0.9]))
        waits = Activity("waiting for features")
        screen.live.running(running(name, 1, 1, 0.5, activity=waits))
    text = screen.table()
    assert "…" not in text
    assert all(f"{name} " in text for name in NAMES)
    assert text.count("waiting for features") == len(NAMES)
    assert text.count("0.9000") == len(NAMES)
    assert ("1.0e-04" in text) is (width >= 100)


def test_repeats_count_as_trials_but_are_never_the_best() -> None:
    screen = Screen(terminal=True, plans=[CONFIRMED])
    screen.live.finished(record("VGG16", 0, [0.5]))
    assert screen.row("VGG16").startswith("VGG16 1/6 baseline 0.5000")
    other = dataclasses.replace(paper.baseline("VGG16"), learning_rate=1e-3)
    screen.live.finished(record("VGG16", 1, [0.6], config=other))
    screen.live.finished(record("VGG16", 0, [0.9], repeat=1))
    assert screen.row("VGG16").startswith("VGG16 3/6 t01 0.6000")


def test_fewer_repeats_are_left_where_searched_trials_failed() -> None:
    screen = Screen(terminal=True, plans=[CONFIRMED])
    screen.live.finished(record("VGG16", 0, [0.5]))
    screen.live.finished(record("VGG16", 1, [], status=Status.FAILED))
    assert "2 of 2 trials" in screen.table()


def test_a_search_that_the_time_budget_ends_is_told_in_a_line_and_no_longer_planned() -> None:
    plan = dataclasses.replace(CONFIRMED, trials=13 + 4, course=Course(searched=12))
    screen = Screen(terminal=False, plans=[plan])
    screen.live.search_ended("VGG16", 5)
    said = screen.console.export_text(clear=False)
    assert said.startswith("VGG16: the search ended after 7 of 12 trials, the rest of the time ")
    screen.live.finished(record("VGG16", 0))
    assert "[1/12] VGG16/baseline" in screen.console.export_text()
