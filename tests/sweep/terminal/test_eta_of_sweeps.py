"""What the live table tells is left, against what was left, on sweeps with a clock of their own.

Heads first, deep trials later, then repeats; seconds depend on backbone and unfreeze point.
"""

from __future__ import annotations

import heapq
import io
import itertools
import logging
import math
import random
import statistics
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from results.ledger.anatomy import Anatomy, Work
from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from search_spaces.backbones import HEAD, SCALINGS, Scaling, backbone_named
from search_spaces.config import TrialConfig
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.course import Course
from sweep.schedule.order import order_of
from sweep.schedule.pool import Pool
from sweep.schedule.reserve import Reserve
from sweep.terminal.eta import Running
from sweep.terminal.forecasts import Forecast, Forecasts
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import plan
from tests.sweep.helpers import MemoryFolder, record, settings

COUNTS = {"train": 240, "validation": 80, "test": 80}
SWEEPS: dict[str, tuple[tuple[str, ...], int]] = {
    "six backbones": (("--backbones", "all", "--trials", "20", "--confirm", "3"), 5),
    "two backbones": (("--backbones", "vgg16,xception", "--trials", "12", "--confirm", "3"), 15),
    "one backbone": (("--backbones", "xception", "--trials", "20", "--confirm", "3"), 15),
    "no repeats": (("--backbones", "vgg16,xception", "--trials", "20", "--confirm", "0"), 15),
}


PASS = 10**12
"""Multiply-adds of the pass that fills the store."""


def share_trained(backbone: str, unfreeze: str) -> float:
    """Of an epoch of the whole network, what one from an unfreeze point takes."""
    points = backbone_named(backbone).points
    depth = points.index(unfreeze) / (len(points) - 1)
    return 0.01 if unfreeze == HEAD else 0.2 + 0.8 * depth


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """How long everything takes: a head's epoch a hundredth of the deepest one's."""

    chosen: Settings
    chance: random.Random

    def __post_init__(self) -> None:
        names = self.chosen.backbones
        self.slowness = {name: self.chance.uniform(1, 4) for name in names}
        self.misled = {name: random.Random(name).uniform(0.6, 1.6) for name in names}
        self.filled: set[tuple[str, Scaling]] = set()

    def suggested(self, name: str, number: int) -> TrialConfig:
        """The baseline, a head, or any point; half of the later ones a backbone's favourite."""
        baseline = self.chosen.baseline(name)
        if number == 0:
            return baseline
        points = backbone_named(name).points
        if number <= order_of(self.chosen, name).probes:
            unfreeze = HEAD
        elif number > 8 and self.chance.random() < 0.5:
            unfreeze = points[len(name) % len(points)]
        else:
            unfreeze = self.chance.choice(points)
        rate = self.chance.uniform(1e-5, 1e-3)
        scaling = SCALINGS[number % 2]
        return replace(baseline, unfreeze=unfreeze, learning_rate=rate, scaling=scaling)

    def epoch(self, config: TrialConfig) -> float:
        share = share_trained(config.backbone, config.unfreeze)
        return self.slowness[config.backbone] * share * self.chance.lognormvariate(0, 0.15)

    def anatomy(self, backbone: str) -> Anatomy:
        """Its layers take longer, or less long, than their multiply-adds say."""
        per_share = self.misled[backbone] * PASS / (6 * COUNTS["train"])
        work = {
            point: Work(round(per_share * share_trained(backbone, point)), 0)
            for point in backbone_named(backbone).points
        }
        return Anatomy(0, 0, 0, 0, 0, "", (), 0, by_point=work)

    def outcome(self, assignment: Assignment) -> TrialRecord:
        """Curves that rise to a height of their own; deep trials stand a little higher."""
        config = assignment.config
        height = self.chance.uniform(0.6, 0.9) + 0.05 * (config.unfreeze != HEAD)
        curve = [height * (1 - math.exp(-epoch / 2)) for epoch in range(1, config.epochs + 1)]
        below = (
            epoch
            for epoch, accuracy in enumerate(curve, start=1)
            if accuracy < assignment.cutoffs.get(epoch, 0.0)
        )
        stop = next(below, None)
        status = Status.COMPLETED if stop is None else Status.STOPPED_EARLY
        return record(
            config.backbone,
            assignment.number,
            curve[:stop],
            repeat=assignment.repeat,
            status=status,
            config=config,
        )

    def features(self, config: TrialConfig) -> float:
        place = config.backbone, config.scaling
        if place in self.filled:
            return 0.0
        self.filled.add(place)
        return self.slowness[config.backbone] * 2


def played(chosen: Settings, seed: int) -> LiveTable:
    """A whole sweep as the live table follows it."""
    return played_in(MemoryFolder(), chosen, seed)[0]


def played_in(
    folder: MemoryFolder,
    chosen: Settings,
    seed: int,
    *,
    budget: float = math.inf,
    reserves: bool = False,
    at_once: int = 2,
) -> tuple[LiveTable, Pool]:
    """A sweep, with what is left of it when the time budget is spent."""
    world, clock = World(chosen, random.Random(seed)), Clock()
    for trial in chosen.planned:
        folder.write_suggestion(trial.name, world.suggested(trial.backbone, trial.number))
    courses = {name: Course.of(chosen, name) for name in chosen.backbones}
    reserve = Reserve(chosen, courses, budget, at_once, clock) if reserves else None
    pool = Pool(folder, chosen, at_once, reserve)
    table = LiveTable(
        Console(file=io.StringIO()), plan(chosen, COUNTS), at_once=at_once, clock=clock
    )
    order = itertools.count()
    events: list[tuple[float, int, Assignment, int, float]] = []
    begun: dict[str, tuple[float, float, TrialRecord]] = {}
    while True:
        while len(begun) < at_once and clock.now < budget:
            if (assignment := pool.next()) is None:
                break
            fills = world.features(assignment.config)
            begun[assignment.trial_id.name] = clock.now, fills, world.outcome(assignment)
            table.running(Running(assignment))
            seconds = world.epoch(assignment.config)
            heapq.heappush(
                events, (clock.now + fills + seconds, next(order), assignment, 1, seconds)
            )
        if not events:
            table.ended()
            return table, pool
        clock.now, _, assignment, epoch, seconds = heapq.heappop(events)
        started, fills, trained = begun[assignment.trial_id.name]
        ended = EpochRecord(epoch, 0.7, 0.5, 0.7, 0.5, 1e-4, seconds)
        table.running(Running(assignment, ended))
        if epoch < len(trained.epochs) and clock.now >= budget:
            cut = trained.epochs[:epoch]
            trained = replace(trained, status=Status.OUT_OF_TIME, epochs=cut)
        elif epoch < len(trained.epochs):
            then = clock.now + seconds
            heapq.heappush(events, (then, next(order), assignment, epoch + 1, seconds))
            continue
        del begun[trained.trial]
        cost = Cost(
            seconds_total=clock.now - started,
            seconds_features=fills,
            seconds_prefix=fills,
            multiply_adds_prefix=PASS if fills else 0,
            photos_trained=len(trained.epochs) * COUNTS["train"],
        )
        anatomy = world.anatomy(assignment.config.backbone)
        folder.write_record(replace(trained, cost=cost, anatomy=anatomy))
        table.finished(pool.finish(assignment.trial_id))


@pytest.mark.parametrize(("words", "seeds"), SWEEPS.values(), ids=SWEEPS.keys())
def test_after_a_fifth_of_the_time_the_rest_is_told_within_a_quarter(
    words: tuple[str, ...], seeds: int
) -> None:
    chosen = settings(*words, "--epochs", "10")
    tables = [played(chosen, seed) for seed in range(seeds)]
    for share in (0.2, 0.5):
        told = [one for table in tables if (one := table.forecast(share)) is not None]
        assert len(told) == seeds
        assert statistics.median(abs(one.error) for one in told) < 0.25


def test_what_was_told_and_what_was_true_are_logged_when_all_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="sweep.terminal.live")
    table = played(settings("--backbones", "vgg16", "--trials", "12", "--epochs", "10"), 1)
    first, second = caplog.messages
    told = table.forecast(0.2)
    assert told is not None
    assert first.startswith("after a fifth of ")
    assert first.endswith(f"off by {100 * told.error:+.0f} % of what was left")
    assert second.startswith("after half of ")


def test_of_a_sweep_that_is_cut_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="sweep.terminal.live")
    chosen = settings("--backbones", "vgg16", "--trials", "4")
    LiveTable(Console(file=io.StringIO()), plan(chosen, COUNTS)).ended()
    assert caplog.messages == []


def test_a_forecast_is_the_last_before_its_time() -> None:
    forecasts = Forecasts()
    assert forecasts.after(0.2, 100.0) is None
    for elapsed, left in ((10.0, 70.0), (19.0, 60.0), (30.0, 70.0)):
        assert forecasts.is_due(elapsed)
        forecasts.note(elapsed, left)
    assert not forecasts.is_due(30.5)
    told = forecasts.after(0.2, 100.0)
    assert told == Forecast(19.0, told=60.0, left=81.0)
    assert told.error == pytest.approx(60 / 81 - 1)
