"""The body of a Ray task: hands a trial to a training process and reports its epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray import tune

from results.records import FAILED, EpochRecord
from results.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.assignment import METRIC, Assignment
from sweep.job import Job
from sweep.trainer import Trainer, TrainerDied

_TRAINERS: dict[Path, Trainer] = {}
"""Of this Ray worker, by run: it is reused for trial after trial."""


def run_trial(assigned: dict[str, Any], *, job: Job) -> None:
    """Train one trial, whose record is then in the ledger; one that has a record ends at once.

    What makes the whole sweep impossible (a full disk, weights that do not fit) is reported to the
    driver as `refusal` and leaves no record, so that a resume trains the trial again.

    Raises:
        RuntimeError: the training failed and was recorded as failed.
        TrainerDied: the training process died without a record; Ray tries once more.
    """
    assignment = Assignment.from_dict(assigned)

    def report(epoch: EpochRecord) -> None:
        tune.report({METRIC: epoch.validation_accuracy, "epoch": epoch.epoch})

    record = RunFolder(job.run).read_record(assignment.trial)
    if record is None:
        trainer = _TRAINERS.get(job.run) or Trainer(job)
        _TRAINERS[job.run] = trainer
        try:
            record = trainer.train(assignment, report)
        except EnvironmentRefusal as refusal:
            tune.report({METRIC: 0.0, "refusal": [refusal.what, refusal.where, refusal.fix]})
            return
        except TrainerDied:
            del _TRAINERS[job.run]
            raise
        if trainer.is_too_large:
            trainer.close()
            del _TRAINERS[job.run]
    if record.status == FAILED:
        raise RuntimeError(f"{record.trial}: {record.error}")
