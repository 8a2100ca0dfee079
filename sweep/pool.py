"""One pool of trials for all backbones: what Ray Tune is given next, and what became of it.

Trial *n* of a backbone may start when every trial up to *n - lag* is finished, and is suggested
from exactly these. So the list of trials depends on neither timing, kills nor resumes; a backbone
that must wait lets another go first, so that no processor waits for a backbone to end.

Asks the ledger, never Ray: whatever Ray believes of a trial, its record says what happened.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from results.records import FAILED, TrialRecord, trial_name
from results.store import RunFolder
from search_spaces.config import TrialConfig
from search_spaces.refusals import Refusal
from sweep.assignment import METRIC, Assignment
from sweep.environment import NeverRestored
from sweep.halving import cutoffs
from sweep.search import Studies, suggest
from sweep.settings import Machine, Settings

_SECONDS_BETWEEN_LOOKS = 10


class Pool:
    """The trials that are left of a sweep, in the order in which they may start."""

    def __init__(self, folder: RunFolder, settings: Settings, lag: int) -> None:
        self._folder = folder
        self._settings = settings
        self._lag = lag
        self.finished: dict[str, TrialRecord] = {one.trial: one for one in folder.records()}
        self._waiting = [
            (backbone, number)
            for number in range(settings.trials + 1)
            for backbone in settings.backbones
            if number <= settings.searched(backbone)
            and trial_name(backbone, number) not in self.finished
        ]

    @property
    def left(self) -> int:
        """How many trials have not been handed out."""
        return len(self._waiting)

    def next(self) -> Assignment | None:
        """The next trial that may start, its point logged; None if none may or none is left."""
        for place, (backbone, number) in enumerate(self._waiting):
            if self._may_start(backbone, number):
                del self._waiting[place]
                return self._assign(backbone, number)
        return None

    def finish(self, trial: str) -> TrialRecord:
        """Take up the record of a trial that Ray is done with; a missing one is a failure."""
        record = self._folder.read_record(trial)
        if record is None:
            record = self._lost(trial)
            self._folder.write_record(record)
        self.finished[trial] = record
        return record

    def _may_start(self, backbone: str, number: int) -> bool:
        return all(
            trial_name(backbone, earlier) in self.finished
            for earlier in range(number - self._lag + 1)
        )

    def _visible(self, backbone: str, number: int) -> list[TrialRecord]:
        earlier = range(max(0, number - self._lag + 1))
        return [self.finished[trial_name(backbone, one)] for one in earlier]

    def _assign(self, backbone: str, number: int) -> Assignment:
        trial = trial_name(backbone, number)
        history = self._visible(backbone, number)
        config = self._folder.read_suggestion(trial) or self._point(backbone, number, history)
        self._folder.write_suggestion(trial, config)
        stops = number > self._compared and self._settings.early_stopping
        bars = cutoffs(history, config.epochs) if stops else {}
        return Assignment(trial=trial, number=number, config=config, cutoffs=bars)

    def _point(self, backbone: str, number: int, history: list[TrialRecord]) -> TrialConfig:
        baseline = self._settings.baseline(backbone)
        if number == 0:
            return baseline
        if number <= self._compared:
            return replace(baseline, scaling="native")
        earlier = (self._folder.read_suggestion(trial_name(backbone, n)) for n in range(number))
        return suggest(
            self._settings.space,
            baseline,
            number,
            seed=self._settings.seed,
            history=history,
            taken=[one for one in earlier if one is not None],
        )

    @property
    def _compared(self) -> int:
        """Trials up to this number are run in full: the baseline, and where the scaling is searched
        the baseline in the backbone's own scaling, which shows what the paper's X/255 costs."""
        return 1 if "scaling" in self._settings.search else 0

    def _lost(self, trial: str) -> TrialRecord:
        config = self._folder.read_suggestion(trial)
        assert config is not None, "a suggestion is logged before its trial starts"
        return TrialRecord(
            trial=trial,
            number=_number(trial),
            status=FAILED,
            config=config,
            error="the worker process died twice without a record; out of memory?",
        )


def _number(trial: str) -> int:
    name = trial.rsplit("/", 1)[-1]
    return 0 if name == "baseline" else int(name.removeprefix("t"))


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
        on_finished: Callable[[TrialRecord], None],
    ) -> None:
        super().__init__(metric=METRIC, mode="max")
        self._pool = pool
        self._studies = studies
        self._most = machine.max_concurrent
        self._spent = spent
        self._on_finished = on_finished
        self._running: dict[str, str] = {}
        self.refusal: Refusal | None = None

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if self.refusal or not self._pool.left:
            return str(Searcher.FINISHED)
        if len(self._running) >= self._most:
            return None
        if self._spent():
            return str(Searcher.FINISHED)
        try:
            assignment = self._pool.next()
        except Refusal as refusal:
            self.refusal = refusal
            return str(Searcher.FINISHED)
        if assignment is None:
            return None
        self._running[trial_id] = assignment.trial
        return assignment.to_dict()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        trial = self._running.pop(trial_id)
        try:
            self._finish(trial, result or {})
        except Refusal as refusal:
            self.refusal = refusal

    def _finish(self, trial: str, result: dict[str, Any]) -> None:
        if "refusal" in result:
            raise result["refusal"]
        record = self._pool.finish(trial)
        self._studies.add(record)
        self._on_finished(record)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: the ledger is the state."""


def budget(machine: Machine, folder: Path) -> Callable[[], bool]:
    """Tells whether the time or the disk that the run may use is spent."""
    started = time.monotonic()
    looked, used = -math.inf, 0

    def spent() -> bool:
        nonlocal looked, used
        now = time.monotonic()
        if machine.time_budget is not None and now - started > machine.time_budget:
            return True
        if machine.max_disk is None:
            return False
        if now - looked > _SECONDS_BETWEEN_LOOKS:
            looked, used = now, folder_bytes(folder)
        return used > machine.max_disk

    return spent


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total
