"""Runs the command as its user does, in a process of its own, on small photos made for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from sweep.process.leftovers import ProcessIdentity, descendants, is_running

HOME = Path(__file__).resolve().parents[1]
PHOTOS_PER_CLASS = 20
PATIENCE_SECONDS = 480


def photo_folder(root: Path) -> Path:
    """Two classes of noisy photos, dark and light, forty in all."""
    rng = np.random.default_rng(5)
    for name, level in (("dark", 40), ("light", 180)):
        (root / name).mkdir(parents=True)
        for number in range(PHOTOS_PER_CLASS):
            pixels = (rng.integers(0, 60, (40, 36, 3)) + level).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def with_table_1(cache: Path, table_1: Path) -> Path:
    """A new cache folder with what other tests measured of the machine, see `conftest.table_1`."""
    cache.mkdir(parents=True)
    (cache / "characteristics").symlink_to(table_1)
    return cache


def small(
    photos: Path,
    cache: Path,
    run: Path,
    *,
    backbones: str = "vgg16,efficientnetb0",
    confirm: int = 0,
) -> list[str]:
    """Words for a sweep of two backbones, three trials each, that takes seconds."""
    return [
        *("--backbones", backbones, "--trials", "2", "--epochs", "2", "--confirm", str(confirm)),
        *("--image-size", "32", "--batch-size", "8", "--weights", "random"),
        *("--data", str(photos), "--cache-dir", str(cache), "--run-dir", str(run)),
        *("--max-concurrent", "2", "--cpus-per-trial", "1"),
    ]


def start(*words: str, onednn: str = "1") -> subprocess.Popen[str]:
    """Start the command, its output piped.

    Args:
        onednn: the setting in its environment; empty: the command's own, which is on.
    """
    return subprocess.Popen(
        [sys.executable, str(HOME / "run_sweep.py"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),  # below nohup as well
        env={**os.environ, "COLUMNS": "100", "TF_ENABLE_ONEDNN_OPTS": onednn},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a command: exit code, stdout, stderr."""
    try:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def sweep(*words: str, onednn: str = "1") -> tuple[int, str, str]:
    """Run the command to its end: exit code, stdout, stderr."""
    return finish(start(*words, onednn=onednn))


def resume(run: Path, cache: Path, *, onednn: str = "1") -> tuple[int, str, str]:
    """Go on with a run."""
    return sweep("--resume", str(run), "--cache-dir", str(cache), onednn=onednn)


def when(process: subprocess.Popen[str], ready: Callable[[], bool], number: signal.Signals) -> None:
    """Send a signal as soon as something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert process.poll() is None, f"ended before: {process.communicate()}"
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)
    process.send_signal(number)


def named(pid: int, words: str) -> list[ProcessIdentity]:
    """Processes below `pid` that have these words in their command."""
    found = []
    for process in descendants(pid):
        with suppress(OSError):  # it has ended
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ")
            if words in command.decode(errors="replace"):
                found.append(process)
    return found


def left(started: Iterable[ProcessIdentity]) -> list[ProcessIdentity]:
    """Those that still run after ten seconds; at once if there are none."""
    until = time.monotonic() + 10
    while running := [process for process in started if is_running(process)]:
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return running


def outcomes(run: Path) -> dict[str, tuple[object, ...]]:
    """Per trial what must not depend on kills and resumes: point, status, losses, test answers."""
    folder = RunFolder(run)
    return {record.trial: _outcome(folder, record) for record in folder.records()}


def _outcome(folder: RunFolder, record: TrialRecord) -> tuple[object, ...]:
    losses = tuple((one.train_loss, one.validation_loss) for one in record.epochs)
    test = folder.open_sealed_test(record.trial).tobytes() if record.has_scores else b""
    return record.config, record.status, losses, record.best_epoch, test


def record_times(run: Path) -> dict[Path, int]:
    """When each record was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in RunFolder(run).trials.glob("*/*/trial.json")}
