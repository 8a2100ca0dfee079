"""Ensembles: refusals, ties, a worked example of the greedy selection, and laws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from results.ledger.arrays import Probabilities
from results.ledger.records import Status, TrialRecord
from results.scores import ensemble, metrics
from search_spaces import paper

LABELS = np.array([0, 1, 0, 1, 1, 0], dtype=np.int64)


def answers(*first_class: float) -> Probabilities:
    column = np.array(first_class, dtype=np.float32)
    return np.stack([column, 1 - column], axis=1)


def scored(backbone: str, number: int = 1, *, score: float = 0.9, loss: float = 0.3) -> TrialRecord:
    config = paper.baseline(backbone)
    return TrialRecord(
        number, Status.COMPLETED, config, validation_accuracy=score, validation_loss=loss
    )


libraries = st.lists(
    arrays.arrays(np.float32, len(LABELS), elements=st.floats(0, 1, width=32)).map(
        lambda column: answers(*column)
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("members", [[], [answers(0.5), answers(0.5, 0.5)]])
def test_a_mean_needs_members_of_one_shape(members: Sequence[Probabilities]) -> None:
    with pytest.raises(ValueError, match="one shape"):
        ensemble.mean(members)


@pytest.mark.parametrize(("members", "rounds"), [([], 5), ([answers(0.5)], 0)])
def test_greedy_selection_needs_a_member_and_a_round(
    members: Sequence[Probabilities], rounds: int
) -> None:
    with pytest.raises(ValueError, match="are needed"):
        ensemble.greedy(members, LABELS[:1], rounds=rounds)


@pytest.mark.parametrize("backbones", [(), ("VGG16",), ("VGG16", "VGG16")])
def test_fewer_than_two_backbones_make_no_ensemble(backbones: tuple[str, ...]) -> None:
    found = [scored(name, number=at) for at, name in enumerate(backbones)]
    assert ensemble.best_two(found) == ()
    assert ensemble.best_two_by_test(found, {one.trial: 0.9 for one in found}) == ()


BASE = scored("VGG16")


@pytest.mark.parametrize(
    ("better", "why"),
    [
        (scored("Xception", score=0.91, loss=0.9), "the score comes first"),
        (scored("Xception", loss=0.29), "then the lower loss"),
        (scored("Xception", number=0), "then the lower number"),
    ],
)
def test_ties_on_validation_are_broken_in_a_fixed_order(better: TrialRecord, why: str) -> None:
    assert ensemble.best_two([BASE, better]) == (better.trial, "VGG16/t01"), why


def test_complete_ties_keep_the_given_order() -> None:
    twin = scored("Xception")
    assert ensemble.best_two([BASE, twin]) == ("VGG16/t01", "Xception/t01")
    assert ensemble.best_two([twin, BASE]) == ("Xception/t01", "VGG16/t01")


def test_the_second_best_of_the_same_backbone_is_passed_over() -> None:
    found = [BASE, scored("VGG16", number=2), scored("Xception", score=0.1)]
    assert ensemble.best_two(found) == ("VGG16/t01", "Xception/t01")


def test_only_the_papers_rule_looks_at_test() -> None:
    found = [BASE, scored("Xception"), scored("ResNet50", score=0.5)]
    test_accuracy = {"VGG16/t01": 0.8, "Xception/t01": 0.1, "ResNet50/t01": 1.0}
    assert ensemble.best_two(found) == ("VGG16/t01", "Xception/t01")
    assert ensemble.best_two_by_test(found, test_accuracy) == ("ResNet50/t01", "VGG16/t01")


def test_greedy_selection_follows_a_worked_example() -> None:
    """By hand, all photos of class 0.

    Round 1: A and C have 3 of 4, A the lower loss (0.655 < 0.786). Round 2: with B all 4 are right.
    Round 3: B again (loss 0.485) beats C (0.530), but A+B alone has the lowest loss, 0.456.
    """
    library = [
        answers(0.9, 0.9, 0.9, 0.1),
        answers(0.45, 0.45, 0.45, 0.95),
        answers(0.6, 0.6, 0.2, 0.6),
    ]
    labels = np.zeros(4, dtype=np.int64)
    assert ensemble.greedy(library, labels, rounds=1) == (0,)
    assert ensemble.greedy(library, labels, rounds=2) == (0, 1)
    assert ensemble.greedy(library, labels, rounds=3) == (0, 1)


def test_greedy_selection_may_take_a_member_twice() -> None:
    """A+B is right twice at a loss of 0.554; A+A+B still is, at 0.517."""
    library = [answers(0.9, 0.4), answers(0.2, 0.8)]
    assert ensemble.greedy(library, np.zeros(2, dtype=np.int64), rounds=3) == (0, 1, 0)


def test_equal_members_are_taken_by_index() -> None:
    assert ensemble.greedy([answers(0.5), answers(0.9), answers(0.9)], LABELS[:1]) == (1,)


@given(libraries)
@settings(deadline=None)
def test_the_mean_of_members_is_a_probability_between_them(library: list[Probabilities]) -> None:
    mixed = ensemble.mean(library)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed.sum(axis=1), 1, atol=1e-5)
    assert (mixed >= np.min(library, axis=0) - 1e-6).all()
    assert (mixed <= np.max(library, axis=0) + 1e-6).all()


@given(libraries)
@settings(deadline=None)
def test_greedy_selection_is_never_worse_than_the_best_member(library: list[Probabilities]) -> None:
    chosen = ensemble.greedy(library, LABELS, rounds=6)
    mixed = ensemble.mean([library[index] for index in chosen])
    best = max(metrics.accuracy(member, LABELS) for member in library)
    assert metrics.accuracy(mixed, LABELS) >= best - 1 / len(LABELS) * 1e-9


@given(libraries)
@settings(deadline=None)
def test_greedy_selection_repeats_itself(library: list[Probabilities]) -> None:
    assert ensemble.greedy(library, LABELS) == ensemble.greedy(library, LABELS)


def test_a_member_with_fewer_epochs_holds_its_last() -> None:
    long = np.stack([answers(0.0), answers(0.2), answers(0.4)])
    short = np.stack([answers(1.0)])
    found = ensemble.by_epoch([long, short])
    np.testing.assert_allclose(found[:, 0, 0], [0.5, 0.6, 0.7], atol=1e-6)


@pytest.mark.parametrize(("photos", "drawn"), [(1, 1), (10, 2), (4000, 800)])
def test_a_redrawn_set_is_a_seeded_fifth_of_all_photos(photos: int, drawn: int) -> None:
    rows = ensemble.redrawn_rows(photos, seed=1)
    assert len(set(rows.tolist())) == drawn
    assert rows.tolist() == ensemble.redrawn_rows(photos, seed=1).tolist()
    assert (np.diff(rows) > 0).all()
