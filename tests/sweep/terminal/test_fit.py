"""What the plan says of a time budget: nothing that was not measured."""

from __future__ import annotations

import pytest

from results.ledger.rates import Rates
from search_spaces.backbones import backbone_named
from sweep.terminal.fit import time_budget_words
from sweep.terminal.plan import BackbonePlan, plan
from tests.sweep.helpers import settings

COUNTS = {"train": 100, "validation": 20, "test": 20}
NAMES = ("VGG16", "Xception")


def planned(*words: str, rates: bool = True, deep: float = 0.01) -> tuple[BackbonePlan, ...]:
    """A head's epoch takes 0.1 s, any other 1 s: a whole trial 10 s."""
    chosen = settings(
        *("--backbones", "vgg16,xception", "--trials", "12", "--confirm", "2", "--epochs", "10"),
        *("--early-stopping", "none", *words),
    )
    by_point = {
        name: {point: deep if at else deep / 10 for at, point in enumerate(points)}
        for name, points in ((name, backbone_named(name).points) for name in NAMES)
    }
    known = {name: Rates(0.0, None, 0.0, 0.0, by_point[name]) for name in NAMES}
    return plan(chosen, COUNTS, (), known if rates else {})


def test_without_a_budget_or_without_fresh_seeds_nothing_is_said() -> None:
    assert time_budget_words(planned(), (), None, 2) == ""
    assert time_budget_words(planned("--confirm", "0"), (), 60.0, 2) == ""


def test_without_rates_the_fit_is_left_to_what_is_measured() -> None:
    assert "while trials are measured" in time_budget_words(planned(rates=False), (), 600.0, 2)


def test_a_budget_too_short_for_the_fresh_seeds_says_what_they_need() -> None:
    words = time_budget_words(planned(), (), 30.0, 1)
    assert "too short" in words
    assert "--confirm" in words


def test_a_long_budget_has_room_for_all() -> None:
    assert time_budget_words(planned(), (), 3600.0, 1) == "The time budget has room for all of it."


@pytest.mark.parametrize("at_once", [1, 2])
def test_in_between_backbones_get_as_many_searched_trials_as_fit_in_turn(at_once: int) -> None:
    spoken = [time_budget_words(planned(), (), float(s), at_once) for s in range(50, 600, 10)]
    told = [words.split("trials: ")[1].split(". ")[0] for words in spoken if "trials: " in words]
    assert all(" of 12 of VGG16, " in words for words in told)
    counts = [[int(part.split()[0]) for part in words.split(", ")] for words in told]
    assert counts == sorted(counts)
    assert {first - second for first, second in counts} <= {0, 1}
    assert (counts[0][0] <= 7, counts[-1][0]) == (True, 12)
    # So many seconds of work: a head of both takes 1 s, any other trial 10 s.
    seconds = 50 + 10 * spoken.index(next(words for words in spoken if "trials: " in words))
    repeats = 6 * (10 + 2 * (0.75 * (1 * 0.2 + 10 * 0.8) + 0.25)) / 3
    assert seconds * at_once * 0.85 == pytest.approx(2 * (6 * 1 + 10 + repeats), rel=0.15)
