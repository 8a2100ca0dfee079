"""A run's copy elsewhere: on disks, in memory, on a real S3 server; and back from there."""

from __future__ import annotations

import dataclasses
import importlib.util
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from results.ledger.dropping import drop_weights
from results.ledger.places import TrialFile
from results.ledger.records import Status
from results.ledger.store import RunFolder
from results.ledger.verify import verify
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from sweep.keeping import fetch_missing, kept, storage_of
from sweep.storage import Storage, opened
from tests.results.helpers import Trial, make_run

TRIAL = "Xception/baseline"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = make_run(tmp_path / "run", (Trial("Xception", 0), Trial("Xception", 1)))
    (folder.tensorboard / TRIAL).mkdir(parents=True)
    (folder.tensorboard / TRIAL / "events").write_bytes(b"curves")
    folder.ray.mkdir(exist_ok=True)
    (folder.ray / "state").write_bytes(b"Ray's own")
    return folder


def in_memory() -> tuple[Any, str]:
    from fsspec.implementations.memory import MemoryFileSystem
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    MemoryFileSystem.store.clear()
    return PyFileSystem(FSSpecHandler(MemoryFileSystem())), "/runs"


@pytest.fixture
def s3() -> Iterator[tuple[Any, str]]:
    """A bucket on a server of its own."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto[s3] with flask")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        where = f"endpoint_override=http://127.0.0.1:{port}&region=us-east-1"
        files, path = opened(f"s3://name:secret@bucket/runs?{where}&allow_bucket_creation=true")
        files.create_dir("bucket")
        yield files, path
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(params=["disk", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    match request.param:
        case "disk":
            return opened((tmp_path / "storage").as_uri())
        case "memory":
            return in_memory()
        case _:
            found: tuple[Any, str] = request.getfixturevalue("s3")
            return found


def content(folder: RunFolder) -> dict[str, bytes]:
    """Of every file but locks and Ray's."""
    return {
        str(path.relative_to(folder.root)): path.read_bytes()
        for path in folder.root.rglob("*")
        if path.is_file() and not path.name.startswith(".") and not path.is_relative_to(folder.ray)
    }


@pytest.mark.parametrize("typed", ["ftp://host/runs", "s4://bucket", "nonsense://"])
def test_a_kind_of_storage_that_there_is_not_is_refused_in_one_line(typed: str) -> None:
    with pytest.raises(UsageRefusal, match=r"--storage") as refused:
        opened(typed)
    assert len(str(refused.value).splitlines()) == 1


def test_a_storage_that_cannot_be_written_is_refused_with_its_place(
    run: RunFolder, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    storage = storage_of(run, str(tmp_path / "file"))
    with pytest.raises(EnvironmentRefusal, match=r"cannot be used.*file/run"), kept(storage):
        pass


def test_a_run_that_is_nowhere_is_refused_and_leaves_no_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "none")
    with pytest.raises(UsageRefusal, match="no run here, nor in the storage"):
        fetch_missing(folder, Storage(folder, *opened(str(tmp_path / "storage"))))
    assert not folder.root.exists()


def test_a_name_that_is_taken_is_refused(run: RunFolder, tmp_path: Path) -> None:
    storage = Storage(run, *opened(str(tmp_path / "storage")))
    storage.refuse_taken()
    storage.keep_all()
    with pytest.raises(UsageRefusal, match="holds a run of this name already"):
        storage.refuse_taken()


def test_a_run_comes_back_as_it_was(run: RunFolder, place: tuple[Any, str]) -> None:
    storage = Storage(run, *place)
    with kept(storage) as finished:
        finished(TRIAL)
    before = content(run)
    shutil.rmtree(run.root)
    fetch_missing(run, Storage(run, *place))
    assert content(run) == before
    assert "tensorboard/Xception/baseline/events" in before
    assert not run.ray.exists()
    assert verify(run).faults == ()


def test_what_changed_is_copied_again_and_what_is_gone_is_removed(
    run: RunFolder, place: tuple[Any, str]
) -> None:
    with kept(Storage(run, *place)):
        pass
    run.discard_trial("Xception/t01")
    record = run.read_record(TRIAL)
    assert record is not None
    run.write_failure(TRIAL, "a trace")
    run.write_record(record)  # as if it had been trained again
    with kept(Storage(run, *place)):
        pass
    before = content(run)
    shutil.rmtree(run.root)
    Storage(run, *place).fetch()
    assert content(run) == before


def test_a_trial_whose_weights_are_dropped_after_it_was_copied_comes_back_without_them(
    run: RunFolder, place: tuple[Any, str]
) -> None:
    record = run.read_record(TRIAL)
    assert record is not None
    storage = Storage(run, *place)
    storage.keep_trial(TRIAL)
    drop_weights(run, record)
    storage.keep_all()
    before = content(run)
    shutil.rmtree(run.root)
    Storage(run, *place).fetch()
    assert content(run) == before
    assert verify(run).faults == ()


@pytest.mark.parametrize("name", ["../evil", "trials/../../evil", "/evil"])
def test_a_name_in_the_storage_that_leads_out_of_the_folder_is_refused(
    run: RunFolder, tmp_path: Path, name: str
) -> None:
    class Hostile(Storage):
        def _kept(self) -> set[str]:
            return {name}

    place = opened(str(tmp_path / "storage/deep"))
    Storage(run, *place).keep_all()
    shutil.rmtree(run.root)
    with pytest.raises(EnvironmentRefusal, match="names of a run's files are needed"):
        Hostile(run, *place).fetch()
    assert not run.root.exists()


def test_a_trial_is_copied_when_it_is_finished_its_record_last(
    run: RunFolder, tmp_path: Path
) -> None:
    written: list[str] = []

    class Watched(Storage):
        def _write(self, name: str) -> None:
            written.append(name)
            super()._write(name)

    Watched(run, *opened(str(tmp_path / "storage"))).keep_trial(TRIAL)
    assert written[-1] == f"trials/{TRIAL}/{TrialFile.RECORD}"
    assert len(written) == 1 + 1 + len(run.listed_files(TRIAL))


def test_a_folder_that_lacks_trials_of_the_storage_is_refused_and_nothing_is_removed(
    run: RunFolder, place: tuple[Any, str]
) -> None:
    """It was resumed on another machine; this folder is an old one."""
    Storage(run, *place).keep_all()
    before = content(run)
    run.discard_trial("Xception/t01")
    with pytest.raises(UsageRefusal, match=r"1 finished trials .*t01/trial\.json.*elsewhere"):
        fetch_missing(run, Storage(run, *place))
    shutil.rmtree(run.root)
    fetch_missing(run, Storage(run, *place))
    assert content(run) == before


def test_repeats_that_the_time_budget_cut_may_be_gone_from_the_folder(
    run: RunFolder, tmp_path: Path
) -> None:
    searched = run.read_record("Xception/t01")
    assert searched is not None
    cut = dataclasses.replace(searched, status=Status.OUT_OF_TIME)
    run.write_record(dataclasses.replace(cut, repeat=1))
    storage = Storage(run, *opened(str(tmp_path / "storage")))
    storage.keep_all()
    run.discard_trial("Xception/t01-s1")
    fetch_missing(run, storage)

    run.write_record(cut)  # of the search: it counts, and stays
    storage.keep_all()
    run.discard_trial("Xception/t01")
    with pytest.raises(UsageRefusal, match=r"1 finished trials .*t01/trial\.json.*elsewhere"):
        fetch_missing(run, storage)


def test_a_record_in_the_storage_that_is_no_trials_counts_as_ahead(
    run: RunFolder, tmp_path: Path
) -> None:
    storage = Storage(run, *opened(str(tmp_path / "storage")))
    storage.keep_all()
    stray = run.trials / "Xception" / "first" / TrialFile.RECORD
    stray.parent.mkdir()
    stray.write_text("{}")
    storage.keep([stray])
    shutil.rmtree(stray.parent)
    with pytest.raises(UsageRefusal, match=r"1 finished trials .*first/trial\.json.*elsewhere"):
        storage.refuse_ahead()


def test_a_run_that_is_here_is_not_fetched(run: RunFolder, tmp_path: Path) -> None:
    before = content(run)
    fetch_missing(run, Storage(run, *opened(str(tmp_path / "nowhere"))))
    assert content(run) == before
