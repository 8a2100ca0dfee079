"""Which trials confirm a winner: a function of the search's records alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from results.ledger.records import Status, TrialRecord
from results.ledger.repeats import (
    candidates,
    count_planned,
    count_repeats,
    fresh_seeds,
    is_cut,
    repeats,
)
from search_spaces import paper
from search_spaces.config import TrialId
from tests.sweep.helpers import record, settings

THREE = settings("--backbones", "vgg16", "--trials", "3", "--confirm", "2")


def searched(number: int, accuracy: float, **changes: object) -> TrialRecord:
    config = replace(paper.baseline("VGG16"), learning_rate=1e-4 / (number + 1))
    made = record("VGG16", number, [accuracy], config=config)
    return replace(made, **changes)  # type: ignore[arg-type]


def by_id(*records: TrialRecord) -> dict[TrialId, TrialRecord]:
    return {one.id: one for one in records}


def names(records: tuple[TrialRecord, ...]) -> list[str]:
    return [one.id.label for one in records]


@pytest.mark.parametrize(
    "status", [Status.FAILED, Status.STOPPED_EARLY, Status.OUT_OF_TIME], ids=str
)
def test_only_trials_that_ended_as_planned_are_candidates(status: Status) -> None:
    best = searched(1, 0.9, status=status)
    assert names(candidates([searched(0, 0.5), best, searched(2, 0.6)])) == ["baseline", "t02"]


def test_one_trial_alone_has_nothing_to_be_held_against() -> None:
    failed = searched(1, 0.9, status=Status.FAILED, validation_accuracy=None)
    assert candidates([searched(0, 0.5), failed]) == ()
    assert candidates([]) == ()


def test_the_best_two_searched_are_held_against_the_baseline_however_bad_it_is() -> None:
    records = [searched(0, 0.1), searched(1, 0.7), searched(2, 0.8), searched(3, 0.75)]
    assert names(candidates(records)) == ["baseline", "t02", "t03"]


def test_equal_accuracies_go_by_loss_then_by_number() -> None:
    records = [searched(0, 0.5), *(searched(number, 0.7) for number in (1, 2, 3))]
    assert names(candidates(records)) == ["baseline", "t01", "t02"]
    records[3] = replace(records[3], validation_loss=0.1)
    assert names(candidates(records)) == ["baseline", "t03", "t01"]


def test_no_configuration_is_confirmed_twice_and_no_repeat_is_a_candidate() -> None:
    one = searched(1, 0.7)
    twin = replace(searched(2, 0.7), config=one.config)
    repeat = searched(1, 0.99, repeat=1)
    assert names(candidates([searched(0, 0.5), repeat, twin, one])) == ["baseline", "t01"]


def test_the_fresh_seeds_are_distinct_reproducible_and_none_is_the_sweeps() -> None:
    for seed in range(200):
        seeds = fresh_seeds(seed, 5)
        assert len({seed, *seeds}) == 6
        assert seeds == fresh_seeds(seed, 5)
        assert seeds[:3] == fresh_seeds(seed, 3)
    assert fresh_seeds(42, 3) != fresh_seeds(43, 3)
    assert fresh_seeds(42, 0) == ()


def test_repeats_are_known_when_the_search_is_over_and_until_then_at_most() -> None:
    finished = by_id(searched(0, 0.5), searched(1, 0.7), searched(2, 0.6))
    assert repeats(THREE, "VGG16", finished) is None
    assert count_repeats(THREE, "VGG16", finished) == 6
    finished |= by_id(searched(3, 0.8))
    known = repeats(THREE, "VGG16", finished)
    assert known is not None
    assert [trial.label for trial in known] == [
        *("baseline-s1", "t03-s1", "t01-s1"),
        *("baseline-s2", "t03-s2", "t01-s2"),
    ]
    assert count_planned(THREE, finished.values()) == 4 + 6


def test_fewer_are_planned_where_fewer_candidates_exist() -> None:
    failed = [
        searched(number, 0.0, status=Status.FAILED, validation_accuracy=None)
        for number in (1, 2, 3)
    ]
    assert count_planned(THREE, [searched(0, 0.5), *failed]) == 4
    assert count_planned(THREE, [searched(0, 0.5), searched(1, 0.6), *failed[1:]]) == 4 + 4


@pytest.mark.parametrize("words", ["--trials 0", "--baseline-only", "--trials 3 --confirm 0"])
def test_without_a_search_or_seeds_nothing_is_repeated(words: str) -> None:
    confirming = [] if "--confirm" in words else ["--confirm", "3"]
    chosen = settings("--backbones", "vgg16", *confirming, *words.split())
    assert count_planned(chosen, []) == len(chosen.planned)


def test_a_repeat_that_the_time_budget_cut_counts_for_nothing() -> None:
    assert is_cut(searched(1, 0.7, repeat=1, status=Status.OUT_OF_TIME))
    assert not is_cut(searched(1, 0.7, status=Status.OUT_OF_TIME))
    assert not is_cut(searched(1, 0.7, repeat=1))


def test_a_search_is_over_without_what_the_time_budget_left_out() -> None:
    finished = by_id(searched(0, 0.5), searched(1, 0.7))
    left_out = {TrialId("VGG16", 2), TrialId("VGG16", 3)}
    known = repeats(THREE, "VGG16", finished, left_out)
    assert known is not None
    assert {trial.number for trial in known} == {0, 1}
    assert count_repeats(THREE, "VGG16", finished, left_out) == 4
    assert repeats(THREE, "VGG16", finished, {TrialId("VGG16", 3)}) is None
