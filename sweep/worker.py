"""The one file of this room that reaches into `trainables`, and late: bodies of Ray tasks, and the
light steps (photos, weights) that come before them.

A worker process is reused for trial after trial, so that TensorFlow is imported once and networks
are built once. `Job` says what all trials of a run share; Ray hands over the rest per trial.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.records import FAILED, EpochRecord, TrialRecord
from results.runs import Split
from results.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.assignment import METRIC, Assignment
from sweep.settings import Machine, Settings

if TYPE_CHECKING:
    from trainables.bench import Bench
    from trainables.datasets import Dataset
    from trainables.frozen import TrainingData
    from trainables.progress import Progress
    from trainables.weights import Weights


@dataclass(frozen=True)
class Job:
    """What all trials of a run share.

    Attributes:
        run: the run's folder.
        dataset: the dataset's HDF5 file.
        weights: resolved.
        settings, machine: the run's.
    """

    run: Path
    dataset: Path
    weights: Weights
    settings: Settings
    machine: Machine


def open_photos(settings: Settings, machine: Machine, progress: Progress) -> tuple[Dataset, Split]:
    """Decode the photos, or open what was decoded before, and split them.

    Raises:
        DataRefusal, EnvironmentRefusal: the photos cannot be used, reached or written.
    """
    from trainables.datasets import prepare
    from trainables.splits import split

    dataset = prepare(
        settings.data,
        image_size=settings.image_size,
        cache_dir=machine.cache_dir,
        seed=settings.seed,
        progress=progress,
    )
    return dataset, split(dataset, seed=settings.seed)


def find_weights(settings: Settings, machine: Machine, progress: Progress) -> Weights:
    """Resolve what the backbones start from.

    Raises:
        EnvironmentRefusal: a file is missing, damaged, or cannot be downloaded.
    """
    from trainables.weights import resolve

    return resolve(
        settings.weights,
        settings.backbones,
        cache_dir=machine.cache_dir,
        seed=settings.seed,
        progress=progress,
    )


def run_trial(assigned: dict[str, Any], *, job: Job) -> None:
    """Train one trial and commit its record; a trial that has one reports it and ends.

    What makes the whole sweep impossible (a full disk, weights that do not fit) is reported to the
    driver as `refusal` and leaves no record, so that a resume trains the trial again.

    Raises:
        RuntimeError: the training failed; it was recorded as failed before.
    """
    from ray import tune

    assignment = Assignment.from_dict(assigned)

    def report(epoch: EpochRecord) -> None:
        tune.report({METRIC: epoch.validation_accuracy, "epoch": epoch.epoch})

    try:
        record = RunFolder(job.run).read_record(assignment.trial)
        record = record or train_and_commit(assignment, job, report)
    except EnvironmentRefusal as refusal:
        tune.report({METRIC: 0.0, "refusal": [refusal.what, refusal.where, refusal.fix]})
        return
    if record.status == FAILED:
        raise RuntimeError(f"{record.trial}: {record.error}")


def train_and_commit(
    assignment: Assignment, job: Job, report: Callable[[EpochRecord], None]
) -> TrialRecord:
    """Train a point and write its artefacts, its board and, last, its record.

    Raises:
        EnvironmentRefusal: the disk is full, or the weights do not fit; nothing is recorded.
    """
    data, bench = _workplace(job)

    from trainables.board import TrialBoard
    from trainables.train import train

    folder, trial, config = RunFolder(job.run), assignment.trial, assignment.config
    board = TrialBoard(folder.tensorboard, trial, config)

    def report_and_draw(epoch: EpochRecord) -> None:
        board.epoch(epoch)
        report(epoch)

    try:
        result = train(config, data, report_and_draw, bench=bench, cutoffs=assignment.cutoffs)
    except EnvironmentRefusal:
        raise
    except Exception as fault:
        record = _failed(assignment, fault)
        folder.write_failure(trial, traceback.format_exc())
    else:
        digest = folder.write_artefacts(trial, result.predictions, result.weights)
        record = TrialRecord.of(
            result, trial=trial, number=assignment.number, config=config, weights_sha256=digest
        )
    board.finish(record)
    folder.write_record(record)
    return record


def _failed(assignment: Assignment, fault: Exception) -> TrialRecord:
    return TrialRecord(
        trial=assignment.trial,
        number=assignment.number,
        status=FAILED,
        config=assignment.config,
        error=" ".join(f"{type(fault).__name__}: {fault}".split()),
    )


_WORKPLACES: dict[Path, tuple[TrainingData, Bench]] = {}
"""Of this process: data and networks of the run that it works for."""


def _workplace(job: Job) -> tuple[TrainingData, Bench]:
    """This process's data and networks; sets TensorFlow up at the first call."""
    if job.run not in _WORKPLACES:
        from trainables.devices import configure

        configure(cpus=job.machine.cpus_per_trial, gpus=job.machine.gpus_per_trial)

        from trainables.bench import Bench

        _WORKPLACES[job.run] = (training_data(job), Bench())
    return _WORKPLACES[job.run]


def training_data(job: Job) -> TrainingData:
    """Open what the run trains on."""
    from trainables.datasets import open_dataset
    from trainables.features import FeatureStore
    from trainables.frozen import TrainingData

    dataset = open_dataset(job.dataset)
    return TrainingData(
        photos=dataset.photos(),
        split=RunFolder(job.run).read_split(),
        classes=len(dataset.record.classes),
        digest=dataset.record.digest,
        weights=job.weights,
        store=FeatureStore(job.machine.cache_dir / "features", job.machine.max_cache),
        points=job.settings.points,
        cache_dtype=job.settings.cache_dtype,
    )


def describe_board(job: Job) -> None:
    """Write TensorBoard's description of the experiment."""
    from trainables.devices import configure

    configure(cpus=1, gpus=0)

    from trainables.board import describe_experiment

    describe_experiment(RunFolder(job.run).tensorboard)
