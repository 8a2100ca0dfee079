"""Plays a rule on the table: workers, a clock, and the prices of a side. Nothing is trained."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from search_spaces.config import TrialConfig
from tests.benchmarks.search.points import CUTS, FRESH, HEAD_START, VALIDATION, Row
from tests.benchmarks.search.prices import Prices
from tests.benchmarks.search.rules import Proposal, Rule

CHANCE = 0.5
_OTHER_SCALING, _OTHER_OPTIMIZER, _OTHER_CUT = 16.0, 8.0, 5.0
"""Distances, in decades of the learning rate: its whole range is four."""


class Table:
    """The rows as a replay visits them, each at most once.

    Args:
        diverged_goes_on: trials that diverged go on at chance, as a plain script's do.
    """

    def __init__(
        self, rows: Sequence[Row], epochs: int, seed: int, *, diverged_goes_on: bool
    ) -> None:
        order = np.random.default_rng(seed).permutation(len(rows))
        self._rows = [_whole(rows[at], epochs) if diverged_goes_on else rows[at] for at in order]
        points = [row.point for row in self._rows]
        self._rates = np.log10([one.learning_rate for one in points])
        self._depths = np.array([CUTS.index(one.unfreeze) for one in points])
        self._optimizers = np.array([one.optimizer for one in points])
        self._scalings = np.array([one.scaling for one in points])
        self._starts = np.array([one.start for one in points])
        self._used = np.zeros(len(points))

    def nearest(self, config: TrialConfig) -> Row:
        """The nearest row that was not visited, of the configuration's kind of start; among equals
        the seed decides."""
        start = HEAD_START if config.head_from else FRESH
        away = (
            np.abs(self._rates - math.log10(config.learning_rate))
            + _OTHER_CUT * np.abs(self._depths - CUTS.index(config.unfreeze))
            + _OTHER_OPTIMIZER * (self._optimizers != config.optimizer)
            + _OTHER_SCALING * (self._scalings != config.scaling.value)
        )
        at = int(np.argmin(away + np.where(self._starts == start, self._used, np.inf)))
        if self._used[at]:
            raise ValueError(f"the table has too few trials that start {start}")
        self._used[at] = np.inf
        return self._rows[at]


def _whole(row: Row, epochs: int) -> Row:
    lacking = epochs - len(row.right)
    chance = (round(CHANCE * VALIDATION),) * lacking
    return replace(row, right=row.right + chance, losses=row.losses + (10.0,) * lacking)


@dataclass
class Played:
    """A replay.

    Attributes:
        seconds: to the last trial's end.
        bests: after each finished trial, the best validation accuracy so far.
        course: seconds and best validation accuracy so far, at each improvement.
        trials: proposals with their rows and how many epochs were trained.
        busy: seconds that workers trained, summed.
    """

    seconds: float = 0.0
    bests: list[float] = field(default_factory=list)
    course: list[tuple[float, float]] = field(default_factory=list)
    trials: list[tuple[Proposal, Row, int]] = field(default_factory=list)
    busy: float = 0.0

    def best_at(self, seconds: float) -> float:
        """The best validation accuracy by then; chance before the first."""
        return max((best for at, best in self.course if at <= seconds), default=CHANCE)

    def seconds_to(self, accuracy: float) -> float:
        """Until an accuracy was reached; infinity if it was not."""
        return min((at for at, best in self.course if best >= accuracy), default=math.inf)


@dataclass
class _Running:
    """A trial on a worker; `told` are its epochs from the proposal's first."""

    worker: int
    trial: Proposal
    row: Row
    began: float
    told: int = 0
    stopped: bool = False
    over: bool = False

    @property
    def accuracies(self) -> list[float]:
        first = self.trial.first - 1
        return list(self.row.accuracies[first : first + self.told])

    @property
    def losses(self) -> list[float]:
        first = self.trial.first - 1
        return list(self.row.losses[first : first + self.told])

    @property
    def all_told(self) -> bool:
        """Whether the trial has no further epoch, because it is whole or because it diverged."""
        done = self.trial.first - 1 + self.told
        return done >= min(self.trial.last, len(self.row.right))


def play(rule: Rule, table: Table, prices: Prices, workers: int = 2) -> Played:
    """Run a rule to its end."""
    played, rows = Played(), dict[int, Row]()
    free, tick = list(range(workers)), itertools.count()
    events: list[tuple[float, int, _Running]] = []

    def later(seconds: float, run: _Running) -> None:
        heapq.heappush(events, (seconds, next(tick), run))

    while True:
        while free and (trial := rule.propose()):
            before = trial.goes_on
            row = table.nearest(trial.config) if before is None else rows[before]
            rows[trial.number] = row
            run = _Running(free.pop(0), trial, row, played.seconds)
            begins = played.seconds + prices.start(run.worker, row, played.seconds)
            run.over = run.all_told
            later(begins + (0.0 if run.over else prices.epoch(row)), run)
        if not events:
            return played
        played.seconds, _, run = heapq.heappop(events)
        if run.over:
            _finish(rule, run, played)
            free.append(run.worker)
            continue
        _tell(rule, run, played)
        after = prices.end(run.row, stopped=run.stopped) if run.over else prices.epoch(run.row)
        later(played.seconds + after, run)


def _tell(rule: Rule, run: _Running, played: Played) -> None:
    """An epoch has ended."""
    run.told += 1
    accuracy = run.accuracies[-1]
    if accuracy > (played.course[-1][1] if played.course else 0.0):
        played.course.append((played.seconds, accuracy))
    goes_on = rule.goes_on(run.trial, run.trial.first - 1 + run.told, accuracy)
    run.over = not goes_on or run.all_told
    run.stopped = run.over and not run.all_told


def _finish(rule: Rule, run: _Running, played: Played) -> None:
    accuracies = run.accuracies
    rule.finish(run.trial, accuracies, run.losses)
    played.bests.append(max([*accuracies, *played.bests[-1:]], default=CHANCE))
    played.trials.append((run.trial, run.row, run.told))
    played.busy += played.seconds - run.began
