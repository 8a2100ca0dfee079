"""What a suggestion sees of a long sweep: bounded, and TPE's good group is that of all trials."""

from __future__ import annotations

import dataclasses
import random

import optuna
import pytest

from results.ledger.records import Status, TrialRecord
from sweep.schedule.history import GOOD, SEEN, History
from tests.sweep.helpers import record
from tests.sweep.schedule.histories import BASELINE, SPACE, told


def trial(number: int) -> TrialRecord:
    """One of a long sweep: most complete, some are stopped early, some fail or diverge."""
    chance = random.Random(number)
    config = dataclasses.replace(BASELINE, learning_rate=10 ** chance.uniform(-6, -2))
    kind = chance.choice(["completed", "completed", "stopped", "failed", "diverged"])
    accuracies = [round(chance.random(), 2) for _ in range(1 if kind == "stopped" else 3)]
    if kind in ("failed", "diverged"):
        diverged = kind == "diverged"
        status = Status.FAILED
        return record("VGG16", number, [], status=status, config=config, diverged=diverged)
    status = Status.STOPPED_EARLY if kind == "stopped" else Status.COMPLETED
    return record("VGG16", number, accuracies, status=status, config=config)


LONG = [trial(number) for number in range(800)]


def names(trials: list[optuna.trial.FrozenTrial]) -> list[str]:
    return [trial.user_attrs["trial"] for trial in trials]


def test_trials_that_failed_or_lie_outside_tell_nothing() -> None:
    lost = record("VGG16", 1, [], status=Status.FAILED)
    outside = record("VGG16", 0, config=dataclasses.replace(BASELINE, learning_rate=0.5))
    assert told([outside, lost]) == []


@pytest.mark.parametrize("length", [0, 1, 100, 300, 800])
def test_a_history_is_bounded_and_in_order(length: int) -> None:
    kept = names(told(LONG[:length]))
    counted = [record for record in LONG[:length] if record.has_scores or record.diverged]
    assert len(kept) == min(len(counted), SEEN)
    order = [record.trial for record in counted]
    assert [order.index(name) for name in kept] == sorted(order.index(name) for name in kept)
    assert set(order[-(SEEN - GOOD) :]) <= set(kept)


def test_the_good_group_is_that_of_all_trials() -> None:
    counted = [record for record in LONG if record.status == Status.COMPLETED]
    by_value = sorted(counted, key=lambda record: -(record.validation_accuracy or 0.0))
    assert {record.trial for record in by_value[:GOOD]} <= set(names(told(LONG)))
    assert optuna.samplers._tpe.sampler.default_gamma(SEEN) == GOOD
    assert optuna.samplers._tpe.sampler.default_gamma(10 * SEEN) == GOOD


def test_stopped_trials_come_behind_complete_ones_and_before_diverged_ones() -> None:
    history = History(SPACE)
    diverged = [record("VGG16", at, [], status=Status.FAILED, diverged=True) for at in range(GOOD)]
    stopped = record("VGG16", GOOD, [0.3], status=Status.STOPPED_EARLY)
    complete = record("VGG16", GOOD + 1, [0.1])
    for finished in (*diverged, stopped, complete):
        history.add(finished)
    recent = [record("VGG16", GOOD + 2 + at, [0.2]) for at in range(SEEN)]
    best = {record.trial for record in (stopped, complete)}
    for finished in recent[: GOOD - 2]:
        history.add(finished)
    assert best <= set(names(history.trials()))
    sampler_order = [ranked.trial.user_attrs["trial"] for ranked in history._best]
    assert sampler_order[-2:] == [complete.trial, stopped.trial]
