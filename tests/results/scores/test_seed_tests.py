"""Better, whatever the seed: how often a difference is told where there is none, and where one is.

A made-up photo is right if a network's skill, the photo's ease and chance together are positive.
Ease is shared by all networks, skill by all photos; a seed moves the skill.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from results.scores.metrics import LEVEL, Correct
from results.scores.seed_tests import holm, over_seeds, spread

SEEDS = 3
SEARCHED = 19
EASE = 1.5
"""Standard deviation of a photo's ease, next to 1 of chance."""


def skill(accuracy: float) -> float:
    return float(norm.ppf(accuracy)) * float(np.hypot(1, EASE))


def answers(
    random: np.random.Generator, ease: NDArray[np.float64], skills: NDArray[np.float64]
) -> Correct:
    """[S, ..., n] right answers to n photos per sweep, of networks with these skills, [S, ...]."""
    shaped = ease.reshape(len(ease), *(1,) * (skills.ndim - 1), -1)
    return np.asarray(
        shaped + random.normal(size=(*skills.shape, ease.shape[1])) + skills[..., None] > 0
    )


def sweeps(
    count: int, *, photos: int, accuracy: float, gain: float, seed_points: float
) -> list[tuple[Correct, Correct] | None]:
    """Winner and baseline on the fresh seeds, [K, n] each; None where the baseline itself won.

    Args:
        gain: of every searched configuration over the baseline, a fraction.
        seed_points: standard deviation of the accuracy over seeds, a fraction.
    """
    random = np.random.default_rng(7)
    slope = norm.pdf(norm.ppf(accuracy)) / np.hypot(1, EASE)
    moved = seed_points / slope
    skills = np.full(1 + SEARCHED, skill(accuracy + gain))
    skills[0] = skill(accuracy)
    validation, test = random.normal(0, EASE, (2, count, photos))
    once = skills + random.normal(0, moved, (count, 1 + SEARCHED))
    noisy = answers(random, validation, once).mean(axis=2)
    best_two = 1 + np.argsort(-noisy[:, 1:], axis=1)[:, :2]
    chosen = np.concatenate([np.zeros((count, 1), int), best_two], axis=1)  # [S, 3]
    again = skills[chosen][..., None] + random.normal(0, moved, (count, 3, SEEDS))
    mean = answers(random, validation, again).mean(axis=(2, 3))  # [S, 3]
    right = answers(random, test, again)  # [S, 3, K, n]
    winners = mean.argmax(axis=1)
    return [
        (right[at, winner], right[at, 0]) if winner else None for at, winner in enumerate(winners)
    ]


def better(found: list[tuple[Correct, Correct] | None]) -> float:
    """The share of sweeps of one backbone that say `better`."""
    tests = [over_seeds(*pair) for pair in found if pair is not None]
    told = [test for test in tests if test.p < 1 - LEVEL and test.difference > 0]
    return len(told) / len(found)


@pytest.mark.parametrize(
    ("accuracy", "photos", "seed_points"),
    [(0.9, 200, 0.0), (0.9, 200, 0.03), (0.97, 100, 0.01)],
)
def test_of_1000_sweeps_in_which_nothing_is_better_at_most_5_percent_say_better(
    accuracy: float, photos: int, seed_points: float
) -> None:
    found = sweeps(1000, photos=photos, accuracy=accuracy, gain=0.0, seed_points=seed_points)
    assert sum(pair is not None for pair in found) > 500  # a searched one wins on validation
    assert better(found) <= 0.05


def test_single_seeds_by_photos_alone_would_say_it_far_too_often() -> None:
    """What is guarded against: one network each, as if another seed changed nothing."""
    found = sweeps(1000, photos=200, accuracy=0.9, gain=0.0, seed_points=0.03)
    false = 0
    for winner, baseline in filter(None, found):
        by_photo = winner[0].astype(float) - baseline[0]
        error = by_photo.std(ddof=1) / np.sqrt(len(by_photo))
        false += by_photo.mean() > 1.96 * error
    assert false / len(found) > 0.1


def test_over_six_backbones_at_most_5_percent_of_the_runs_say_better_anywhere() -> None:
    found = sweeps(1200, photos=100, accuracy=0.9, gain=0.0, seed_points=0.03)
    false = 0
    for run in (found[at : at + 6] for at in range(0, len(found), 6)):
        tests = [over_seeds(*pair) for pair in run if pair is not None]
        adjusted = holm([test.p for test in tests])
        told = zip(tests, adjusted, strict=True)
        false += any(p < 1 - LEVEL and test.difference > 0 for test, p in told)
    assert false / 200 <= 0.05


def test_three_points_on_800_photos_are_found_in_most_sweeps() -> None:
    found = sweeps(150, photos=800, accuracy=0.93, gain=0.03, seed_points=0.005)
    assert better(found) > 0.6


def test_no_difference_is_no_difference_and_no_photos_would_tell_it() -> None:
    same = np.array([[True, False, True, True], [True, True, False, True]])
    test = over_seeds(same, same)
    assert (test.difference, test.p, test.photos) == (0.0, 1.0, None)
    assert test.interval.low == -test.interval.high


def test_seeds_that_differ_more_than_the_methods_are_not_helped_by_photos() -> None:
    first = np.ones((2, 40), dtype=bool)
    second = first.copy()
    second[1, :20] = False
    test = over_seeds(first, second)
    assert test.difference == 0.25
    assert test.photos is None
    assert test.interval.low < 0 < test.interval.high


def test_the_photos_that_would_tell_are_those_at_which_the_interval_leaves_zero() -> None:
    first, second = np.ones((3, 100), dtype=bool), np.ones((3, 100), dtype=bool)
    second[:, :3] = False  # three photos, on every seed
    test = over_seeds(first, second)
    assert test.photos is not None
    assert test.interval.low < 0 < test.p
    assert 100 < test.photos < 200
    more = test.photos // 100 + 1
    assert over_seeds(np.tile(first, more), np.tile(second, more)).interval.low > 0


def test_the_sides_are_alike_and_p_agrees_with_the_interval() -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        first, second = random.random((2, 3, 60)) < random.uniform(0.5, 0.95, (2, 1, 1))
        there, back = over_seeds(first, second), over_seeds(second, first)
        assert there.difference == pytest.approx(-back.difference)
        assert there.p == pytest.approx(back.p)
        zero_inside = there.interval.low <= 0 <= there.interval.high
        assert (there.p >= 1 - LEVEL) == zero_inside


@pytest.mark.parametrize("shapes", [((1, 9), (1, 9)), ((3, 9), (2, 9)), ((3, 1), (3, 1))])
def test_one_seed_or_other_photos_are_no_test(
    shapes: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    first, second = (np.ones(shape, dtype=bool) for shape in shapes)
    with pytest.raises(ValueError, match="two seeds and photos"):
        over_seeds(first, second)


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        ([], ()),
        ([0.2], (0.2,)),
        ([0.01, 0.04, 0.03, 0.005], (0.03, 0.06, 0.06, 0.02)),  # Holm's in R's p.adjust
        ([0.5, 0.9], (1.0, 1.0)),
    ],
)
def test_holm_adjusts_as_r_does(values: list[float], adjusted: tuple[float, ...]) -> None:
    assert holm(values) == pytest.approx(adjusted)


def test_a_spread_needs_two_values() -> None:
    with pytest.raises(ValueError, match="two values"):
        spread([0.9])
    assert spread([0.9, 0.8]).deviation == pytest.approx(0.1 / np.sqrt(2))
