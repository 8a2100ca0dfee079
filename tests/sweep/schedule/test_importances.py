"""What mattered is asked of all trials at a common epoch, not of those that survived."""

from __future__ import annotations

import dataclasses
import random

import pytest

from results.ledger.records import Status, TrialRecord
from search_spaces.config import OPTIMIZERS
from search_spaces.space import SearchSpace
from sweep.schedule.importances import importances
from tests.sweep.helpers import record
from tests.sweep.schedule.histories import BASELINE

SPACE = SearchSpace(varied=("learning_rate", "optimizer"))


def trial(number: int, accuracies: list[float], optimizer: str, **kinds: bool) -> TrialRecord:
    """A trial at a random learning rate; `stopped` early, `diverged`, or neither."""
    rate = 10 ** random.Random(number).uniform(-5, -3)
    config = dataclasses.replace(BASELINE, optimizer=optimizer, learning_rate=rate)
    status = Status.STOPPED_EARLY if kinds.get("stopped") else Status.COMPLETED
    if kinds.get("diverged"):
        return record("VGG16", number, [], status=Status.FAILED, config=config, diverged=True)
    return record("VGG16", number, accuracies, status=status, config=config)


def test_few_trials_or_one_score_for_all_have_no_importances() -> None:
    few = [trial(number, [number / 10], "adam") for number in range(3)]
    alike = [trial(number, [0.5], "adam") for number in range(6)]
    lost = [record("VGG16", number, [], status=Status.FAILED) for number in range(3, 9)]
    assert importances([], SPACE) == {}
    assert importances([*few, *lost], SPACE) == {}
    assert importances(alike, SPACE) == {}


def test_trials_that_were_stopped_count_at_the_epoch_that_all_reached() -> None:
    # The survivors are alike; only those that were stopped show that SGD is worse.
    good = [trial(at, [0.8 + at / 1000, 0.5, 0.81], OPTIMIZERS[at % 3]) for at in range(9)]
    bad = [trial(at, [0.5 + at / 1000], "sgd", stopped=True) for at in range(9, 15)]
    found = importances([*good, *bad], SPACE)["VGG16"]
    assert (found.trials, found.epoch) == (15, 1)
    assert found.shares["optimizer"].mean > 0.8
    assert sum(share.mean for share in found.shares.values()) == pytest.approx(1)
    assert all(share.spread > 0 for share in found.shares.values())


def test_trials_that_diverged_count_as_the_worst_of_the_others() -> None:
    trained = [trial(at, [0.7 + at % 2 / 10], OPTIMIZERS[at % 3]) for at in range(8)]
    diverged = [trial(at, [], "sgd", diverged=True) for at in range(8, 14)]
    lost = record("VGG16", 14, [], status=Status.FAILED)
    with_them = importances([*trained, *diverged, lost], SPACE)["VGG16"]
    without = importances(trained, SPACE)["VGG16"]
    assert (with_them.trials, without.trials) == (14, 8)
    assert with_them.shares["optimizer"].mean > without.shares["optimizer"].mean


def test_importances_do_not_depend_on_the_order_of_the_records() -> None:
    trained = [trial(at, [0.7 + at % 3 / 10], OPTIMIZERS[at % 4]) for at in range(8)]
    assert importances(reversed(trained), SPACE) == importances(trained, SPACE)


def test_a_baseline_outside_the_search_space_is_left_out() -> None:
    trained = [trial(at, [0.7 + at % 3 / 10], OPTIMIZERS[at % 4]) for at in range(8)]
    narrow = SearchSpace(("learning_rate", "optimizer"), {"learning_rate": (1e-5, 1e-3)})
    odd = record("VGG16", 9, config=dataclasses.replace(BASELINE, learning_rate=0.01))
    assert importances([*trained, odd], narrow)["VGG16"].trials == 8


def test_a_dimension_with_one_choice_alone_is_not_asked_about() -> None:
    fixed = SearchSpace(("learning_rate", "optimizer", "unfreeze"), {"unfreeze": ("head",)})
    heads = [
        dataclasses.replace(one, config=dataclasses.replace(one.config, unfreeze="head"))
        for one in (trial(at, [0.7 + at / 100], OPTIMIZERS[at % 3]) for at in range(8))
    ]
    assert importances(heads, fixed)["VGG16"].shares.keys() == {"learning_rate", "optimizer"}


def test_repeats_on_fresh_seeds_are_no_trials_of_the_search() -> None:
    trained = [trial(at, [0.7 + at % 2 / 10], OPTIMIZERS[at % 3]) for at in range(8)]
    again = [dataclasses.replace(trained[at], repeat=1) for at in (1, 3, 5)]
    assert importances([*trained, *again], SPACE) == importances(trained, SPACE)
