"""The training process: what it answers, how it dies, and when it is replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from results.ledger.records import EpochRecord
from results.ledger.store import RunFolder
from search_spaces.backbones import HEAD
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.activity import Activity
from sweep.process.context import RunContext
from sweep.process.trainer import Trainer, TrainerDied
from sweep.schedule.assignment import Assignment
from tests.crash.soak import Holding
from tests.sweep.helpers import machine, settings
from tests.sweeps import HOME, photo_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    """Forty photos, VGG16 with random weights, ready to train."""
    from sweep.process.worker import find_weights, open_photos, split_photos
    from trainables.progress import quiet

    wanted = settings(
        *("--backbones", "vgg16", "--data", str(photo_folder(tmp_path / "photos"))),
        *("--weights", "random", "--image-size", "32", "--epochs", "2", "--batch-size", "8"),
    )
    share = machine(tmp_path / "cache")
    dataset = open_photos(wanted, share, quiet)
    split, _ = split_photos(dataset, wanted, quiet)
    folder = RunFolder(tmp_path / "run")
    folder.write_split(split, dataset.record.classes)
    return RunContext(folder.root, dataset.path, find_weights(wanted, share, quiet), wanted, share)


def baseline(context: RunContext) -> Assignment:
    return Assignment(0, context.settings.baseline("VGG16"), {})


def test_a_process_that_is_killed_in_a_trial_is_named_as_dead_and_leaves_no_record(
    context: RunContext,
) -> None:
    trainer = Trainer(context)

    def kill(_: EpochRecord) -> None:
        os.kill(trainer._process.pid, signal.SIGKILL)

    with pytest.raises(TrainerDied, match="ended with -9"):
        trainer.train(baseline(context), kill)
    assert not Path(trainer._temporary.name).exists()
    assert RunFolder(context.run).read_record("VGG16/baseline") is None


def test_a_process_that_is_stopped_in_a_trial_is_ended_and_named_as_hanging(
    context: RunContext,
) -> None:
    trainer = Trainer(context, least_silence=2)

    def stop(_: EpochRecord) -> None:
        os.kill(trainer._process.pid, signal.SIGSTOP)
        # Twenty times the longest silence so far is `test_patience`'s, and half a minute here.
        trainer._patience._longest_silence = 0.0

    with pytest.raises(TrainerDied, match=r"no sign of life for \d+ s"):
        trainer.train(baseline(context), stop)
    assert trainer._process.poll() == -signal.SIGKILL
    assert RunFolder(context.run).read_record("VGG16/baseline") is None


def test_a_process_whose_parent_hangs_up_in_a_trial_ends_and_leaves_no_record(
    context: RunContext,
) -> None:
    trainer = Trainer(context)
    with pytest.raises(OSError, match="handle is closed"):
        trainer.train(baseline(context), lambda _: trainer._connection.close())
    assert trainer.close() == 0
    assert RunFolder(context.run).read_record("VGG16/baseline") is None


def test_a_reason_that_concerns_every_trial_is_raised_and_leaves_no_record(
    context: RunContext,
) -> None:
    digests = {"VGG16": "0" * 64}
    gone = replace(context.weights, name="gone", files={"VGG16": Path("/gone.h5")}, digests=digests)
    trainer = Trainer(replace(context, weights=gone))
    try:
        with pytest.raises(EnvironmentRefusal, match="weights of VGG16 cannot be read"):
            trainer.train(baseline(context), lambda _: None)
    finally:
        assert trainer.close() == 0
    assert RunFolder(context.run).read_record("VGG16/baseline") is None


def test_a_trial_reports_its_epochs_and_what_it_does(
    context: RunContext,
) -> None:
    trainer = Trainer(context)
    epochs: list[int] = []
    shown: list[Activity] = []
    record = trainer.train(
        baseline(context), lambda epoch: epochs.append(epoch.epoch), shown.append
    )
    assert (record, epochs) == (RunFolder(context.run).read_record("VGG16/baseline"), [1, 2])
    stages = list(dict.fromkeys(activity.stage for activity in shown))
    assert stages == [
        "loading TensorFlow",
        "building",
        "waiting for features",
        "features",
        "tracing",
        "training",
        "predicting",
        "writing",
    ]
    assert trainer.close() == 0


def test_a_training_process_keeps_its_temporary_files_together_until_it_ends(
    context: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    trainer = Trainer(context)
    trainer.train(baseline(context), lambda _: None)
    [own] = shared.iterdir()
    assert any(own.glob("__autograph_generated_file*.py"))
    assert trainer.close() == 0
    assert list(shared.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="needs Linux's /proc")
@pytest.mark.parametrize("onednn", ["0", "1"])
def test_a_training_process_has_the_runs_onednn_setting_whatever_is_typed(
    context: RunContext, onednn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", {"0": "1", "1": "0"}[onednn])
    trainer = Trainer(replace(context, onednn=onednn))
    content = Path(f"/proc/{trainer._process.pid}/environ").read_bytes()  # of its start, for good
    trainer.kill()
    found = [variable for variable in content.split(b"\0") if b"ONEDNN" in variable]
    assert found == [f"TF_ENABLE_ONEDNN_OPTS={onednn}".encode()]


def test_a_process_is_too_large_above_its_share_of_memory(context: RunContext) -> None:
    trainer = Trainer(replace(context, machine=replace(context.machine, trainer_bytes=10**6)))
    trainer.train(baseline(context), lambda _: None)
    assert trainer.is_too_large
    trainer._most_bytes = 10**12
    assert not trainer.is_too_large
    trainer.close()


def test_memory_that_is_taken_is_counted() -> None:
    # In a process of its own: of a large one the system takes pages back whenever it likes.
    code = (
        "from sweep.process.trainer import resident_bytes; before = resident_bytes(); "
        "taken = bytearray(b'x' * 50_000_000); print(resident_bytes() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, check=True)
    assert int(done.stdout) > 40_000_000


def test_fifty_trials_leave_a_training_process_as_it_was_after_ten(context: RunContext) -> None:
    trainer, base = Trainer(context), context.settings.baseline("VGG16")
    seen: list[Holding] = []
    for number in range(1, 51):
        config = replace(base, unfreeze=HEAD, learning_rate=1e-4 * number, epochs=1)
        trainer.train(Assignment(number, config, {}), lambda _: None)
        seen.append(Holding.of(trainer._process.pid, Path(trainer._temporary.name)))
    trainer.close()
    early, late = seen[9], seen[-1]
    assert late.resident < 1.05 * early.resident
    assert late.descriptors <= early.descriptors
    assert late.temporary <= early.temporary
