"""The cutoffs of successive halving, against worked examples of Ray's ASHA with `nanpercentile`."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.ledger.records import Status, TrialRecord
from sweep.schedule.early_stopping import ETA, Bars, rungs
from tests.sweep.helpers import record


def trials(*accuracies: float, epochs: int = 2) -> list[TrialRecord]:
    """One trial each, with the same accuracy in every epoch."""
    return [record("VGG16", at, [accuracy] * epochs) for at, accuracy in enumerate(accuracies)]


def cutoffs(history: list[TrialRecord], epochs: int) -> dict[int, float]:
    bars = Bars(epochs)
    for finished in history:
        bars.add(finished)
    return bars.cutoffs()


def test_a_trial_that_starts_from_a_trained_head_is_first_judged_at_the_second_rung() -> None:
    bars = Bars(10)
    for finished in trials(0.1, 0.5, 0.9, epochs=10):
        bars.add(finished)
    assert list(bars.cutoffs()) == [2, 6]
    assert bars.cutoffs(from_head=True) == {6: bars.cutoffs()[6]}


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        (1, ()),
        (2, (1,)),
        (3, (1,)),
        (4, (1, 3)),
        (10, (2, 6)),
        (30, (6, 18)),
        (100, (20, 60)),
    ],
)
def test_trials_are_judged_after_a_fifth_and_then_every_third_power(
    epochs: int, expected: tuple[int, ...]
) -> None:
    assert rungs(epochs) == expected


@given(st.integers(1, 10_000))
def test_the_last_epoch_is_never_a_rung(epochs: int) -> None:
    judged = rungs(epochs)
    assert all(1 <= rung < epochs for rung in judged)
    assert all(later == ETA * rung for rung, later in itertools.pairwise(judged))


@pytest.mark.parametrize("accuracies", [(), (0.9,), (0.9, 0.1)])
def test_fewer_trials_than_a_third_can_be_taken_of_have_no_cutoff(
    accuracies: tuple[float, ...],
) -> None:
    assert cutoffs(trials(*accuracies), 3) == {}


@pytest.mark.parametrize(
    ("accuracies", "cutoff"),
    [
        ((0.1, 0.5, 0.7), 0.5 + (0.7 - 0.5) / 3),  # place 4/3 of 0..2
        ((0.1, 0.2, 0.3, 0.4), 0.3),  # place 2 of 0..3
        ((0.2, 0.4, 0.6, 0.8, 1.0), 0.6 + 2 / 3 * 0.2),  # place 8/3 of 0..4
        ((0.6, 0.6, 0.6), 0.6),
    ],
)
def test_a_cutoff_is_the_accuracy_that_the_top_third_reaches(
    accuracies: tuple[float, ...], cutoff: float
) -> None:
    assert cutoffs(trials(*accuracies), 3) == {1: pytest.approx(cutoff)}


def test_each_rung_counts_only_the_trials_that_reached_it() -> None:
    history = [
        *trials(0.9, 0.8, 0.7, epochs=10),
        record("VGG16", 3, [0.1, 0.2], status=Status.STOPPED_EARLY),
        record("VGG16", 4, [0.4], status=Status.FAILED),
        record("VGG16", 5, [], status=Status.FAILED),
    ]
    by_rung = cutoffs(history, 10)
    assert set(by_rung) == {2, 6}
    assert by_rung[2] == pytest.approx(0.8)  # 0.2, 0.7, 0.8, 0.9
    assert by_rung[6] == pytest.approx(0.8 + 0.1 / 3)  # 0.7, 0.8, 0.9


@given(st.lists(st.floats(0, 1), min_size=ETA, max_size=30), st.randoms(use_true_random=False))
def test_a_cutoff_does_not_depend_on_the_order_and_lets_a_third_go_on(
    accuracies: list[float], shuffle: random.Random
) -> None:
    history = trials(*accuracies)
    cutoff = cutoffs(history, 3)[1]
    shuffle.shuffle(history)
    assert cutoffs(history, 3) == {1: cutoff}
    assert cutoff == np.nanpercentile(accuracies, 100 * (1 - 1 / 3))
    going_on = sum(accuracy >= cutoff for accuracy in accuracies)
    assert going_on >= max(1, len(accuracies) // 3)
