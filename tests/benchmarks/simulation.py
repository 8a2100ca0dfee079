"""A sweep without training: the real driver on a clock of its own.

That is pool, Optuna, ledger, time budget, and the live table as a log has it.

Workers are made up: a trial takes the seconds that such a trial was measured to take. Whatever the
driver does is real, takes real processor time, and moves the clock, since no worker is given a
trial meanwhile.
"""

from __future__ import annotations

import heapq
import io
import math
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console

from results.ledger.anatomy import Anatomy
from results.ledger.records import Cost, EpochRecord, Predictions, Status, TrialRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from search_spaces.backbones import backbone_named
from search_spaces.config import TrialId
from search_spaces.settings import Settings
from search_spaces.space import Categorical
from sweep.schedule.assignment import Assignment
from sweep.schedule.pool import Pool
from sweep.schedule.reserve import Reserve
from sweep.schedule.studies import Studies
from sweep.terminal.eta import Running
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import plan
from sweep.tune.searcher import PoolSearcher
from tests.results.helpers import counted
from tests.sweep.helpers import machine

SECONDS_PER_EPOCH = {
    "EfficientNetB0": {"block5c_drop": 2.93, "block5a_expand_conv": 3.04, "block4a": 4.41},
    "InceptionV3": {"head": 0.13, "mixed8": 1.44},
    "InceptionResNetV2": {"block8_1_mixed": 4.11, "block17_11_mixed": 7.53},
    "ResNet50": {"conv5_block1_1_conv": 6.07, "conv4_block4_1_conv": 6.86},
    "VGG16": {"head": 0.16, "block5_conv1": 3.24},
    "Xception": {"head": 0.04, "block14_sepconv1": 1.94},
}
"""Of the demonstration (360 training photos, 75 px), one thread a trial, on two busy cores."""

_PHOTOS = {"train": 360, "validation": 200, "test": 200}
_NO_HURRY = 1e9
"""Seconds of a time budget that is looked at before every trial, and has room for all."""

_T = TypeVar("_T")


@dataclass
class Played:
    """What a sweep took.

    Attributes:
        seconds: by the clock of the simulation.
        busy: worker-seconds that trained.
        handed_out: when a worker was given the last trial; idleness until then is the driver's.
        busy_until_then: worker-seconds up to there.
        driver: processor seconds of the driver per trial, in the order of their ends.
    """

    workers: int
    seconds: float = 0.0
    busy: float = 0.0
    handed_out: float = 0.0
    busy_until_then: float = 0.0
    driver: list[float] = field(default_factory=list)

    @property
    def idle(self) -> float:
        """Share of the workers' time, to the end of the last trial."""
        return 1 - self.busy / (self.workers * self.seconds)

    @property
    def idle_while_trials_were_left(self) -> float:
        return 1 - self.busy_until_then / (self.workers * self.handed_out)


class _Clock:
    """Tells the simulation's seconds; the driver's work moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.worked = 0.0

    def moved_by(self, work: Callable[[], _T]) -> _T:
        started = time.process_time()
        done = work()
        took = time.process_time() - started
        self.now += took
        self.worked += took
        return done


def play(
    folder: RunFolder,
    settings: Settings,
    workers: int,
    commit: Callable[[RunFolder, Assignment], TrialRecord],
) -> Played:
    """Run what is left of a sweep on so many workers.

    Args:
        commit: what a worker does, on no clock: writes a trial's record and returns it.
    """
    studies = Studies(folder.optuna_db, settings.space, settings.backbones)
    clock, played = _Clock(), Played(workers)
    plans = plan(settings, _PHOTOS)
    table = LiveTable(Console(file=io.StringIO()), plans, at_once=workers, clock=lambda: clock.now)
    courses = {one.name: one.course for one in plans}
    reserve = Reserve(settings, courses, _NO_HURRY, workers, lambda: clock.now)
    searcher = PoolSearcher(
        Pool(folder, settings, workers, reserve),
        studies,
        machine(folder.root, max_concurrent=workers),
        spent=lambda: False,
        on_finished=table.finished,
    )
    free = deque(range(workers))
    running: list[tuple[float, float, str, int]] = []
    spans: list[tuple[float, float]] = []
    while True:
        while free:
            name = f"{len(spans)}"
            given = clock.moved_by(lambda name=name: searcher.suggest(name))  # type: ignore[misc]
            if not isinstance(given, dict):
                break
            started = Running(given["assignment"])
            clock.moved_by(lambda started=started: table.running(started))  # type: ignore[misc]
            took = commit(folder, given["assignment"]).cost.seconds_total
            spans.append((clock.now, clock.now + took))
            heapq.heappush(running, (clock.now + took, clock.now, name, free.popleft()))
        if not running:
            break
        end, _, name, worker = heapq.heappop(running)
        clock.now = max(clock.now, end)
        result = {"node_ip": "", "pid": worker}
        clock.moved_by(lambda name=name, of=result: searcher.on_trial_complete(name, of))  # type: ignore[misc]
        free.append(worker)
        played.driver.append(clock.worked)
        clock.worked = 0.0
    clock.moved_by(studies.write)
    played.seconds, played.busy = clock.now, sum(end - start for start, end in spans)
    played.handed_out = max(start for start, _ in spans) or math.inf
    played.busy_until_then = sum(min(end, played.handed_out) - start for start, end in spans)
    return played


def outcome(assignment: Assignment, photos: int = 200) -> TrialRecord:
    """A made-up trial: a function of its configuration and its bars.

    Rates around 10^-4 are best, deeper unfreezing helps a little, large rates diverge, and luck is
    a few photos. Seconds are those of `SECONDS_PER_EPOCH`.
    """
    config, number = assignment.config, assignment.number
    luck = np.random.default_rng(int(config.key, 16) % 2**32)
    points = backbone_named(config.backbone).points
    rate, depth = math.log10(config.learning_rate), points.index(config.unfreeze)
    per_epoch = seconds_per_epoch(config.backbone, config.unfreeze)
    if rate > -2.2 and depth > 1:
        cost = Cost(seconds_training=per_epoch, seconds_total=per_epoch)
        return TrialRecord(number, Status.FAILED, config, cost=cost, error="nan", diverged=True)
    skill = 0.9 - 0.06 * (rate + 4) ** 2 + 0.01 * depth
    epochs: list[EpochRecord] = []
    status = Status.COMPLETED
    for epoch in range(1, config.epochs + 1):
        share = skill * (1 - 0.5 / epoch) + luck.normal(0, 0.02)
        accuracy = round(photos * min(1.0, max(0.1, share))) / photos
        epochs.append(EpochRecord(epoch, 0.7, share, 1.1 - accuracy, accuracy, 1e-4, per_epoch))
        if accuracy < assignment.cutoffs.get(epoch, -math.inf):
            status = Status.STOPPED_EARLY
            break
    best = min(epochs, key=lambda one: (-one.score, one.validation_loss))
    seconds = len(epochs) * per_epoch
    return TrialRecord(
        number=number,
        status=status,
        config=config,
        epochs=tuple(epochs),
        best_epoch=best.epoch,
        validation_accuracy=best.validation_accuracy,
        validation_loss=best.validation_loss,
        cost=Cost(seconds_training=seconds, seconds_total=seconds + 0.3, photos_trained=360),
        anatomy=Anatomy(10, depth, 1000, 500, 100, config.unfreeze, ("pool",), 0),
    )


def seconds_per_epoch(backbone: str, unfreeze: str) -> float:
    """As measured at this point, or at the measured one that is next to it in depth."""
    points = backbone_named(backbone).points
    measured = SECONDS_PER_EPOCH[backbone]
    named = {points.index(next(p for p in points if p.startswith(key))): key for key in measured}
    nearest = min(named, key=lambda at: abs(at - points.index(unfreeze)))
    return measured[named[nearest]]


def commit_record(folder: RunFolder, assignment: Assignment) -> TrialRecord:
    """Write a trial's record alone."""
    record = outcome(assignment)
    folder.write_record(record)
    return record


def drawn(settings: Settings, trial_id: TrialId) -> Assignment:
    """A trial at a random point, for ledgers that no search has made."""
    chance, baseline = random.Random(trial_id.name), settings.baseline(trial_id.backbone)
    params = {
        dimension.name: chance.choice(dimension.choices)
        if isinstance(dimension, Categorical)
        else math.exp(chance.uniform(math.log(dimension.low), math.log(dimension.high)))
        for dimension in settings.space.dimensions(trial_id.backbone)
    }
    config = settings.space.configured(baseline, params) if trial_id.number else baseline
    return Assignment(trial_id.number, config, cutoffs={2: 0.4})


def commit_answers(folder: RunFolder, assignment: Assignment, split: Split) -> TrialRecord:
    """Write a trial's record with answers that agree with it, as a report reads them."""
    record = outcome(assignment)
    if record.best_epoch is not None and record.validation_accuracy is not None:
        labels = {
            part: split.labels[split.indices(part)] for part in ("train", "validation", "test")
        }
        answers = {
            part: counted(of, round(record.validation_accuracy * len(of)), 2)
            for part, of in labels.items()
        }
        by_epoch = np.repeat(answers["validation"][None], len(record.epochs), axis=0)
        predictions = Predictions(answers["train"], answers["validation"], by_epoch)
        weights = {"dense/kernel": np.ones((2, 2))}
        digest = folder.write_artefacts(record.trial, predictions, answers["test"], weights)
        record = replace(record, weights_sha256=digest)
    folder.write_record(record)
    return record


def temporary(path: Path) -> RunFolder:
    """A folder for a run, made."""
    path.mkdir(parents=True)
    return RunFolder(path)
