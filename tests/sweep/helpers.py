"""Made-up trials, runs and a sweep without Ray: a worker's records, written through `RunFolder`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from results.ledger.records import EpochRecord, Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces import paper
from search_spaces.config import TrialConfig
from search_spaces.presets import Preset
from search_spaces.settings import Settings
from sweep.hardware import Machine
from sweep.schedule.assignment import Assignment
from sweep.schedule.pool import Pool
from sweep.terminal.arguments import parse_arguments, settings_from

SMALL = Preset("digits", "random", image_size=75, epochs=3, batch_size=32, trials=3, confirm=0)
"""The tests' own, so that the demonstration can change."""

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where many small runs are written: every record is flushed, which a disk takes its time for."""


def settings(*words: str, **changes: Any) -> Settings:
    """Small settings with what is typed put in."""
    return dataclasses.replace(settings_from(parse_arguments(words), SMALL), **changes)


def machine(cache_dir: Path, **changes: Any) -> Machine:
    """Two trials at a time on one processor each."""
    return dataclasses.replace(
        Machine(2, 1, 0.0, 10**9, None, cache_dir, 10**9, None, None), **changes
    )


def record(
    backbone: str,
    number: int,
    accuracies: Sequence[float] = (0.5, 0.6),
    *,
    repeat: int = 0,
    status: Status = Status.COMPLETED,
    config: TrialConfig | None = None,
    diverged: bool = False,
) -> TrialRecord:
    """A finished trial with these validation accuracies, one per epoch."""
    failed = status == Status.FAILED
    best = max(accuracies, default=0.0)
    return TrialRecord(
        number=number,
        repeat=repeat,
        status=status,
        config=config or paper.baseline(backbone),
        epochs=tuple(
            EpochRecord(at, 0.7, 0.5, 0.7, accuracy, 5e-5, 0.1)
            for at, accuracy in enumerate(accuracies, start=1)
        ),
        best_epoch=None if failed else list(accuracies).index(best) + 1,
        validation_accuracy=None if failed else best,
        validation_loss=None if failed else 0.7,
        weights_sha256="" if failed else "a" * 64,
        error="it diverged" if failed else "",
        diverged=diverged,
    )


class MemoryFolder(RunFolder):
    """A run's ledger and suggestions without files, for sweeps that are played by the dozen."""

    def __init__(self, records: Sequence[TrialRecord] = (), root: Path = Path("in-memory")) -> None:
        super().__init__(root)
        self._records = {record.trial: record for record in records}
        self._suggestions: dict[str, TrialConfig] = {}

    def records(self) -> tuple[TrialRecord, ...]:
        return tuple(self._records.values())

    def read_record(self, trial: str) -> TrialRecord | None:
        return self._records.get(trial)

    def write_record(self, record: TrialRecord) -> None:
        self._records[record.trial] = record

    def read_suggestion(self, trial: str) -> TrialConfig | None:
        return self._suggestions.get(trial)

    def write_suggestion(self, trial: str, config: TrialConfig) -> None:
        self._suggestions[trial] = config


def outcome(assignment: Assignment) -> TrialRecord:
    """What training gives: a function of the configuration and the cutoffs, as the real one is.

    Every ninth configuration or so fails; one below a cutoff stops there.
    """
    config = assignment.config
    digits = int(config.key, 16)
    accuracies = [(digits >> shift) % 1000 / 1000 for shift in range(0, 4 * config.epochs, 4)]
    status = Status.FAILED if digits % 9 == 0 else Status.COMPLETED
    for epoch, accuracy in enumerate(accuracies, start=1):
        if status == Status.COMPLETED and accuracy < assignment.cutoffs.get(epoch, 0.0):
            status, accuracies = Status.STOPPED_EARLY, accuracies[:epoch]
    return record(
        config.backbone,
        assignment.number,
        accuracies,
        repeat=assignment.repeat,
        status=status,
        config=config,
    )


def play(
    pool: Pool,
    folder: RunFolder,
    *,
    at_once: int,
    choose: Callable[[list[Assignment]], Assignment],
    steps: int | None = None,
) -> list[Assignment]:
    """Run a pool like Ray would, `at_once` trials at a time; return what was handed out.

    Args:
        choose: given the trials that run, the oldest first, the one that finishes next.
        steps: finished trials after which everything is killed, or None to go on to the end. The
            last one's record is written, but the pool is not told.
    """
    handed: list[Assignment] = []
    running: list[Assignment] = []
    done = 0
    while True:
        while len(running) < at_once and (assignment := pool.next()) is not None:
            handed.append(assignment)
            running.append(assignment)
        if not running:
            return handed
        assignment = choose(running)
        running.remove(assignment)
        folder.write_record(outcome(assignment))
        done += 1
        if done == steps:
            return handed
        pool.finish(assignment.trial_id)
