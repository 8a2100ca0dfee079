"""Ray's own processes are missed as soon as they are gone."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sweep.process.ray_watch import RayWatch

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux's /proc")


@contextmanager
def named_sleep(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process called as Ray's are."""
    program = folder / name
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([str(program), "300"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and leave it to be collected, as Ray's are for a while."""
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_process_that_ended_before_the_first_look_is_told(name: str, tmp_path: Path) -> None:
    watch = RayWatch(os.getpid())
    with named_sleep(tmp_path, name) as process:
        end(process)
        assert watch.ended() == name


@pytest.mark.parametrize("collected", [False, True])
@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_a_process_that_ends_later_is_told(name: str, collected: bool, tmp_path: Path) -> None:
    watch = RayWatch(os.getpid())
    with named_sleep(tmp_path, name) as process:
        assert watch.ended() is None
        end(process)
        if collected:
            process.wait()
        assert watch.ended() == name


def test_another_process_that_ends_is_none_of_rays(tmp_path: Path) -> None:
    watch = RayWatch(os.getpid())
    with named_sleep(tmp_path, "gcs_server"), named_sleep(tmp_path, "raylet"):
        with named_sleep(tmp_path, "dashboard") as other:
            assert watch.ended() is None
            end(other)
            assert watch.ended() is None
        assert watch.ended() is None
