"""`optuna.db` is only a mirror: what happens to it does not touch the sweep."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from results.ledger.records import Status
from sweep.schedule.optuna_trials import as_optuna, distributions
from sweep.schedule.studies import Studies
from tests.sweep.helpers import record
from tests.sweep.schedule.histories import SPACE, VARIED, long_history

LONG = long_history(16)
State = optuna.trial.TrialState

slow = pytest.mark.slow
"""Optuna itself tries again for seconds where its store is broken or locked."""


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoil(path: Path) -> None:
    path.write_bytes(b"noise" * 5000)


@pytest.mark.parametrize(
    "harm", [spoil, pytest.param(tear, marks=slow), pytest.param(Path.unlink, marks=slow)]
)
def test_a_store_that_breaks_does_not_end_the_sweep(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "optuna.db"
    studies = Studies(path, SPACE, ["VGG16"])
    harm(path)
    for finished in LONG[:3]:
        studies.add([finished])
        studies.write()
    assert caplog.text.count("optuna.db ends before VGG16/baseline") == 1


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_the_store_is_not_kept_open(tmp_path: Path) -> None:
    path = tmp_path / "optuna.db"
    gc.disable()
    try:
        Studies(path, SPACE, ["VGG16"]).add(LONG[:3])
        opened = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    finally:
        gc.enable()
    assert str(path.resolve()) not in opened


@pytest.mark.parametrize("harm", [tear, spoil])
def test_a_broken_store_is_built_again(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "optuna.db"
    Studies(path, SPACE, ["VGG16"]).add([LONG[0]])
    harm(path)
    Studies(path, SPACE, ["VGG16"]).add([LONG[0]])
    assert len(mirrored(path, "VGG16")) == 1


def test_a_folder_that_cannot_hold_a_store_does_not_end_the_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    studies = Studies(tmp_path / "missing/optuna.db", SPACE, ["VGG16"])
    studies.add([LONG[0]])
    assert "the ledger is not affected" in caplog.text


@slow
def test_a_locked_store_does_not_end_the_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "optuna.db"
    studies = Studies(path, SPACE, ["VGG16"])
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    studies.add([LONG[0]])
    assert "optuna.db ends before VGG16/baseline" in caplog.text
    other.close()


def mirrored(path: Path, backbone: str) -> list[Any]:
    study = optuna.load_study(study_name=backbone, storage=f"sqlite:///{path}")
    return list(study.get_trials())


def test_a_mirror_has_every_finished_trial_and_none_running(tmp_path: Path) -> None:
    path = tmp_path / "optuna.db"
    for _ in range(2):  # every start builds it anew
        studies = Studies(path, SPACE, ["VGG16", "Xception"])
        for finished in [*LONG, record("Xception", 0), record("ResNet50", 0)]:
            studies.add([finished])
        studies.write()
    trials = mirrored(path, "VGG16")
    assert [trial.user_attrs["trial"] for trial in trials] == [record.trial for record in LONG]
    states = {
        Status.COMPLETED: State.COMPLETE,
        Status.STOPPED_EARLY: State.PRUNED,
        Status.FAILED: State.FAIL,
    }
    assert [trial.state for trial in trials] == [states[record.status] for record in LONG]
    assert trials[5].distributions == distributions(SPACE, "VGG16")
    assert trials[5].params == {name: getattr(LONG[5].config, name) for name in VARIED}
    assert len(mirrored(path, "Xception")) == 1


def test_the_mirror_is_what_optuna_itself_would_write(tmp_path: Path) -> None:
    studies = Studies(tmp_path / "ours.db", SPACE, ["VGG16"])
    studies.add(LONG)
    theirs = optuna.create_study(
        study_name="VGG16", storage=f"sqlite:///{tmp_path / 'theirs.db'}", direction="maximize"
    )
    theirs.add_trials([as_optuna(finished, SPACE) for finished in LONG])
    ours = optuna.load_study(study_name="VGG16", storage=f"sqlite:///{tmp_path / 'ours.db'}")
    assert ours.direction == theirs.direction
    assert ours.best_trial.number == theirs.best_trial.number
    for own, other in zip(ours.get_trials(), theirs.get_trials(), strict=True):
        assert own.datetime_complete is not None
        for name in ("number", "state", "value", "params", "distributions", "user_attrs"):
            assert getattr(own, name) == getattr(other, name), name
        assert own.intermediate_values == other.intermediate_values


def test_trials_wait_some_seconds_and_are_written_together(tmp_path: Path) -> None:
    path, times = tmp_path / "optuna.db", iter([0.0, 0.0, 1.0, 4.9, 5.0, 5.0, 6.0, 6.0])
    studies = Studies(path, SPACE, ["VGG16"], clock=lambda: next(times))
    counts = []
    for finished in LONG[:5]:
        studies.add([finished])
        counts.append(len(mirrored(path, "VGG16")))
    studies.write()
    assert [*counts, len(mirrored(path, "VGG16"))] == [1, 1, 1, 4, 4, 5]
