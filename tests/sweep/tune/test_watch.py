"""Ray's own processes are missed as soon as they are gone."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from sweep.tune.watch import ray_watched

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux's /proc")


def named_sleep(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """A process called as Ray's are."""
    program = folder / name
    shutil.copy(shutil.which("sleep") or "", program)
    return subprocess.Popen([str(program), "300"])


@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
@pytest.mark.parametrize("before", [True, False])
def test_a_process_that_ends_is_told_even_if_it_ended_before_the_first_look(
    name: str, before: bool, tmp_path: Path
) -> None:
    died: list[str] = []
    heard = threading.Event()

    def note(name: str) -> None:
        died.append(name)
        heard.set()

    process = named_sleep(tmp_path, name)
    if before:
        process.kill()
    with ray_watched(note):
        if not before:
            process.kill()
        assert heard.wait(30)
    process.wait()
    assert set(died) == {name}


def test_another_process_that_ends_is_none_of_rays(tmp_path: Path) -> None:
    died: list[str] = []
    needed = [named_sleep(tmp_path, name) for name in ("gcs_server", "raylet")]
    with ray_watched(died.append):
        other = subprocess.Popen(["sleep", "1.2"])
        other.wait()
    assert died == []
    for process in needed:
        process.kill()
        process.wait()
