"""Two attempts at a trial: a training process that dies, hangs or lacks memory gets a second one.

After a lack of memory the second attempt has half the batch, and the learning rate that goes with
it (Goyal et al., "Accurate, Large Minibatch SGD", 2017: the rate is proportional to the batch).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from results.ledger.records import EpochRecord, TrialRecord
from results.ledger.store import RunFolder
from sweep.process.activity import Activity
from sweep.process.context import RunContext
from sweep.process.trainer import MemoryLacking, Trainer, TrainerDied
from sweep.schedule.assignment import Assignment

_LOG = logging.getLogger(__name__)

_TRAINERS: dict[Path, Trainer] = {}
"""Of this process, by run: each is used for trial after trial."""


def train(
    assignment: Assignment,
    context: RunContext,
    report: Callable[[EpochRecord], None],
    show: Callable[[Activity], None],
    *,
    start: Callable[[RunContext], Trainer] = Trainer,
) -> TrialRecord:
    """Train a trial in a process of its own; returns its record, which is in the ledger.

    Args:
        report, show: see `Trainer.train`.
        start: starts a training process.

    Raises:
        Refusal: a reason that concerns every trial; nothing was recorded.
    """
    try:
        with _trainer(context, start) as trainer:
            return trainer.train(assignment, report, show)
    except TrainerDied as fault:
        first = fault
    _LOG.warning("%s: %s; it is tried once more", assignment.trial_id, first)
    second = assignment
    if isinstance(first, MemoryLacking):
        if assignment.config.batch_size == 1:
            return _given_up(assignment, context, f"{first}, with a batch of one photo")
        second = replace(assignment, batch_halved=True)
    show(Activity("trying once more"))
    try:
        with _trainer(context, start) as trainer:
            return trainer.train(second, report, show)
    except TrainerDied as again:
        return _given_up(second, context, f"{again}; at the first attempt: {first}")


def _given_up(assignment: Assignment, context: RunContext, error: str) -> TrialRecord:
    record = assignment.failed(error)
    RunFolder(context.run).write_record(record)
    return record


@contextmanager
def _trainer(context: RunContext, start: Callable[[RunContext], Trainer]) -> Iterator[Trainer]:
    """This process's trainer; one that has grown, or was left in mid-trial, is ended."""
    trainer = _TRAINERS.pop(context.run, None) or start(context)
    try:
        yield trainer
    except BaseException:
        trainer.kill()
        raise
    if trainer.is_too_large:
        trainer.close()
    else:
        _TRAINERS[context.run] = trainer
