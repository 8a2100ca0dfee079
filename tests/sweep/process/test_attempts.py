"""Two attempts at a trial, with made-up training processes: what the second is, what is kept."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from results.ledger.records import EpochRecord, Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process import worker
from sweep.process.activity import Activity
from sweep.process.attempts import train
from sweep.process.context import RunContext
from sweep.process.trainer import (
    MemoryLacking,
    OutOfMemory,
    Trainer,
    TrainerDied,
    is_out_of_memory,
    kills_for_memory,
)
from sweep.schedule.assignment import Assignment
from tests.sweep.helpers import machine, outcome, settings


class Trainers:
    """Training processes that do one thing each, and note what they were given."""

    is_too_large = False

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.given: list[Assignment] = []
        self.killed = 0

    def __call__(self, _: RunContext) -> Any:
        return self

    def train(self, assignment: Assignment, *_: Callable[..., None]) -> TrialRecord:
        self.given.append(assignment)
        fault = self._outcomes.pop(0)
        if fault is not None:
            raise fault
        return outcome(assignment)

    def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    wanted = settings("--backbones", "vgg16")
    return RunContext(tmp_path, tmp_path, None, wanted, machine(tmp_path))  # type: ignore[arg-type]


def attempt(context: RunContext, trainers: Trainers) -> TrialRecord:
    first = Assignment(0, context.settings.baseline("VGG16"), {})
    shown: list[Activity] = []
    epochs: list[EpochRecord] = []
    return train(first, context, epochs.append, shown.append, start=trainers)


def test_a_trial_whose_process_dies_twice_has_failed_with_both_causes(context: RunContext) -> None:
    trainers = Trainers(TrainerDied("no sign of life for 61 s"), TrainerDied("ended with -9"))
    record = attempt(context, trainers)
    assert record.status == Status.FAILED
    assert record.error == "ended with -9; at the first attempt: no sign of life for 61 s"
    assert RunFolder(context.run).records() == (record,)
    assert trainers.killed == 2


def test_a_repeat_that_fails_leaves_the_record_of_the_searchs_own_trial(
    context: RunContext,
) -> None:
    trainers = Trainers(None, TrainerDied("ended with -9"), TrainerDied("ended with -9"))
    own = attempt(context, trainers)
    RunFolder(context.run).write_record(own)
    again = Assignment(0, own.config, {}, repeat=1)
    record = train(again, context, lambda _: None, lambda _: None, start=trainers)
    assert record.trial == "VGG16/baseline-s1"
    assert RunFolder(context.run).records() == (own, record)


def test_a_trial_whose_processes_are_stopped_has_failed_for_want_of_a_sign_of_life(
    context: RunContext,
) -> None:
    started: list[Trainer] = []

    def stopped(context: RunContext) -> Trainer:
        trainer = Trainer(context, least_silence=0.05)
        os.kill(trainer._process.pid, signal.SIGSTOP)
        started.append(trainer)
        return trainer

    first = Assignment(0, context.settings.baseline("VGG16"), {})
    record = train(first, context, lambda _: None, lambda _: None, start=stopped)
    assert record.status == Status.FAILED
    assert record.error.count("no sign of life for") == 2
    assert [trainer._process.poll() for trainer in started] == [-signal.SIGKILL] * 2


def test_a_trial_whose_process_dies_once_is_tried_again_as_it_was(context: RunContext) -> None:
    trainers = Trainers(TrainerDied("ended with -9"), None)
    attempt(context, trainers)
    assert trainers.given[0] == trainers.given[1]
    assert not trainers.given[1].batch_halved


def test_a_trial_that_lacks_memory_is_tried_with_half_the_batch_and_rate(
    context: RunContext,
) -> None:
    trainers = Trainers(MemoryLacking("out of memory"), None)
    attempt(context, trainers)
    first, second = trainers.given
    assert second.config == first.config  # its place in the search
    assert second.trained.batch_size == first.config.batch_size // 2
    assert second.trained.learning_rate == first.config.learning_rate / 2


def test_a_trial_that_lacks_memory_twice_has_failed_and_says_so(context: RunContext) -> None:
    record = attempt(context, Trainers(MemoryLacking("out of memory"), MemoryLacking("again")))
    assert (record.status, record.batch_halved) == (Status.FAILED, True)
    assert record.error == "again; at the first attempt: out of memory"
    assert record.trained.batch_size == record.config.batch_size // 2
    assert RunFolder(context.run).records() == (record,)


def test_a_single_photo_cannot_be_halved(context: RunContext) -> None:
    single = replace(context, settings=replace(context.settings, batch_size=1))
    trainers = Trainers(MemoryLacking("out of memory"))
    assert attempt(single, trainers).error == "out of memory, with a batch of one photo"


def test_a_reason_that_concerns_every_trial_is_not_tried_again(context: RunContext) -> None:
    with pytest.raises(EnvironmentRefusal, match="disk"):
        attempt(context, Trainers(EnvironmentRefusal("the disk is full")))
    assert RunFolder(context.run).records() == ()


def test_a_process_that_lacks_memory_says_so_and_goes_on(
    context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack(*_: object, **__: object) -> TrialRecord:
        raise MemoryError("cannot allocate 20 GB")

    monkeypatch.setattr(worker, "train_and_commit", lack)
    ours, theirs = Pipe()
    serving = Thread(target=worker.serve, args=(theirs,))
    serving.start()
    ours.send(context)
    for _ in range(2):
        ours.send(Assignment(0, context.settings.baseline("VGG16"), {}))
        assert ours.recv() == OutOfMemory("MemoryError: cannot allocate 20 GB")
    ours.close()
    serving.join(30)
    assert not serving.is_alive()


class ResourceExhaustedError(Exception):
    """Called as TensorFlow's is."""


@pytest.mark.parametrize(
    ("fault", "lacking"),
    [
        (MemoryError(), True),
        (ResourceExhaustedError("OOM when allocating tensor"), True),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"), True),
        (ValueError("shapes do not fit"), False),
    ],
)
def test_lack_of_memory_is_told_from_other_faults(fault: Exception, lacking: bool) -> None:
    assert is_out_of_memory(fault) is lacking


def test_the_systems_kills_for_memory_are_counted_where_it_counts_them(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 3\n")
    assert kills_for_memory(tmp_path / "vmstat") == 3
    assert kills_for_memory(tmp_path / "missing") == 0
