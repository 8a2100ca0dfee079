"""The guardian: whatever ends the command or its driver, nothing that it started goes on."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from results.ledger.repeats import count_planned
from sweep.process.leftovers import ProcessIdentity, descendants, is_running
from tests.results.helpers import Trial, make_run
from tests.sweeps import HOME, left

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="needs Linux's /proc")

COMMAND = """
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path
from sweep.process.guardian import guarded
from sweep.signals import Interrupted, signals_as_exceptions

def work(guardian):
    {body}

sys.exit(guarded(work, patience=0.5))
"""
ORPHAN = "import os, time\nif os.fork(): os._exit(0)\nos.setsid(); time.sleep(300)"
"""A process that its parent, its group and its session know nothing of."""
BUSY = (
    f"subprocess.run([sys.executable, '-c', {ORPHAN!r}]); "
    "subprocess.Popen(['sleep', '300']); print('busy', flush=True); "
)
STUBBORN = f"signal.signal(signal.SIGUSR2, signal.SIG_IGN); {BUSY} time.sleep(300)"
SEVERAL = 4  # the guardian, the driver, the orphan and the other child


@contextmanager
def command(body: str, *before: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, behind words such as `nohup`."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", COMMAND.format(body=body)],
        cwd=HOME,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def busy(process: subprocess.Popen[str]) -> tuple[ProcessIdentity, ...]:
    """Wait until the command is busy; all that it has started, an orphan among them."""
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    until = time.monotonic() + 30
    while len(started := descendants(process.pid)) != SEVERAL:
        assert time.monotonic() < until, started
        time.sleep(0.01)
    return started


def test_a_killed_command_leaves_nothing_of_what_it_started() -> None:
    with command(f"{BUSY} time.sleep(300)") as process:
        started = busy(process)
        process.kill()
        process.communicate(timeout=30)  # its output is closed when the guardian has ended
        assert left(started) == []


def test_a_process_of_somebody_else_in_the_same_group_survives() -> None:
    with command(f"{BUSY} time.sleep(300)") as process:
        busy(process)
        other = subprocess.Popen(["sleep", "300"], process_group=process.pid)
        process.kill()
        process.communicate(timeout=30)
        assert other.poll() is None
        other.kill()
        other.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
@pytest.mark.parametrize("body", [STUBBORN, f"{BUSY} time.sleep(300)"])
def test_a_signal_to_the_group_ends_even_a_driver_that_does_not_answer(
    number: signal.Signals, body: str
) -> None:
    with command(body) as process:
        started = busy(process)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert (out, err) == ("stopped before any work; nothing was changed\n", "")
    assert left(started) == []


def test_a_second_signal_ends_at_once_and_leaves_nothing() -> None:
    with command(STUBBORN.replace("300", "200")) as process:
        started = busy(process)
        process.terminate()
        time.sleep(0.1)
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert left(started) == []


def test_a_command_behind_nohup_outlives_its_terminal() -> None:
    with command(STUBBORN, "nohup") as process:
        busy(process)
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 143


def test_a_driver_does_not_go_on_without_its_guardian() -> None:
    with command(f"{BUSY} time.sleep(300)") as process:
        guardian, driver, *others = busy(process)
        os.kill(guardian.pid, signal.SIGKILL)
        process.wait(30)
        assert left([driver]) == []
        for other in others:
            os.kill(other.pid, signal.SIGKILL)
    assert process.returncode == 4


def test_a_signal_says_how_far_the_run_is_and_how_to_go_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)])
    planned = count_planned(folder.read_run().settings, folder.records())
    lock = f"os.open({str(tmp_path / 'lock')!r}, os.O_CREAT | os.O_RDWR)"
    with command(
        f"guardian.hold(Path({str(tmp_path)!r}), {lock}); {BUSY} time.sleep(300)"
    ) as process:
        busy(process)
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert out == (
        f"stopped with 1 of {planned} trials done and kept; "
        f"go on with: python run_sweep.py --resume {tmp_path}\n"
    )
    assert (process.returncode, err) == (143, "")


def test_the_lock_of_a_killed_command_is_held_until_nothing_of_it_runs(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    body = (
        f"lock = os.open({str(lock)!r}, os.O_CREAT | os.O_RDWR); import fcntl; "
        f"fcntl.flock(lock, fcntl.LOCK_EX); guardian.hold(Path({str(tmp_path)!r}), lock); {BUSY}"
        "time.sleep(300)"
    )
    with command(body) as process, lock.open("a") as ours:
        _guardian, *others = busy(process)
        process.kill()
        fcntl.flock(ours, fcntl.LOCK_EX)
        assert [one for one in others if is_running(one)] == []


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("os.kill(os.getpid(), 9)", 4, "ended unexpectedly with -9"),
        ("os._exit(1)", 4, "ended unexpectedly with 1"),
        ("os.abort()", 4, "ended unexpectedly with -6"),
        ("os._exit(4)", 4, ""),
        ("return 1", 1, ""),
        ("return 0", 0, ""),
        ("sys.exit(2)", 2, ""),
    ],
)
def test_the_drivers_end_is_the_commands_and_is_explained_where_the_driver_could_not(
    body: str, code: int, said: str
) -> None:
    with command(body) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert said in err
    assert len(err.splitlines()) == (1 if said else 0)
    assert out == ""


WITH_RAY = """
    folder = Path({folder!r})
    guardian.hold(folder, os.open(folder / 'lock', os.O_CREAT | os.O_RDWR))
    with guardian.watching_ray():
        ray = subprocess.Popen([str(folder / 'gcs_server'), '300'])
        {meanwhile}
    {afterwards}
    return 0
"""


def with_ray(folder: Path, meanwhile: str = "pass", afterwards: str = "pass") -> str:
    """Work that starts a process called as one of Ray's is."""
    shutil.copy(shutil.which("sleep") or "", folder / "gcs_server")
    return WITH_RAY.format(folder=str(folder), meanwhile=meanwhile, afterwards=afterwards)


def test_a_ray_that_dies_ends_a_driver_in_which_no_python_runs(tmp_path: Path) -> None:
    stuck = "ray.kill(); ctypes.PyDLL(None).sleep(300)"  # holds the interpreter's lock
    with command(with_ray(tmp_path, meanwhile=stuck)) as process:
        _, err = process.communicate(timeout=30)
    assert process.returncode == 4
    log = tmp_path / "log.txt"
    assert err.startswith(f"error: Ray died: its gcs_server has ended ({log}). Finished trials are")
    assert err.count("\n") == 1
    assert "Ray died" in log.read_text()


def test_a_ray_that_is_no_longer_needed_may_end(tmp_path: Path) -> None:
    with command(with_ray(tmp_path, afterwards="ray.kill(); time.sleep(1)")) as process:
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_what_ended_work_left_running_is_ended_too() -> None:
    with command(f"{BUSY} sys.stdin.readline(); return 0") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "busy\n", "")


def test_a_process_that_may_open_few_files_is_refused_before_anything() -> None:
    few = ("bash", "-c", 'ulimit -n 255; exec "$@"', "limited")
    with command("print('begun')", *few) as process:
        out, told = process.communicate()
    assert (process.returncode, out) == (4, "")
    assert told == (
        "error: a process must be allowed 256 open files, got 255 (ulimit -n). "
        "Raise the limit before you start it: ulimit -n 4096\n"
    )
