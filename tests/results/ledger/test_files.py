"""Writes are whole or absent, and a broken disk is named."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from results.ledger.files import (
    TEMPORARY_PREFIX,
    disk_faults_named,
    read_json,
    refuse_file_in_the_way,
    refuse_others_folder,
    whole_or_absent,
    write_json,
    write_text,
)
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_not_written(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"value": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(path, {"value": value})
    assert read_json(path) == {"value": 1}


def _write_half(path: Path) -> None:
    with whole_or_absent(path) as part:
        part.write_text("new, half wr")
        raise RuntimeError("killed")


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="killed"):
        _write_half(path)
    assert path.read_text() == "old"
    assert [one.name for one in path.parent.iterdir()] == ["a.txt"]


def test_a_write_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    code = (
        "import os, pathlib, sys\n"
        "from results.ledger.files import whole_or_absent\n"
        "with whole_or_absent(pathlib.Path(sys.argv[1])) as part:\n"
        "    part.write_text('new, half wr')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"
    left = [one.name for one in tmp_path.iterdir() if one.name != "a.txt"]
    assert all(name.startswith(TEMPORARY_PREFIX) for name in left)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "cannot write"),
        (errno.EIO, "cannot write"),
        (errno.EMFILE, "ulimit -n"),
        (errno.ENFILE, "ulimit -n"),
    ],
)
def test_a_broken_disk_is_named(tmp_path: Path, number: int, told: str) -> None:
    with pytest.raises(EnvironmentRefusal, match=told), disk_faults_named(tmp_path):
        raise OSError(number, "as the system says")


def test_other_faults_of_the_system_are_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), disk_faults_named(tmp_path):
        raise IsADirectoryError(errno.EISDIR, "a folder")


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int, mode: int) -> None:
    path = tmp_path / "a.txt"
    code = (
        "import os, pathlib, sys; from results.ledger.files import write_text\n"
        "os.umask(int(sys.argv[2])); write_text(pathlib.Path(sys.argv[1]), 'x')\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path), str(mask)], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/below", "file", "file/below"])
def test_a_file_where_a_folder_is_needed_is_named_before_anything_starts(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageRefusal, match=r"this is a file.*--cache-dir"):
        refuse_file_in_the_way(tmp_path / place, "--cache-dir")
    for missing in ("missing/deeper", "a" * 5000):
        refuse_file_in_the_way(tmp_path / missing, "--cache-dir")


def test_a_folder_that_everyone_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(EnvironmentRefusal, match=r"has mode 777.*chmod o-w"):
        refuse_others_folder(tmp_path)
    tmp_path.chmod(0o775)
    refuse_others_folder(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(EnvironmentRefusal, match="belongs to user 12345"):
        refuse_others_folder(tmp_path)


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EnvironmentRefusal, match="cannot write"):
        write_text(tmp_path / "file" / "below", "x")
