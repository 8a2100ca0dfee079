"""What a machine lacks is said before any work, in one line with the flag that mends it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.preflight import refuse_unfit
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
