"""Where the benchmarks run: a scratch folder, the settings both sides share, and a deadline.

Everything that is measured is a process of its own, started here and timed from outside. It gets a
temporary folder below the scratch folder, so that whatever it leaves, Ray's included, is removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results.ledger.files import read_json, write_json
from tests.benchmarks.photos import write_synthetic
from tests.benchmarks.sizes import SEED, Sizes

HOME = Path(__file__).resolve().parents[2]
_GRACE_SECONDS = 30
_POLL_SECONDS = 0.05
_LINES_OF_A_FAULT = 3


class NoTimeLeft(Exception):
    """The budget ended before or during a measurement."""


class Broke(Exception):
    """A measured process failed; the text is the end of what it said."""


@dataclass(frozen=True)
class Finished:
    """A measured process: its seconds from start to end, and the document it wrote."""

    seconds: float
    document: Any


@dataclass
class Workplace:
    """What every measurement needs.

    Attributes:
        root: the scratch folder.
        sizes: how large everything is.
        concurrent, cpus: trials at a time and threads of each, on both sides.
        deadline: of `time.monotonic`, after which nothing is started and what runs is ended.
        onednn: `TF_ENABLE_ONEDNN_OPTS` on both sides.
        say: told what is being measured.
        kept: results that more than one row needs.
    """

    root: Path
    sizes: Sizes
    concurrent: int
    cpus: int
    deadline: float
    onednn: str
    say: Callable[[str], None]
    kept: dict[str, Any] = field(default_factory=dict)
    _runs: int = 0

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    def folder(self, name: str) -> Path:
        """A new empty folder."""
        self._runs += 1
        path = self.root / f"{self._runs}-{name}"
        path.mkdir(parents=True)
        return path

    def dataset(self, photos: int, size: int) -> Path:
        """Synthetic photos as a dataset file, written at the first call."""
        path = self.root / f"photos-{photos}-{size}.h5"
        return path if path.exists() else write_synthetic(path, photos=photos, size=size, seed=SEED)

    def probe(self, module: str, name: str, spec: dict[str, Any]) -> Finished:
        """Run one of a probe module's measurements; `spec` is what it is told."""
        folder = self.folder(name)
        write_json(folder / "spec.json", {"cache": str(folder / "cache"), "seed": SEED, **spec})
        finished = self.run(module, name, str(folder / "spec.json"), out=folder / "out.json")
        shutil.rmtree(folder)
        return finished

    def run(self, module: str, *words: str, out: Path) -> Finished:
        """Time `python -m module WORDS OUT` and read what it wrote."""
        seconds = self.time(["-m", module, *words, str(out)], name=module.rsplit(".", 1)[-1])
        return Finished(seconds, read_json(out))

    def time(self, words: list[str], *, name: str) -> float:
        """Seconds that a Python process takes, from its start to its end.

        Raises:
            NoTimeLeft: the deadline came.
            Broke: it ended with another exit code than 0.
        """
        if self.seconds_left <= 0:
            raise NoTimeLeft
        log = self.root / f"{name}.log"
        temporary = self.folder("t")
        with log.open("w") as sink:
            started = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *words],
                cwd=HOME,
                env=self._environment(temporary),
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait(max(1.0, self.seconds_left))
                seconds = time.perf_counter() - started
            except subprocess.TimeoutExpired:
                raise NoTimeLeft from None
            finally:
                _end(process)
                _end_orphans(temporary)
                shutil.rmtree(temporary, ignore_errors=True)
        if code:
            raise Broke(_last_lines(log))
        return seconds

    def _environment(self, temporary: Path) -> dict[str, str]:
        return {
            **os.environ,
            "TMPDIR": str(temporary),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(HOME), os.environ.get("PYTHONPATH")))),
            "TF_ENABLE_ONEDNN_OPTS": self.onednn,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs: kindly, so that it stops its Ray, then by force."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_GRACE_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()


def _end_orphans(temporary: Path) -> None:
    """End what a killed Ray left: processes that name the run's own temporary folder (Linux)."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(temporary).encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return (
        " / ".join(lines[-_LINES_OF_A_FAULT:])[-400:]
        .replace(str(HOME), ".")
        .replace(str(log.parent), "SCRATCH")
    )
