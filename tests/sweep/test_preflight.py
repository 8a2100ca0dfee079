"""What a machine lacks is said before any work, in one line with the flag that mends it."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.preflight import refuse_shared, refuse_unfit, refuse_unlockable
from tests.sweep.helpers import machine

HARDWARE = Hardware(cpus=2, memory_megabytes=8000, gpus=0, name="test")


@pytest.fixture
def short() -> Path:
    return Path("/tmp")


@pytest.fixture
def usual(tmp_path: Path) -> Machine:
    return machine(tmp_path / "cache")


def test_a_machine_that_has_it_all_is_accepted(usual: Machine, short: Path, tmp_path: Path) -> None:
    refuse_unfit(usual, HARDWARE, tmp_path / "run", temporary=short)
    assert list((tmp_path / "run").iterdir()) == []


def test_a_temporary_folder_whose_sockets_would_have_too_long_names_is_refused(
    usual: Machine, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 60)
    with pytest.raises(UsageRefusal, match=r"at most \d+ bytes, got \d+ .*TMPDIR=/tmp"):
        refuse_unfit(usual, HARDWARE, tmp_path, temporary=long)
    cluster = replace(usual, address="head:6379")  # whose temporary folder is not this one
    refuse_unfit(cluster, HARDWARE, tmp_path, temporary=long)


@pytest.mark.parametrize("name", ["tmp", "run", "cache"])
def test_a_full_disk_is_named_with_what_to_do(
    name: str, usual: Machine, short: Path, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentRefusal, match="at least 200 MB must be free, got 7 MB") as full:
        refuse_unfit(
            usual,
            HARDWARE,
            tmp_path / "run",
            temporary=short,
            free=lambda folder: 7 if folder.name == name else 10_000,
        )
    assert full.value.fix.endswith(
        {"tmp": "TMPDIR.", "run": "--run-dir.", "cache": "--cache-dir."}[name]
    )


def test_more_trials_at_a_time_than_memory_holds_are_refused(
    usual: Machine, short: Path, tmp_path: Path
) -> None:
    many = replace(usual, max_concurrent=12)
    with pytest.raises(UsageRefusal, match="12 trials at a time need") as refused:
        refuse_unfit(many, HARDWARE, tmp_path, temporary=short)
    assert (refused.value.where, refused.value.fix) == ("--max-concurrent", "Give at most 11.")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_may_not_be_written_is_refused(
    usual: Machine, short: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(EnvironmentRefusal, match="cannot write"):
        refuse_unfit(usual, HARDWARE, tmp_path, temporary=short)


def test_a_place_that_takes_no_file_is_refused(short: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="cannot write"):
        refuse_unfit(machine(Path("/proc/cache")), HARDWARE, tmp_path, temporary=short)


def test_a_disk_that_refuses_locks_on_what_is_only_read_is_refused(tmp_path: Path) -> None:
    def as_nfs(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    with pytest.raises(EnvironmentRefusal, match=r"must hold in this folder: Bad .*--cache-dir"):
        refuse_unlockable(tmp_path, "--cache-dir", lock=as_nfs)


def test_a_disk_whose_locks_keep_nobody_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="it keeps nobody out"):
        refuse_unlockable(tmp_path, "--run-dir", lock=lambda *_: None)


def test_a_disk_on_which_locks_hold_is_accepted_and_left_as_it_was(tmp_path: Path) -> None:
    refuse_unlockable(tmp_path, "--run-dir", mode="r+b")
    refuse_unlockable(tmp_path, "--cache-dir")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "fuse.sshfs"])
def test_a_nodes_cache_on_a_network_disk_is_refused(kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"31 22 0:40 / /home rw,relatime shared:7 - {kind} server:/home rw\n"
        "32 31 0:41 / /home/local\\040disk rw - xfs /dev/sdb1 rw\n"
        f"33 22 0:42 / /mnt/gö\\040far rw - {kind} server:/far rw\n"
    )
    for fit in ("/tmp", "/homes", "/home/local disk/cache"):
        refuse_shared(Path(fit), "TRANSFER_SWEEP_CACHE_DIR", mounts)
    with pytest.raises(EnvironmentRefusal, match=f"this one is on {kind}"):
        refuse_shared(Path("/home/me/.cache"), "TRANSFER_SWEEP_CACHE_DIR", mounts)
    with pytest.raises(EnvironmentRefusal, match=f"this one is on {kind}"):
        refuse_shared(Path("/mnt/gö far/cache"), "TRANSFER_SWEEP_CACHE_DIR", mounts)
