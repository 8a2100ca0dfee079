"""Killed, interrupted, failing: nothing is lost or trained twice, and the trials are the same."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from results.ledger.verify import verify
from results.scores.summary import read_summary
from tests.sweeps import (
    finish,
    outcomes,
    photo_folder,
    record_times,
    resume,
    small,
    start,
    sweep,
    when,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photo_folder(tmp_path_factory.mktemp("photos") / "photos")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def uninterrupted(photos: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "uninterrupted"
    code, _, err = sweep(*small(photos, cache, run))
    assert (code, err) == (0, "")
    return run


@pytest.mark.parametrize("records", [1, 4])
def test_a_driver_killed_with_sigkill_goes_on_as_if_nothing_happened(
    records: int, photos: Path, cache: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "killed"
    process = start(*small(photos, cache, run))
    when(process, lambda: len(record_times(run)) >= records, signal.SIGKILL)
    assert finish(process)[0] == -signal.SIGKILL
    kept = record_times(run)
    code, _, err = resume(run, cache)
    assert (code, err) == (0, "")
    assert {path: time for path, time in record_times(run).items() if path in kept} == kept
    assert outcomes(run) == outcomes(uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_sweep_with_its_code_and_says_how_to_go_on(
    number: signal.Signals, photos: Path, cache: Path, tmp_path: Path
) -> None:
    run = tmp_path / "interrupted"
    process = start(*small(photos, cache, run))
    when(process, lambda: len(record_times(run)) >= 1, number)
    code, out, err = finish(process)
    assert code == 128 + number
    assert f"--resume {run}" in out
    assert "Traceback" not in out + err


def test_a_failing_trial_is_recorded_and_the_others_go_on(
    photos: Path, cache: Path, tmp_path: Path
) -> None:
    run = tmp_path / "failing"
    process = start(*small(photos, cache, run))
    when(process, lambda: len(record_times(run)) >= 1, signal.SIGINT)
    finish(process)
    folder = RunFolder(run)
    baseline = folder.read_suggestion("VGG16/baseline")
    assert baseline is not None
    hopeless = dataclasses.replace(baseline, learning_rate=1e30, optimizer="sgd")
    folder.write_suggestion("VGG16/t02", hopeless)
    (folder.trial("VGG16/t02") / "trial.json").unlink(missing_ok=True)
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
    assert "Confirmed on fresh seeds" in out
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
