"""The one file of this room that reaches into `trainables`, and late: the training process, and
the light steps (photos, weights) that come before it.

    python -m sweep.process.worker DESCRIPTOR TEMPORARY_FOLDER

started by `trainer`, one per Ray worker.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from results.ledger.records import EpochRecord, Status, TrialRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal
from search_spaces.settings import Settings
from sweep.hardware import Machine
from sweep.process.activity import ActivityReporter
from sweep.process.context import RunContext
from sweep.process.trainer import TrialFinished, resident_bytes
from sweep.schedule.assignment import Assignment

if TYPE_CHECKING:
    from trainables.features.fill import TrainingData
    from trainables.networks.weights import Weights
    from trainables.photos.dataset import Dataset
    from trainables.progress import Progress
    from trainables.training.network_cache import NetworkCache

_SECONDS_BETWEEN_LOOKS = 0.5


def open_photos(settings: Settings, machine: Machine, progress: Progress) -> tuple[Dataset, Split]:
    """Decode the photos, or open what was decoded before, and split them.

    Raises:
        DataRefusal, EnvironmentRefusal: the photos cannot be used, reached or written.
    """
    from trainables.photos.named import prepare
    from trainables.photos.splits import split

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
    from trainables.networks.weight_files import resolve

    return resolve(
        settings.weights,
        settings.backbones,
        cache_dir=machine.cache_dir,
        seed=settings.seed,
        progress=progress,
    )


def processor_name() -> str:
    """The processor's model."""
    from trainables.networks.devices import cpu_name

    return cpu_name()


def small_photos(context: RunContext, rows: list[int]) -> dict[int, NDArray[np.uint8]]:
    """Thumbnails of some photos, by row."""
    from trainables.photos.dataset import open_dataset

    return open_dataset(context.dataset).thumbnails(rows)


def serve(connection: Connection) -> None:
    """Train what the parent sends until it hangs up: a `RunContext` first, then assignments.

    Each is answered by its epochs, activities between them, and then `TrialFinished`, or by the
    refusal that ends the sweep.
    """
    context = connection.recv()
    with suppress(EOFError, ConnectionError):
        while True:
            assignment = connection.recv()
            try:
                record = train_and_commit(
                    assignment,
                    context,
                    report=connection.send,
                    progress=ActivityReporter(connection.send),
                )
            except Refusal as refusal:
                connection.send(refusal)
            else:
                connection.send(TrialFinished(record, resident_bytes()))


def train_and_commit(
    assignment: Assignment,
    context: RunContext,
    report: Callable[[EpochRecord], None],
    progress: Progress,
) -> TrialRecord:
    """Train a trial and write its artefacts, its TensorBoard log and, last, its record.

    Raises:
        Refusal: what concerns every trial: a full disk, weights that do not fit, photos that are
            gone. Nothing is recorded.
        ConnectionError: nobody listens to `report` any more, which says nothing about the trial.
    """
    if context.run not in _WORKPLACES:
        progress("loading TensorFlow", 0, None)
    data, networks = _workplace(context)

    from trainables.training.tensorboard import TrialLog, describe_experiment
    from trainables.training.train import train

    folder, trial, config = RunFolder(context.run), assignment.trial_id.name, assignment.config
    if assignment.trial_id == context.settings.planned[0]:
        describe_experiment(folder.tensorboard)
    log = TrialLog(folder.tensorboard, trial, config)

    def report_and_log(epoch: EpochRecord) -> None:
        log.epoch(epoch)
        report(epoch)

    progress("building", 0, None)
    try:
        result = train(
            config,
            data,
            report_and_log,
            networks=networks,
            cutoffs=assignment.cutoffs,
            is_time_up=partial(_is_past, assignment.deadline),
            progress=progress,
            head=folder.read_head(config),
        )
    except (Refusal, ConnectionError):
        raise
    except Exception as fault:
        record = _failed(assignment, fault)
        folder.write_failure(trial, traceback.format_exc())
    else:
        digest = folder.write_artefacts(trial, result.predictions, result.test, result.weights)
        record = TrialRecord.of(
            result, number=assignment.number, config=config, weights_sha256=digest
        )
    folder.write_record(record)
    log.finish(record)
    return record


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.time() > deadline


def _failed(assignment: Assignment, fault: Exception) -> TrialRecord:
    from trainables.training.train import Diverged

    return TrialRecord(
        number=assignment.number,
        status=Status.FAILED,
        config=assignment.config,
        error=" ".join(f"{type(fault).__name__}: {fault}".split()),
        diverged=isinstance(fault, Diverged),
    )


_WORKPLACES: dict[Path, tuple[TrainingData, NetworkCache]] = {}
"""Of this process: data and networks of the run that it works for."""


def _workplace(context: RunContext) -> tuple[TrainingData, NetworkCache]:
    """This process's data and networks; sets TensorFlow up at the first call."""
    if context.run not in _WORKPLACES:
        from trainables.networks.devices import configure

        configure(cpus=context.machine.cpus_per_trial, gpus=context.machine.gpus_per_trial)

        from trainables.training.network_cache import NetworkCache

        _WORKPLACES[context.run] = (training_data(context), NetworkCache())
    return _WORKPLACES[context.run]


def training_data(context: RunContext) -> TrainingData:
    """Open what the run trains on."""
    from trainables.features.fill import TrainingData
    from trainables.features.store import FeatureStore
    from trainables.photos.dataset import open_dataset

    dataset = open_dataset(context.dataset)
    return TrainingData(
        photos=dataset.photos(),
        split=RunFolder(context.run).read_split(),
        classes=len(dataset.record.classes),
        digest=dataset.record.digest,
        weights=context.weights,
        store=FeatureStore(context.machine.cache_dir / "features", context.machine.max_cache),
        points=context.settings.points,
        cache_dtype=context.settings.cache_dtype,
        precision=context.settings.precision,
        jit_compile=context.settings.jit_compile,
        class_weights=context.settings.class_weights,
        metric=context.settings.metric,
    )


def _end_with_parent(temporary: Path) -> None:
    """End this process when the one that started it is gone, even in the middle of a trial.

    Args:
        temporary: this process's folder for temporary files, which the parent cannot remove then.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        shutil.rmtree(temporary, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the driver decides
    _end_with_parent(Path(sys.argv[2]))
    try:
        serve(Connection(int(sys.argv[1])))
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
