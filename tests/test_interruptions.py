"""Killed, interrupted, failing: nothing is lost or trained twice, and the trials are the same."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from results.ledger.verify import verify
from results.scores.summary import read_summary
from sweep.process.leftovers import ProcessIdentity, descendants
from tests.sweeps import (
    finish,
    left,
    named,
    outcomes,
    photo_folder,
    record_times,
    resume,
    small,
    start,
    sweep,
    when,
    with_table_1,
)

pytestmark = pytest.mark.slow


def reached(stage: str, pid: int, run: Path) -> bool:
    """Whether a sweep is in a stage, by its process and its folder."""
    programs = {
        "starting Ray": "gcs_server",
        "measuring": "trainables characteristics",
        "exporting": "trainables export",
    }
    match stage:
        case "loading":
            return len(descendants(pid)) == 2  # the guardian and the driver
        case "begun":
            return (run / "run.json").is_file()
        case "training":
            return len(record_times(run)) >= 1
        case "reporting":
            return (run / "report").is_dir()
        case _:
            return len(named(pid, programs[stage])) > 0


def again(run: Path, cache: Path) -> list[str]:
    """Words that go on with a run."""
    return ["--resume", str(run), "--cache-dir", str(cache)]


def report_bytes(run: Path) -> dict[str, bytes]:
    """Every file of the report, by its name."""
    files = (path for path in (run / "report").rglob("*") if path.is_file())
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_folder(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, table_1: Path) -> Path:
    return with_table_1(tmp_path_factory.mktemp("cached") / "cache", table_1)


@pytest.fixture(scope="module")
def uninterrupted(photos: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "uninterrupted"
    code, _, err = sweep(*small(photos, cache, run))
    assert (code, err) == (0, "")
    return run


def test_a_driver_killed_with_sigkill_goes_on_as_if_nothing_happened(
    photos: Path, cache: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    kept: dict[Path, int] = {}
    for words, more in ((small(photos, cache, run), 1), (again(run, cache), 2)):
        process, least = start(*words), len(kept) + more
        when(process, lambda: len(record_times(run)) >= least, signal.SIGCONT)  # noqa: B023
        started = descendants(process.pid)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        assert len(started) > 5
        assert left(started) == []
        now = record_times(run)
        assert {path: now.get(path) for path in kept} == kept
        kept = now
    code, _, err = resume(run, cache)
    assert (code, err) == (0, "")
    assert {path: time for path, time in record_times(run).items() if path in kept} == kept
    assert outcomes(run) == outcomes(uninterrupted)


def test_two_training_processes_that_are_killed_change_nothing(
    photos: Path, cache: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "bereft"
    process = start(*small(photos, cache, run))
    workers: list[ProcessIdentity] = []

    def both_at_work() -> bool:
        workers[:] = named(process.pid, "sweep.process.worker")
        return len(workers) == 2 and len(record_times(run)) >= 1

    when(process, both_at_work, signal.SIGCONT)
    for worker, records in zip(workers, (1, 3), strict=True):
        when(process, lambda: len(record_times(run)) >= records, signal.SIGCONT)  # noqa: B023
        os.kill(worker.pid, signal.SIGKILL)
    code, _, err = finish(process)
    assert (code, err) == (0, "")
    assert outcomes(run) == outcomes(uninterrupted)


@pytest.mark.parametrize(
    ("stage", "number", "to_group"),
    [
        ("loading", signal.SIGINT, True),
        ("loading", signal.SIGHUP, False),
        ("begun", signal.SIGTERM, True),
        ("starting Ray", signal.SIGTERM, False),
        ("starting Ray", signal.SIGHUP, True),
        ("starting Ray", signal.SIGINT, True),
        ("training", signal.SIGINT, False),
        ("training", signal.SIGTERM, True),
        ("measuring", signal.SIGTERM, True),
        ("reporting", signal.SIGINT, False),
        ("reporting", signal.SIGHUP, True),
        ("exporting", signal.SIGTERM, False),
    ],
)
def test_a_signal_ends_the_sweep_with_its_code_and_says_how_to_go_on(
    stage: str,
    number: signal.Signals,
    to_group: bool,
    photos: Path,
    cache: Path,
    uninterrupted: Path,
    tmp_path: Path,
) -> None:
    run = tmp_path / "interrupted"
    words = small(photos, cache, run)
    if stage in ("measuring", "reporting", "exporting"):
        shutil.copytree(uninterrupted, run)
        shutil.rmtree(run / "report")
        words = again(run, cache)
    process = start(*words)
    when(process, lambda: reached(stage, process.pid, run), signal.SIGCONT)
    started = descendants(process.pid)
    (os.killpg if to_group else os.kill)(process.pid, number)
    code, out, err = finish(process)
    assert (code, err) == (128 + number, "")
    last = out.splitlines()[-1]
    assert last.startswith("stopped ")
    if stage != "loading":
        assert last.endswith(
            f" trials done and kept; go on with: python run_sweep.py --resume {run}"
        )
    assert left(started) == []


@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_ray_that_dies_ends_the_sweep_with_a_line_and_leaves_no_process(
    name: str, photos: Path, cache: Path, tmp_path: Path
) -> None:
    run = tmp_path / "rayless"
    process = start(*small(photos, cache, run))
    when(process, lambda: len(named(process.pid, name)) > 0, signal.SIGCONT)
    started = descendants(process.pid)
    killed = time.monotonic()
    os.kill(named(process.pid, name)[0].pid, signal.SIGKILL)
    code, _, err = finish(process)
    assert time.monotonic() - killed < 10
    assert code == 4
    assert len(err.splitlines()) == 1
    assert err.startswith(f"error: Ray died: its {name} has ended ({run / 'log.txt'})")
    assert f"python run_sweep.py --resume {run}" in err
    assert left(started) == []


def test_a_finished_run_that_is_resumed_makes_the_same_report(
    cache: Path, uninterrupted: Path
) -> None:
    before, times = report_bytes(uninterrupted), record_times(uninterrupted)
    code, _, err = resume(uninterrupted, cache)
    assert (code, err) == (0, "")
    assert record_times(uninterrupted) == times
    assert report_bytes(uninterrupted) == before


def test_more_trials_top_a_finished_run_up_and_leave_what_it_had(
    cache: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "topped-up"
    shutil.copytree(uninterrupted, run)
    kept = record_times(run)
    assert len(kept) == 6
    code, _, err = sweep(*again(run, cache), "--trials", "3")
    assert (code, err) == (0, "")
    assert {path: time for path, time in record_times(run).items() if path in kept} == kept
    records = RunFolder(run).records()
    assert len(records) == 8
    assert len({record.config for record in records}) == 8


def test_a_failing_trial_is_recorded_and_the_others_go_on(
    cache: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "failing"
    shutil.copytree(uninterrupted, run)
    folder = RunFolder(run)
    baseline = folder.read_run().settings.baseline("VGG16")
    hopeless = dataclasses.replace(baseline, learning_rate=1e30, optimizer="sgd")
    for trial in ("VGG16/t02", "EfficientNetB0/t02"):
        shutil.rmtree(folder.trial(trial))
    folder.write_suggestion("VGG16/t02", hopeless)
    code, out, err = resume(run, cache)
    assert (code, err) == (1, "")
    failed = folder.read_record("VGG16/t02")
    assert failed is not None
    assert failed.status == "failed"
    assert "diverged at epoch" in failed.error
    assert failed.diverged
    assert len(folder.records()) == 6
    assert read_summary(folder).trials.failed == 1
    assert "VGG16/t02" in out


def test_a_second_sweep_in_the_same_folder_is_refused_while_the_first_runs(
    photos: Path, cache: Path, tmp_path: Path
) -> None:
    run = tmp_path / "shared"
    first = start(*small(photos, cache, run))
    when(first, (run / "run.json").is_file, signal.SIGCONT)
    code, _, err = resume(run, cache)
    assert code == 2
    assert "in use by process" in err
    assert len(err.splitlines()) == 1
    first.send_signal(signal.SIGINT)
    assert finish(first)[0] == 130


@pytest.fixture(scope="module")
def confirmed(photos: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "confirmed"
    code, out, err = sweep(*small(photos, cache, run, backbones="vgg16", confirm=2))
    assert (code, err) == (0, "")
    assert "Is it better than the documented baseline?" in out
    return run


def test_a_sweep_killed_while_it_confirms_comes_to_the_same_tables(
    photos: Path, cache: Path, confirmed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "confirming"
    process = start(*small(photos, cache, run, backbones="vgg16", confirm=2))
    when(process, lambda: len(record_times(run)) >= 3 + 2, signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    kept = record_times(run)
    assert len(kept) < 3 + 6
    code, out, err = resume(run, cache)
    assert (code, err) == (0, "")
    assert "PARTIAL" not in out
    assert {path: time for path, time in record_times(run).items() if path in kept} == kept
    assert len(outcomes(run)) == 3 + 6
    assert outcomes(run) == outcomes(confirmed)
    for name in ("confirmed", "methods", "pairs", "scaling"):
        there, here = (RunFolder(one).report / "tables" / f"{name}.csv" for one in (confirmed, run))
        assert here.read_text() == there.read_text()
    assert verify(RunFolder(run)).faults == ()


def test_a_trial_on_a_fresh_seed_is_reproduced_from_its_record(confirmed: Path) -> None:
    code, out, err = sweep("--reproduce", str(confirmed), "VGG16/baseline-s2")
    assert (code, err) == (0, "")
    assert "VGG16/baseline-s2: reproduced bit for bit" in out
