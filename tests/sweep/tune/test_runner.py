"""What running trials report, as the live table is told of it."""

from __future__ import annotations

from types import SimpleNamespace

from results.ledger.records import EpochRecord
from search_spaces import paper
from sweep.process.activity import Activity
from sweep.schedule.assignment import METRIC, Assignment
from sweep.terminal.eta import Running
from sweep.tune.runner import _Reports

ASSIGNMENT = Assignment(0, paper.baseline("VGG16"), {})
TRIAL = SimpleNamespace(trial_id="a", config={"assignment": ASSIGNMENT})
FIRST = EpochRecord(1, 0.7, 0.5, 0.7, 0.5, 5e-5, 0.1)


def test_a_report_of_neither_an_epoch_nor_an_activity_is_not_told() -> None:
    told: list[Running] = []
    reports = _Reports(told.append)
    reports.on_trial_start(0, [], TRIAL)
    reports.on_trial_result(0, [], TRIAL, {METRIC: 0.0, "refusal": None})
    assert told == [Running(ASSIGNMENT)]


def test_an_activity_keeps_the_last_epoch_and_a_new_start_forgets_both() -> None:
    told: list[Running] = []
    reports = _Reports(told.append)
    tracing = Activity("tracing")
    reports.on_trial_start(0, [], TRIAL)
    reports.on_trial_result(0, [], TRIAL, {METRIC: 0.5, "epoch": FIRST})
    reports.on_trial_result(0, [], TRIAL, {"activity": tracing})
    reports.on_trial_start(0, [], TRIAL)  # its training process died
    assert told == [
        Running(ASSIGNMENT),
        Running(ASSIGNMENT, FIRST),
        Running(ASSIGNMENT, FIRST, tracing),
        Running(ASSIGNMENT),
    ]
