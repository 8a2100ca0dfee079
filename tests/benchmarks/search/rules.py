"""The rules that are compared: each proposes trials, is told of every epoch, and may stop a trial.

    random, random + ASHA   points of the box drawn at random; Ray Tune's own ASHAScheduler
    TPE + ASHA              Ray Tune's own OptunaSearch and ASHAScheduler, with their defaults
    Hyperband               KerasTuner's, see `hyperband`
    ours                    the sweep's own pool: order, lag, sampler, bars, heads to start from

Ray is imported where it is needed and never started.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import optuna

from results.ledger.records import EpochRecord, Status, TrialRecord
from search_spaces import paper
from search_spaces.config import TrialConfig
from search_spaces.space import LogUniform, SearchSpace
from sweep.schedule.assignment import Assignment
from sweep.schedule.optuna_trials import distributions
from sweep.schedule.pool import Pool
from tests.benchmarks.search.points import BACKBONE
from tests.sweep.helpers import MemoryFolder, settings

SPACE = SearchSpace()
"""The default space, which every rule searches."""


@dataclass(frozen=True)
class Proposal:
    """A trial that a rule wants.

    Attributes:
        number: of the trial, from 0 in the order of proposals.
        config: what it would train.
        first, last: its epochs; one that goes on with an earlier trial starts after its last.
        goes_on: the number of that earlier trial, or None.
        token: the rule's own.
    """

    number: int
    config: TrialConfig
    first: int
    last: int
    goes_on: int | None = None
    token: Any = None


class Rule(Protocol):
    """What a replay needs of a rule."""

    def propose(self) -> Proposal | None:
        """The next trial; None if there is none now: another may follow a finished one."""

    def goes_on(self, trial: Proposal, epoch: int, accuracy: float) -> bool:
        """Told of an epoch; False stops the trial there."""

    def finish(self, trial: Proposal, accuracies: list[float], losses: list[float]) -> None:
        """Told of a trial's end, with its epochs from `first`; fewer than asked if it diverged."""


def random_configs(epochs: int, seed: int) -> Iterator[TrialConfig]:
    """Points of the box, drawn at random without end."""
    chance, base = np.random.default_rng(seed), paper.baseline(BACKBONE, epochs=epochs)
    while True:
        values: dict[str, Any] = {}
        for one in SPACE.dimensions(BACKBONE):
            if isinstance(one, LogUniform):
                low, high = math.log(one.low), math.log(one.high)
                values[one.name] = math.exp(chance.uniform(low, high))
            else:
                values[one.name] = one.choices[chance.integers(len(one.choices))]
        yield SPACE.configured(base, values)


class Random:
    """Random points, each trained to its end unless `asha` stops it.

    Args:
        asha: Ray's scheduler with its defaults but for the last epoch.
    """

    def __init__(self, trials: int, epochs: int, seed: int, *, asha: bool = False) -> None:
        self._epochs, self._trials, self._next = epochs, trials, 0
        self._configs = random_configs(epochs, seed)
        self._scheduler = _asha(epochs, seed) if asha else None
        self._stubs: dict[int, Any] = {}

    def propose(self) -> Proposal | None:
        if self._next == self._trials:
            return None
        number, self._next = self._next, self._next + 1
        stub = self._stubs[number] = SimpleNamespace(trial_id=f"{number}")
        if self._scheduler:
            self._scheduler.on_trial_add(None, stub)
        return Proposal(number, self.config(number), 1, self._epochs)

    def config(self, number: int) -> TrialConfig:
        """The point of a trial."""
        return next(self._configs)

    def goes_on(self, trial: Proposal, epoch: int, accuracy: float) -> bool:
        if not self._scheduler:
            return True
        told = {"training_iteration": epoch, "accuracy": accuracy}
        action = self._scheduler.on_trial_result(None, self._stubs[trial.number], told)
        return bool(action == "CONTINUE")

    def finish(self, trial: Proposal, accuracies: list[float], losses: list[float]) -> None:
        if self._scheduler:
            last = {"training_iteration": len(accuracies), "accuracy": (accuracies or [0.0])[-1]}
            self._scheduler.on_trial_complete(None, self._stubs[trial.number], last)


def _asha(epochs: int, seed: int) -> Any:
    from ray.tune.schedulers import ASHAScheduler

    np.random.seed(seed)  # draws the bracket, of which there is one
    return ASHAScheduler(metric="accuracy", mode="max", max_t=epochs)


class RaysOptuna(Random):
    """`OptunaSearch` as Ray ships it, told as Ray's loop tells it, with ASHA."""

    def __init__(self, trials: int, epochs: int, seed: int) -> None:
        from ray.tune.search.optuna import OptunaSearch

        super().__init__(trials, epochs, seed, asha=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        space = distributions(SPACE, BACKBONE)
        self._search = OptunaSearch(space=space, metric="accuracy", mode="max", seed=seed)
        self._base = paper.baseline(BACKBONE, epochs=epochs)

    def config(self, number: int) -> TrialConfig:
        return SPACE.configured(self._base, self._search.suggest(f"{number}") or {})

    def goes_on(self, trial: Proposal, epoch: int, accuracy: float) -> bool:
        told = {"training_iteration": epoch, "accuracy": accuracy}
        goes_on = super().goes_on(trial, epoch, accuracy)
        if goes_on and epoch < trial.last:  # Ray tells the searcher of the last result once
            self._search.on_trial_result(f"{trial.number}", told)
        return goes_on

    def finish(self, trial: Proposal, accuracies: list[float], losses: list[float]) -> None:
        super().finish(trial, accuracies, losses)
        told = {"accuracy": accuracies[-1]} if accuracies else None
        self._search.on_trial_complete(f"{trial.number}", told, error=not accuracies)


class Ours:
    """The sweep's own pool over a ledger in memory.

    Args:
        space: its name.
    """

    def __init__(self, trials: int, epochs: int, seed: int, *, space: str = "standard") -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        words = ("--backbones", BACKBONE.lower(), "--space", space)
        asked = settings(*words, trials=trials - 1, epochs=epochs, seed=seed, early_stopping=True)
        self._folder = MemoryFolder()
        self._pool = Pool(self._folder, asked, lag=2)
        self._made = 0

    def propose(self) -> Proposal | None:
        assignment = self._pool.next()
        if assignment is None:
            return None
        number, self._made = self._made, self._made + 1
        config = assignment.config
        return Proposal(number, config, 1, config.epochs, token=assignment)

    def goes_on(self, trial: Proposal, epoch: int, accuracy: float) -> bool:
        return bool(accuracy >= trial.token.cutoffs.get(epoch, -math.inf))

    def finish(self, trial: Proposal, accuracies: list[float], losses: list[float]) -> None:
        self._folder.write_record(_record(trial.token, accuracies, losses, trial.last))
        self._pool.finish(trial.token.trial_id)


def _record(
    assignment: Assignment, accuracies: list[float], losses: list[float], last: int
) -> TrialRecord:
    """A replayed trial as the ledger has it."""
    number, config = assignment.number, assignment.config
    epochs = tuple(
        EpochRecord(at, loss, accuracy, loss, accuracy, config.learning_rate, 1.0)
        for at, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True), start=1)
    )
    cut = assignment.cutoffs.get(len(epochs), -math.inf)
    stopped = bool(epochs) and accuracies[-1] < cut
    if len(epochs) < last and not stopped:
        return TrialRecord(number, Status.FAILED, config, epochs, error="nan", diverged=True)
    best = min(epochs, key=lambda one: (-one.score, one.validation_loss))
    return TrialRecord(
        number=number,
        status=Status.STOPPED_EARLY if stopped else Status.COMPLETED,
        config=config,
        epochs=epochs,
        best_epoch=best.epoch,
        validation_accuracy=best.validation_accuracy,
        validation_loss=best.validation_loss,
    )
