"""Stands in for `sweep.tune.runner`: the same pool and ledger, no Ray, and a trainer that takes
milliseconds and writes real artefacts.

What a trial comes to is a function of its configuration and cutoffs, as with the real trainer, so
that two sweeps can be compared file by file, bytes and all.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from results.ledger.arrays import Probabilities
from results.ledger.records import Predictions, Status, TrialRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal
from sweep.process.context import RunContext
from sweep.schedule.assignment import Assignment
from sweep.schedule.disk import DiskBudget
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from sweep.terminal.eta import Running
from tests.results.helpers import Trial, write_trial
from tests.sweep.helpers import outcome

CLASSES = 2
_DESCRIPTORS = 1024
_SECONDS_BETWEEN_LOOKS = 0.01


@dataclass(frozen=True)
class Local:
    """How trials are run.

    Attributes:
        journal: a file that gets a line per training that begins; it is not the run's.
        order: seeds which of the running trials ends next.
        processes: whether trials are trained in processes of their own, as with Ray.
        mirror: whether `optuna.db` is written, which takes longer than all else together.
        hold: while this file is there, no training begins.
    """

    journal: Path
    order: int = 0
    processes: bool = False
    mirror: bool = False
    hold: Path | None = None

    def run_trials(
        self,
        pool: Pool,
        context: RunContext,
        *,
        on_running: Callable[[Running], None],
        on_finished: Callable[[TrialRecord], None],
        say: Callable[[str], None],
        watched: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """As `sweep.tune.runner.run_trials`."""
        add = self._mirror(pool, context)
        crew = _Processes(self, context) if self.processes else _Inline(self, context)
        most, folder = context.machine.max_concurrent, RunFolder(context.run)
        disk = DiskBudget(folder, context.machine.max_disk, most, pool.finished.values)
        while True:
            while crew.busy < most and not disk.spent() and (assignment := pool.next()) is not None:
                on_running(Running(assignment))
                crew.start(assignment)
            if not crew.busy:
                return
            record = pool.finish(crew.finished().trial_id)
            add(record)
            on_finished(record)

    def _mirror(self, pool: Pool, context: RunContext) -> Callable[[TrialRecord], None]:
        if not self.mirror:
            return lambda _: None
        settings, folder = context.settings, RunFolder(context.run)
        studies = Studies(folder.optuna_db, settings.space, settings.backbones)
        studies.add(pool.finished.values())

        def add(record: TrialRecord) -> None:
            studies.add([record])
            studies.write()

        return add

    def train(self, assignment: Assignment, folder: RunFolder, split: Split) -> None:
        """Train a trial and commit it, as `sweep.process.worker.train_and_commit`; one that has a
        record ends at once, as in `sweep.tune.task`.
        """
        trial = assignment.trial_id.name
        while self.hold is not None and self.hold.exists():
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        if folder.read_record(trial) is not None:
            return
        _note(self.journal, trial)
        record = outcome(assignment)
        if record.status == Status.FAILED:
            folder.write_failure(trial, "Traceback: made up\n")
        else:
            predictions, test = _answers(record, split)
            weights = {"head/kernel": test, "head/bias": np.arange(CLASSES, dtype=np.float32)}
            digest = folder.write_artefacts(trial, predictions, test, weights)
            record = replace(record, weights_sha256=digest)
        folder.write_record(record)


class Reportable(Local):
    """Trials whose records are what their predictions say, as a report demands."""

    def train(self, assignment: Assignment, folder: RunFolder, split: Split) -> None:
        config = assignment.config
        trial = Trial(
            config.backbone,
            assignment.number,
            repeat=assignment.repeat,
            epochs=config.epochs,
            changes=vars(config),
        )
        metric = folder.read_run().settings.metric
        write_trial(folder, trial, split, int(split.labels.max()) + 1, metric)


def _note(journal: Path, trial: str) -> None:
    handle = os.open(journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{trial}\n".encode())
    os.close(handle)


def _answers(record: TrialRecord, split: Split) -> tuple[Predictions, Probabilities]:
    """Probabilities by the configuration alone, of the shapes that the split asks for."""
    seed = hashlib.sha256(record.config.key.encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed, "big"))

    def of(*shape: int) -> Probabilities:
        raw = rng.random((*shape, CLASSES))
        shares: Probabilities = (raw / raw.sum(axis=-1, keepdims=True)).astype(np.float32)
        return shares

    counts = split.counts()
    by_epoch = of(len(record.epochs), counts["validation"])
    best = by_epoch[(record.best_epoch or 1) - 1]
    return Predictions(of(counts["train"]), best, by_epoch), of(counts["test"])


class _Inline:
    """Trials in this process: each is trained when it is its turn to end."""

    def __init__(self, local: Local, context: RunContext) -> None:
        self._local = local
        self._folder = RunFolder(context.run)
        self._split = self._folder.read_split()
        self._random = random.Random(local.order)
        self._running: list[Assignment] = []

    @property
    def busy(self) -> int:
        return len(self._running)

    def start(self, assignment: Assignment) -> None:
        self._running.append(assignment)

    def finished(self) -> Assignment:
        assignment = self._running.pop(self._random.randrange(len(self._running)))
        self._local.train(assignment, self._folder, self._split)
        return assignment


class _Processes:
    """Trials in processes that are kept for trial after trial; one that died is replaced, and its
    trial tried once more."""

    def __init__(self, local: Local, context: RunContext) -> None:
        self._local = local
        self._folder = RunFolder(context.run)
        self._split = self._folder.read_split()
        self._holder = context.holder
        self._free: list[Connection] = []
        self._running: dict[Connection, tuple[Assignment, int]] = {}

    @property
    def busy(self) -> int:
        return len(self._running)

    def start(self, assignment: Assignment, attempts: int = 1) -> None:
        trainer = self._free.pop() if self._free else self._forked()
        self._running[trainer] = (assignment, attempts)
        with suppress(ConnectionError):  # it was killed while it was free: `finished` will see
            trainer.send(assignment)

    def finished(self) -> Assignment:
        while True:
            trainer = next(iter(wait(list(self._running))))
            assert isinstance(trainer, Connection)
            assignment, attempts = self._running.pop(trainer)
            try:
                answer = trainer.recv()
            except (EOFError, ConnectionError):
                trainer.close()
                if attempts > 1:
                    return assignment
                self.start(assignment, attempts + 1)
                continue
            self._free.append(trainer)
            if isinstance(answer, Refusal):
                raise answer
            return assignment

    def _forked(self) -> Connection:
        ours, theirs = Pipe()
        if os.fork():
            theirs.close()
            return ours
        # As after an `exec`: the driver's lock must not outlive it in here.
        kept = theirs.fileno()
        os.closerange(3, kept)
        os.closerange(kept + 1, _DESCRIPTORS)
        with suppress(EOFError, ConnectionError, Refusal):  # a refusal: another driver took over
            self._serve(theirs)
        os._exit(0)

    def _serve(self, connection: Connection) -> None:
        """Train what the driver sends until it hangs up, as `sweep.process.worker.serve`."""
        with self._folder.training(self._holder):
            while True:
                assignment = connection.recv()
                try:
                    self._local.train(assignment, self._folder, self._split)
                except Refusal as refusal:
                    connection.send(refusal)
                else:
                    connection.send(None)
