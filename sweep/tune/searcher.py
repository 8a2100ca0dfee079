"""The pool as Ray Tune sees it: a searcher that hands out trials and takes up what became of them.

A worker is preferably given backbones that it has built and traced, see `schedule.affinity`, which
foresees what worker Ray takes next; when it is wrong a network is built twice, nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from ray.tune.search import Searcher

from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from search_spaces.refusals import Refusal
from sweep.hardware import Machine
from sweep.process.environment import NeverRestored
from sweep.schedule.affinity import WorkerAffinity
from sweep.schedule.assignment import METRIC, Assignment
from sweep.schedule.disk import DiskBudget
from sweep.schedule.failures import Failures
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies


class PoolSearcher(NeverRestored, Searcher):  # type: ignore[misc]
    """The pool as Ray Tune sees it; also stops handing out trials when a budget is spent.

    Attributes:
        refusal: why the sweep cannot go on, if a worker or the ledger met such a reason.
    """

    def __init__(
        self,
        pool: Pool,
        studies: Studies,
        machine: Machine,
        *,
        spent: Callable[[], bool],
        deadline: float | None = None,
        on_finished: Callable[[TrialRecord], None],
    ) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._pool = pool
        self._studies = studies
        self._max_concurrent = machine.max_concurrent
        self._spent = spent
        self._deadline = deadline
        self._on_finished = on_finished
        self._affinity = WorkerAffinity()
        self._running: dict[str, Assignment] = {}
        self._failures = Failures(pool.finished.values())
        self.refusal: Refusal | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self.refusal or not self._pool.left:
            return str(Searcher.FINISHED)
        if len(self._running) >= self._max_concurrent:
            return None
        try:
            if self._spent():
                return str(Searcher.FINISHED)
            assignment = self._pool.next(self._affinity.penalty)
        except Refusal as refusal:
            self.refusal = refusal
            return str(Searcher.FINISHED)
        if assignment is None:
            return None
        self._running[trial_id] = assignment
        self._affinity.trial_started(assignment.config.backbone)
        return {"assignment": replace(assignment, deadline=self._deadline)}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        assignment, result = self._running.pop(trial_id), result or {}
        worker = None if error else _worker(result)
        self._affinity.trial_ended(assignment.config.backbone, worker)
        try:
            self._finish(assignment.trial_id, result)
        except Refusal as refusal:
            self.refusal = refusal

    def _finish(self, trial_id: TrialId, result: dict[str, Any]) -> None:
        if "refusal" in result:
            raise result["refusal"]
        record = self._pool.finish(trial_id)
        self._studies.add([record])
        self._on_finished(record)
        self._failures.add(record)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""


def _worker(result: dict[str, Any]) -> str | None:
    """Which Ray worker trained a trial; None if it reported nothing."""
    return f"{result['node_ip']} {result['pid']}" if "pid" in result else None


def deadline(machine: Machine) -> float | None:
    """The Unix time, in seconds, at which the time budget that starts now is spent."""
    return None if machine.time_budget is None else time.time() + machine.time_budget


def budget(
    machine: Machine,
    folder: RunFolder,
    until: float | None,
    finished: Callable[[], Collection[TrialRecord]],
) -> Callable[[], bool]:
    """Tells whether the time or the disk that the run may use is spent.

    Args:
        until: the deadline, in Unix time.
        finished: records of trials that are, the latest last.
    """
    disk = DiskBudget(folder, machine.max_disk, machine.max_concurrent, finished)
    return lambda: (until is not None and time.time() > until) or disk.spent()
