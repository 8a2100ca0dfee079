"""Runs what is left of a sweep as one pool of Ray Tune trials.

Ray only schedules: which trial comes next is the pool's business, what came out is the ledger's.
Call `sweep.process.environment.set_for_ray` before this module is imported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from ray import tune

from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal
from sweep.process.context import RunContext
from sweep.process.environment import NeverRestored
from sweep.process.ray_watch import ray_died
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from sweep.terminal.eta import Running
from sweep.tune.cluster import ray_started
from sweep.tune.depot import Origin, open_depot
from sweep.tune.nodes import (
    nodes_for_trials,
    nodes_watched,
    refuse_unfit_nodes,
    what_must_agree,
)
from sweep.tune.searcher import PoolSearcher, budget, deadline
from sweep.tune.task import run_trial

_LOG = logging.getLogger(__name__)

_WORKER_DEATHS_FORGIVEN = 1


def run_trials(
    pool: Pool,
    context: RunContext,
    *,
    on_running: Callable[[Running], None],
    on_finished: Callable[[TrialRecord], None],
    say: Callable[[str], None],
    watched: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Train every trial that is left, as far as the budgets go.

    Args:
        on_running: called when a trial starts, ends an epoch or says what it is doing.
        on_finished: called with every new record.
        say: shows a line.
        watched: the time in which Ray's own processes must live.

    Raises:
        EnvironmentRefusal: Ray cannot be started or died, a node of the cluster is unfit, the disk
            is full, weights do not fit.
    """
    folder = RunFolder(context.run)
    studies = Studies(folder.optuna_db, context.settings.space, context.settings.backbones)
    studies.add(pool.finished.values())
    if not pool.left:
        return
    until = deadline(context.machine)
    searcher = PoolSearcher(
        pool,
        studies,
        context.machine,
        spent=budget(context.machine, folder, until, pool.finished.values),
        deadline=until,
        on_finished=on_finished,
    )
    try:
        with ray_started(context.machine, folder, watched):
            if context.machine.address is None:
                _fit(pool, searcher, context, on_running)
            else:
                expected = what_must_agree()
                refuse_unfit_nodes(context.machine, expected)
                origin, _desk = open_depot(context, expected)
                with nodes_watched(lambda: len(nodes_for_trials(context.machine)), say):
                    _fit(pool, searcher, context, on_running, origin)
    finally:
        studies.write()
    if searcher.refusal:
        raise searcher.refusal


def _fit(
    pool: Pool,
    searcher: PoolSearcher,
    context: RunContext,
    on_running: Callable[[Running], None],
    origin: Origin | None = None,
) -> None:
    machine = context.machine
    trainable = tune.with_resources(
        partial(run_trial, context=context, origin=origin),
        {"cpu": machine.cpus_per_trial, "gpu": machine.gpus_per_trial},
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=pool.left,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(RunFolder(context.run).ray),
            verbose=0,
            stop=_RefusalStopper(searcher),
            callbacks=[_Reports(on_running)],
            failure_config=tune.FailureConfig(max_failures=_WORKER_DEATHS_FORGIVEN),
        ),
    )
    try:
        tuner.fit()
    except Refusal:
        raise
    except Exception as fault:
        _LOG.exception("Ray Tune ended with an error")
        reason = next(iter(str(fault).splitlines()), "")[:200]
        raise ray_died(f"{type(fault).__name__}: {reason}", RunFolder(context.run)) from fault


class _RefusalStopper(NeverRestored, tune.Stopper):  # type: ignore[misc]
    """Ends the sweep when there is a reason that concerns every trial."""

    def __init__(self, searcher: PoolSearcher) -> None:
        self._searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._searcher.refusal is not None


class _Reports(NeverRestored, tune.Callback):  # type: ignore[misc]
    """Hands what running trials report to the live table."""

    def __init__(self, on_running: Callable[[Running], None]) -> None:
        self._on_running = on_running
        self._running: dict[str, Running] = {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self._tell(trial, Running(trial.config["assignment"]))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        known = self._running[trial.trial_id]
        if "epoch" in result:
            self._tell(trial, replace(known, epoch=result["epoch"], activity=None))
        elif "activity" in result:
            self._tell(trial, replace(known, activity=result["activity"]))

    def _tell(self, trial: Any, state: Running) -> None:
        self._running[trial.trial_id] = state
        self._on_running(state)
