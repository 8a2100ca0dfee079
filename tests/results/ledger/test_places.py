"""The run's folder: who writes into it, and what killed processes leave there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import Trial, make_run

HOLDS = (
    "import pathlib, sys\n"
    "from results.ledger.store import RunFolder\n"
    "with RunFolder(pathlib.Path(sys.argv[1])).training(''):\n"
    "    print(flush=True)\n"
    "    sys.stdin.read()\n"
)


def test_a_run_waits_for_training_processes_that_outlived_their_driver(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        assert trainer.stdout is not None
        trainer.stdout.readline()
        with pytest.raises(EnvironmentRefusal, match="still at work"):
            folder.wait_for_trainers(seconds=0)
        trainer.kill()
    folder.wait_for_trainers(seconds=0)


def test_training_processes_of_one_run_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with RunFolder(tmp_path).training(""), RunFolder(tmp_path).training(""):
        pass


def test_a_training_process_whose_run_was_taken_over_writes_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.locked():
        holder = folder.holder()
    with folder.locked(), folder.training(folder.holder()):
        pass
    with pytest.raises(EnvironmentRefusal, match="is gone"), folder.training(holder):
        pytest.fail("it would write")


def test_parts_of_files_are_removed_and_nothing_else(tmp_path: Path) -> None:
    places = ("", "trials/VGG16/t01", "report/tables", "models")
    for place in places:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        (tmp_path / place / ".part-0123").write_text("half")
        (tmp_path / place / "whole").write_text("whole")
    RunFolder(tmp_path).clear_parts()
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        tmp_path / place / "whole" for place in places
    )


def test_a_folder_without_trials_has_no_parts_to_remove(tmp_path: Path) -> None:
    RunFolder(tmp_path).clear_parts()


def test_a_record_is_written_beside_no_part_of_a_training_process_that_was_killed(
    tmp_path: Path,
) -> None:
    folder = make_run(tmp_path / "run", (Trial("VGG16", 0),))
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    part = folder.trial(record.trial) / ".part-0123.npz"
    part.write_bytes(b"half")
    folder.write_record(record)
    assert not part.exists()
    assert folder.read_record(record.trial) == record
