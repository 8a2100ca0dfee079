"""Leftovers of a killed run: only what the run started is ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweep.process.leftovers import (
    TEMPORARY_PREFIX,
    ProcessIdentity,
    descendants,
    end_leftovers,
    write_note,
)
from tests.sweeps import left

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux's /proc")

SLEEP = "import sys, time; print(flush=True); time.sleep(60)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's temporary folder, where `tempfile` makes them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that print a line once they run, and ends what is left of them."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(code: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", code, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def identity(pid: int) -> ProcessIdentity:
    [process] = [process for process in descendants(os.getpid()) if process.pid == pid]
    return process


def test_a_process_that_only_names_the_folder_survives(
    tmp_path: Path, temporary: Path, start: Start
) -> None:
    unrelated = start(SLEEP, str(temporary / "session"))
    write_note(tmp_path / "note", temporary)
    end_leftovers(tmp_path / "note")
    assert unrelated.poll() is None
    assert not temporary.exists()


def test_a_process_that_was_given_the_id_of_an_ended_one_survives(
    tmp_path: Path, temporary: Path, start: Start
) -> None:
    process = start(SLEEP)
    before = ProcessIdentity(process.pid, identity(process.pid).started - 1)
    write_note(tmp_path / "note", temporary, (before,))
    end_leftovers(tmp_path / "note")
    assert process.poll() is None


def test_a_folder_that_is_not_a_runs_is_not_removed(tmp_path: Path, temporary: Path) -> None:
    for folder in (tmp_path / "photos", temporary / f"{TEMPORARY_PREFIX}deeper"):
        folder.mkdir()
        write_note(tmp_path / "note", folder)
        end_leftovers(tmp_path / "note")
        assert folder.is_dir()


@pytest.mark.parametrize("content", ["", "/tmp/sweep-abc", "{"])
def test_a_note_that_cannot_be_read_is_removed_and_ends_nothing(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "note").write_text(content)
    end_leftovers(tmp_path / "note")
    assert not (tmp_path / "note").exists()


def test_without_a_note_nothing_happens(tmp_path: Path) -> None:
    end_leftovers(tmp_path / "note")


def test_a_leftover_is_ended_with_what_it_started_and_its_folder_goes(
    tmp_path: Path, temporary: Path, start: Start
) -> None:
    leftover = start(PARENT)
    [child] = descendants(leftover.pid)
    write_note(tmp_path / "note", temporary, (identity(leftover.pid),))
    end_leftovers(tmp_path / "note")
    assert leftover.wait(10) == -signal.SIGKILL
    leftover.communicate(timeout=10)  # the pipe is closed by the child's end too
    assert left([child]) == []
    assert not temporary.exists()
    assert not (tmp_path / "note").exists()
