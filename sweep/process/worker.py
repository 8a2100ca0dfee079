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
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from results.ledger.records import EpochRecord, TrialRecord
from results.ledger.runs import DataRecord, Rejected, Split
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from search_spaces.refusals import Refusal, in_one_line
from search_spaces.settings import Settings
from sweep.gpus import own_gpu_megabytes
from sweep.hardware import Machine
from sweep.process.activity import ActivityReporter
from sweep.process.context import RunContext
from sweep.process.patience import LOADING, SignOfLife
from sweep.process.trainer import OutOfMemory, TrialFinished, is_out_of_memory, resident_bytes
from sweep.schedule.assignment import Assignment
from sweep.terminal.silence import ticking

if TYPE_CHECKING:
    from trainables.features.fill import TrainingData
    from trainables.networks.weights import Weights
    from trainables.photos.dataset import Dataset
    from trainables.progress import Progress
    from trainables.training.network_cache import NetworkCache

_SECONDS_BETWEEN_LOOKS = 0.5


def open_photos(settings: Settings, machine: Machine, progress: Progress) -> Dataset:
    """Decode the photos, or open what was decoded before.

    Raises:
        DataRefusal, EnvironmentRefusal: the photos cannot be used, reached or written.
    """
    from trainables.photos.named import prepare

    return prepare(
        settings.data,
        image_size=settings.image_size,
        cache_dir=machine.cache_dir,
        seed=settings.seed,
        progress=progress,
    )


def split_photos(
    dataset: Dataset, settings: Settings, progress: Progress
) -> tuple[Split, DataRecord]:
    """Split the photos; the record says what was left out because it looks like another photo.

    Raises:
        DataRefusal: a class has too few different photos.
    """
    from trainables.photos.lookalikes import lookalikes
    from trainables.photos.splits import split

    alike = lookalikes(dataset, settings.duplicates, progress)
    left_out = [Rejected(dataset.files[row], why) for row, why in sorted(alike.left_out.items())]
    record = replace(
        dataset.record,
        rejected=(*dataset.record.rejected, *left_out),
        near_duplicates=alike.near,
    )
    return split(dataset, seed=settings.seed, alike=alike), record


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

    return open_dataset(context.dataset, rows).thumbnails(rows)


def serve(connection: Connection) -> None:
    """Train what the parent sends until it hangs up: a `RunContext` first, then assignments.

    Each is answered by its epochs, activities between them, and then `TrialFinished`, or by the
    refusal that ends the sweep.
    """
    context = connection.recv()
    one_at_a_time = threading.Lock()

    def send(message: object) -> None:
        with one_at_a_time:
            connection.send(message)

    with suppress(EOFError, ConnectionError):
        try:
            with RunFolder(context.run).training(context.holder):
                _serve(connection, context, send)
        except Refusal as refusal:  # the folder cannot be written
            send(refusal)


def _serve(connection: Connection, context: RunContext, send: Callable[[object], None]) -> None:
    while True:
        assignment = connection.recv()
        try:
            with ticking(partial(send, SignOfLife())):
                record = train_and_commit(
                    assignment, context, report=send, progress=ActivityReporter(send)
                )
        except Refusal as refusal:
            send(refusal)
        except Exception as fault:
            if not is_out_of_memory(fault):
                raise
            send(OutOfMemory(in_one_line(fault)))
        else:
            send(TrialFinished(record, resident_bytes()))


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
        Exception: memory is lacking, see `is_out_of_memory`. Nothing is recorded.
    """
    if context.run not in _WORKPLACES:
        progress(LOADING, 0, None)
    data, networks = _workplace(context)

    from trainables.training.heads import trained_head
    from trainables.training.tensorboard import TrialLog, describe_experiment
    from trainables.training.train import Diverged, train

    folder, trial, config = RunFolder(context.run), assignment.trial_id.name, assignment.trained
    if assignment.trial_id == TrialId(context.settings.backbones[0], 0):  # once a run
        describe_experiment(folder.tensorboard)
    log = TrialLog(folder.tensorboard, trial, config)

    def report_and_log(epoch: EpochRecord) -> None:
        log.epoch(epoch)
        report(epoch)

    progress("building", 0, None)
    try:
        head = trained_head(config, assignment.repeat, folder=folder, data=data, networks=networks)
        result = train(
            config,
            data,
            report_and_log,
            networks=networks,
            cutoffs=assignment.cutoffs,
            is_time_up=partial(_is_past, assignment.deadline),
            progress=progress,
            head=head,
        )
    except (Refusal, ConnectionError):
        raise
    except Exception as fault:
        if is_out_of_memory(fault):
            raise
        error = in_one_line(fault)
        record = assignment.failed(error, diverged=isinstance(fault, Diverged))
        folder.write_failure(trial, traceback.format_exc())
    else:
        progress("writing", 0, None)
        digest = folder.write_artefacts(trial, result.predictions, result.test, result.weights)
        record = assignment.finished(result, digest)
    folder.write_record(record)
    log.finish(record)
    return record


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.time() > deadline


_WORKPLACES: dict[Path, tuple[TrainingData, NetworkCache]] = {}
"""Of this process: data and networks of the run that it works for."""


def _workplace(context: RunContext) -> tuple[TrainingData, NetworkCache]:
    """This process's data and networks; sets TensorFlow up at the first call."""
    if context.run not in _WORKPLACES:
        from trainables.networks.devices import configure, device_memory, gpu_names

        cpus, gpus = context.machine.cpus_per_trial, context.machine.gpus_per_trial
        megabytes = own_gpu_megabytes(gpus)
        xla = context.settings.jit_compile
        configure(cpus=cpus, gpus=gpus, gpu_megabytes=megabytes, jit_compile=xla)
        memory = device_memory(megabytes if gpu_names() else None)  # TensorFlow may see none

        from trainables.training.network_cache import NetworkCache

        data = training_data(context, device_bytes=memory.for_inputs)
        _WORKPLACES[context.run] = (data, NetworkCache(memory))
    return _WORKPLACES[context.run]


def training_data(context: RunContext, *, device_bytes: int) -> TrainingData:
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
        device_bytes=device_bytes,
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
