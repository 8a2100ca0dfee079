"""Time by the clock on a machine that is not there, held against the real pool on a made-up one."""

from __future__ import annotations

import argparse
import dataclasses
import heapq
import random
import statistics
from pathlib import Path

import pytest

from results.ledger.rates import Rates
from search_spaces import paper
from search_spaces.backbones import Scaling
from search_spaces.config import TrialId
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.pool import Pool
from sweep.terminal.arguments import parse_arguments
from sweep.terminal.clock import clock_seconds, elsewhere
from sweep.terminal.plan import BackbonePlan, plan
from tests.sweep.helpers import MemoryFolder, machine, record, settings

COUNTS = {"train": 600, "validation": 200, "test": 200}
SIX = settings("--backbones", "all", "--trials", "12", "--confirm", "2")
ONE = settings("--backbones", "vgg16", "--trials", "12", "--confirm", "2")
SLOWNESS = {name: 1 + at / 2 for at, name in enumerate(SIX.backbones)}
RATES = {
    name: Rates(
        seconds_pass=0.1 * slowness,
        seconds_skipped=None,
        seconds_step=0.02 * slowness,
        bytes_stored=10.0,
    )
    for name, slowness in SLOWNESS.items()
}


def planned(chosen: Settings) -> tuple[BackbonePlan, ...]:
    return plan(chosen, COUNTS, (), RATES)


def played(chosen: Settings, at_once: int, spread: float = 0.0, seed: int = 0) -> float:
    """Seconds of the real pool: trials of one mean, which wait for the features of their scaling.

    Args:
        spread: of a trial's seconds, lognormal.
    """
    chance, folder = random.Random(seed), MemoryFolder()
    scalings = {
        0: Scaling.UNIT,
        1: Scaling.NATIVE,
        2: Scaling.UNIT,
    }  # as `order.first_probe` has them
    for number, trial_id in enumerate(chosen.planned):
        config = dataclasses.replace(
            paper.baseline(trial_id.backbone),
            learning_rate=1e-5 * (1 + number),
            scaling=scalings.get(trial_id.number) or chance.choice(tuple(Scaling)),
        )
        folder.write_suggestion(trial_id.name, config)
    pool = Pool(folder, chosen, at_once)
    filled: dict[tuple[str, str], float] = {}
    running: list[tuple[float, TrialId, Assignment]] = []
    now = 0.0
    while True:
        while len(running) < at_once and (assignment := pool.next()) is not None:
            config = assignment.config
            rates = RATES[config.backbone]
            one_pass = sum(COUNTS.values()) * rates.seconds_pass
            ready = max(now, filled.setdefault((config.backbone, config.scaling), now + one_pass))
            luck = chance.lognormvariate(-(spread**2) / 2, spread)
            took = luck * chosen.epochs * COUNTS["train"] * rates.seconds_step
            heapq.heappush(running, (ready + took, assignment.trial_id, assignment))
        if not running:
            return now
        now, trial_id, assignment = heapq.heappop(running)
        done = record(
            trial_id.backbone,
            trial_id.number,
            (0.5,) * chosen.epochs,
            repeat=trial_id.repeat,
            config=assignment.config,
        )
        folder.write_record(done)
        pool.finish(trial_id)


@pytest.mark.parametrize("at_once", [1, 2, 8, 16])
@pytest.mark.parametrize("chosen", [ONE, SIX], ids=["one backbone", "six backbones"])
def test_equal_trials_take_what_the_pool_takes_for_them_within_a_twentieth(
    chosen: Settings, at_once: int
) -> None:
    assert clock_seconds(planned(chosen), at_once) == pytest.approx(
        played(chosen, at_once), rel=0.05
    )


@pytest.mark.parametrize(("at_once", "short"), [(2, 0.02), (8, 0.15), (16, 0.4)])
def test_where_trials_differ_tenfold_many_at_a_time_take_longer_than_told(
    at_once: int, short: float
) -> None:
    found = statistics.mean(played(SIX, at_once, spread=0.8, seed=seed) for seed in range(10))
    assert (1 - short) * found < clock_seconds(planned(SIX), at_once) < found


def test_one_trial_at_a_time_takes_the_seconds_of_the_work() -> None:
    work = sum(
        one.estimate.seconds_prefix + one.estimate.seconds_trained
        for one in planned(SIX)
        if one.estimate
    )
    assert clock_seconds(planned(SIX), 1) == pytest.approx(work)


def test_what_is_finished_takes_no_time() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "3")
    done = [record("VGG16", number) for number in range(4)]
    assert clock_seconds(plan(chosen, COUNTS, tuple(done), RATES), 2) == 0
    left = clock_seconds(plan(chosen, COUNTS, tuple(done[:3]), RATES), 2)
    assert 0 < left < clock_seconds(plan(chosen, COUNTS, (), RATES), 2)


def test_time_and_cost_are_told_and_what_must_be_typed_for_them() -> None:
    def told(at_once: int, *words: str) -> list[str]:
        words = ("--plan", "--rate-file", "rates.json", "--gpus", "16", *words)
        typed: argparse.Namespace = parse_arguments(words)
        return elsewhere(planned(ONE), machine(Path("/cache"), max_concurrent=at_once), typed)

    seconds = clock_seconds(planned(ONE), 16)
    time, cost, to_type = told(16, "--price-per-hour", "36")
    assert time.startswith("By the clock: ")
    assert cost == f"Cost: {seconds / 100:,.2f} at 36 an hour."
    assert to_type.startswith("Type --max-concurrent 16 there")
    assert len(told(8)) == 1
    assert len(told(16, "--max-concurrent", "16")) == 1
