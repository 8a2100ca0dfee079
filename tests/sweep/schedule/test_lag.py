"""How much a suggestion sees, and what waiting for it costs the workers (on a clock of its own)."""

from __future__ import annotations

import heapq
import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import paper
from search_spaces.config import TrialId
from sweep.schedule.assignment import Assignment
from sweep.schedule.lag import seen
from sweep.schedule.pool import Pool
from tests.sweep.helpers import MemoryFolder, outcome, settings

SIX = settings("--backbones", "all", "--trials", "20")
NOTHING_WAITS = 1000
"""A lag of more trials than there are."""


@pytest.mark.parametrize(("concurrency", "backbones"), [(1, 1), (1, 6), (2, 6), (2, 1), (8, 1)])
def test_no_more_trials_are_unseen_than_run_besides(concurrency: int, backbones: int) -> None:
    for number in range(concurrency, 100):
        assert seen(number, concurrency=concurrency, backbones=backbones) > number - concurrency


@given(concurrency=st.integers(1, 64), backbones=st.integers(1, 10))
def test_what_is_seen_grows_with_the_number_and_never_reaches_it(
    concurrency: int, backbones: int
) -> None:
    counts = [seen(number, concurrency=concurrency, backbones=backbones) for number in range(200)]
    assert counts[0] == 0
    assert all(0 <= later - count <= 1 for count, later in itertools.pairwise(counts))
    assert all(count <= number for number, count in enumerate(counts))


def test_eight_at_a_time_leave_at_least_two_thirds_of_the_trials_to_be_seen() -> None:
    counts = [seen(number, concurrency=8, backbones=6) for number in range(21)]
    assert counts[:10] == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert sum(count >= 2 for count in counts[2:]) == 17  # of the 19 that are searched
    assert counts[20] == 14
    before = [max(0, number - 7) for number in range(21)]
    assert sum(count >= 3 for count in counts) == 16
    assert sum(count >= 3 for count in before) == 11


def seconds(lag: int, seed: int, at_once: int = 8) -> float:
    """How long a sweep of six backbones takes whose trials' seconds vary tenfold."""
    chance = random.Random(seed)
    folder = MemoryFolder()
    took = {}
    for trial_id in SIX.planned:
        slowness = 1 + SIX.backbones.index(trial_id.backbone) / 2
        took[trial_id] = slowness * chance.lognormvariate(0, 0.8)
        folder.write_suggestion(trial_id.name, paper.baseline(trial_id.backbone))
    pool = Pool(folder, SIX, lag)
    now = 0.0
    running: list[tuple[float, TrialId, Assignment]] = []
    while True:
        while len(running) < at_once and (assignment := pool.next()) is not None:
            heapq.heappush(
                running, (now + took[assignment.trial_id], assignment.trial_id, assignment)
            )
        if not running:
            return now
        now, trial_id, assignment = heapq.heappop(running)
        folder.write_record(outcome(assignment))
        pool.finish(trial_id)


def test_waiting_for_what_a_suggestion_sees_costs_the_workers_little() -> None:
    longer = [seconds(8, seed) / seconds(NOTHING_WAITS, seed) - 1 for seed in range(30)]
    assert statistics.mean(longer) < 0.06
