"""How long a sweep still takes: nothing is claimed before something is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from search_spaces import paper
from search_spaces.backbones import Scaling
from sweep.schedule.assignment import Assignment
from sweep.schedule.tally import tallied
from sweep.terminal.eta import Running, seconds_left
from sweep.terminal.plan import BackbonePlan, Estimate
from tests.sweep.helpers import record


def planned(name: str = "VGG16", trials: int = 4, estimate: Estimate | None = None) -> BackbonePlan:
    return BackbonePlan(name, trials, 0, 2, 0, 0, 0, estimate)


def took(backbone: str, number: int, total: float, features: float, scaling: str) -> TrialRecord:
    config = dataclasses.replace(paper.baseline(backbone), scaling=Scaling(scaling))
    cost = Cost(seconds_features=features, seconds_total=total)
    return dataclasses.replace(record(backbone, number, config=config), cost=cost)


def running(backbone: str, scaling: str, epoch: int = 0, seconds: float = 2.0) -> Running:
    config = dataclasses.replace(paper.baseline(backbone, epochs=10), scaling=Scaling(scaling))
    ended = EpochRecord(epoch, 0.7, 0.5, 0.7, 0.5, 1e-4, seconds) if epoch else None
    return Running(Assignment(9, config, {}), ended)


def left(
    plans: Sequence[BackbonePlan],
    done: Sequence[TrialRecord],
    running: Sequence[tuple[Running, float]],
    at_once: int,
) -> float | None:
    return seconds_left(
        plans, tallied({plan.name: plan.course for plan in plans}, done), running, at_once
    )


def test_nothing_is_known_at_the_start_nor_from_failed_trials() -> None:
    failed = record("VGG16", 0, [], status=Status.FAILED)
    start = [(running("VGG16", "unit"), 5.0)]
    assert left([planned()], [], [], 2) is None
    assert left([planned()], [failed], start, 2) is None


def test_a_complete_sweep_has_nothing_left() -> None:
    done = [took("VGG16", number, 9.0, 1.0, "unit") for number in range(4)]
    assert left([planned()], done, [], 2) == 0


def test_a_pass_is_expected_once_per_scaling() -> None:
    done = [took("VGG16", 0, 30.0, 20.0, "unit")]
    # Three trials of 10 s, and the pass of the other scaling.
    assert left([planned()], done, [], 1) == 3 * 10 + 20
    done.append(took("VGG16", 1, 32.0, 22.0, "native"))
    assert left([planned()], done, [], 1) == 2 * 10
    assert left([planned()], done, [], 8) == 10


def test_stored_features_cost_nothing_again() -> None:
    done = [took("VGG16", 0, 10.0, 0.0, "unit")]
    assert left([planned()], done, [], 1) == 30


def test_a_running_trial_counts_by_its_epochs_or_its_clock() -> None:
    done = [took("VGG16", 0, 30.0, 20.0, "unit"), took("VGG16", 1, 30.0, 20.0, "native")]
    for state, rest in ((running("VGG16", "unit"), 6.0), (running("VGG16", "unit", 9), 2.0)):
        assert left([planned(trials=3)], done, [(state, 4.0)], 1) == rest


def test_no_sweep_ends_before_its_longest_trial() -> None:
    states = [(running("VGG16", "unit", 1, 10.0), 9.0), (running("VGG16", "unit", 9, 1.0), 9.0)]
    assert left([planned(trials=2)], [], states, 2) == 90


def test_before_a_trial_has_finished_its_epochs_or_known_rates_say_how_long() -> None:
    known = Estimate(0, seconds_prefix=40, seconds_trained=80, seconds_plain=0)
    assert left([planned(estimate=known)], [], [], 1) == 120
    assert left([planned()], [], [(running("VGG16", "unit", 1), 9.0)], 1) == 18 + 3 * 20


def test_a_backbone_that_has_not_begun_is_taken_to_be_like_the_others() -> None:
    plans = [planned(trials=1), planned("Xception", trials=2)]
    assert left(plans, [took("VGG16", 0, 30.0, 20.0, "unit")], [], 1) == pytest.approx(60)


def test_repeats_are_expected_to_run_all_epochs() -> None:
    """Two of four trials are left, and of six repeats one is done and one runs."""
    plan = dataclasses.replace(planned(trials=4 + 6), repeats=6, seeds=2)
    whole = took("VGG16", 0, 30.0, 0.0, "unit")
    stopped = dataclasses.replace(whole, number=1, epochs=whole.epochs[:1])
    stopped = dataclasses.replace(stopped, cost=Cost(seconds_total=10.0))
    done = [whole, stopped, dataclasses.replace(whole, number=0, repeat=1)]
    state = Running(dataclasses.replace(running("VGG16", "unit", 9).assignment, repeat=1))
    searched = (30 + 10 + 30) / 3
    rest = left([dataclasses.replace(plan, passes=1)], done, [(state, 0.0)], 1)
    assert rest == pytest.approx(2 * searched + 4 * 30 + searched)
