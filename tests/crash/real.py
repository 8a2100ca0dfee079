"""The command as its user starts it, with Ray and Keras: its processes are killed, and it goes on.

Two small backbones with random weights. A sweep loses a training process and, later, its driver, at
random moments from its start to its report; then it is resumed. In other sweeps one of Ray's own
processes dies while Ray starts or soon after.
"""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from results.ledger.store import RunFolder
from sweep.process.leftovers import ProcessIdentity, descendants
from tests.crash.row import Row
from tests.sweeps import finish, left, named, outcomes, photo_folder, record_times, resume, small
from tests.sweeps import start as started

_SECONDS_BETWEEN_LOOKS = 0.02
_MOST_SECONDS = 10.0
_MEASURED = ("seconds", "photos_", "bytes_", "multiply_adds_prefix")
"""How columns begin that say what it took."""
_UNEQUAL = ("cost.csv", "cost_by_backbone.csv", "characteristics.csv")


@dataclass(frozen=True)
class Real:
    """Where sweeps are run: the photos, the cache that they share, and how long one takes."""

    root: Path
    seconds: float = 0.0

    def words(self, run: Path) -> list[str]:
        return small(self.root / "photos", self.root / "cache", run)

    def start(self, run: Path) -> subprocess.Popen[str]:
        if RunFolder(run).exists():
            return started("--resume", str(run), "--cache-dir", str(self.root / "cache"))
        return started(*self.words(run))


def real_kills(seed: int, sweeps: int) -> Row:
    """Kill a training process and twice the driver of each of so many sweeps."""
    row = Row("the real sweep: a training process killed, then the driver", "kills", seed)
    row.must_not("trials lost or repeated", "sweeps that came out differently")
    row.must_not("ends that were not clean", "processes left after 10 s")
    choices = random.Random(seed)
    with real(row) as where:
        reference = where.root / "reference"
        trials, tables = outcomes(reference), equal_tables(reference)
        for number in range(sweeps):
            run = where.root / f"killed-{number}"
            _kill_twice(where, run, choices, row)
            code, _, err = resume(run, where.root / "cache")
            if (code, err) != (0, ""):
                row.fault("ends that were not clean", f"{code}, {err}")
            if outcomes(run) != trials:
                row.fault("sweeps that came out differently", f"{run.name}: trials")
            if changed := _changed(equal_tables(run), tables):
                row.fault("sweeps that came out differently", f"{run.name}: {changed}")
            shutil.rmtree(run)
    return row


def ray_deaths(seed: int, sweeps: int) -> Row:
    """Kill GCS or raylet of so many sweeps in turn, at once or soon after they have started."""
    row = Row("the real sweep: GCS or raylet killed while Ray starts", "kills", seed)
    row.must_not("ends that were not one line and code 4", "later than 10 s")
    row.must_not("processes left after 10 s")
    choices = random.Random(seed)
    with real() as where:
        for number in range(sweeps):
            run, name = where.root / f"rayless-{number}", ("gcs_server", "raylet")[number % 2]
            process = where.start(run)
            until(process, lambda: bool(named(process.pid, name)))  # noqa: B023
            time.sleep(choices.choice((0.0, choices.uniform(0.0, 2.0))))
            ours, began = descendants(process.pid), time.monotonic()
            with suppress(IndexError, ProcessLookupError):
                os.kill(named(process.pid, name)[0].pid, signal.SIGKILL)
            code, _, err = ended(process, name, ours, began, row)
            if code != 4 or err.count("\n") != 1 or "Ray" not in err:
                row.fault("ends that were not one line and code 4", f"{name}: {code}, {err}")
            row.count += 1
            shutil.rmtree(run, ignore_errors=True)
    return row


@contextmanager
def real(row: Row | None = None) -> Iterator[Real]:
    """A place with photos; with a row, a sweep that nothing happens to is in `reference`."""
    with tempfile.TemporaryDirectory(prefix="real-") as name:
        root = Path(name)
        photo_folder(root / "photos")
        began = time.monotonic()
        if row is not None:
            process = Real(root).start(root / "reference")
            code, _, err = finish(process)
            if (code, err) != (0, ""):
                row.fault("ends that were not clean", f"the reference: {code}, {err}")
        # It measured Table 1 as well, which the others find in the cache: they take half of it.
        yield Real(root, (time.monotonic() - began) / 2)


def _kill_twice(where: Real, run: Path, choices: random.Random, row: Row) -> None:
    process = where.start(run)
    moments = sorted(choices.uniform(0.0, 0.9 * where.seconds) for _ in range(2))
    wait(process, moments[0])
    until(process, lambda: bool(named(process.pid, "sweep.process.worker")))
    if workers := named(process.pid, "sweep.process.worker"):
        with suppress(ProcessLookupError):
            os.kill(choices.choice(workers).pid, signal.SIGKILL)
            row.sums["training processes"] += 1
            row.count += 1
    wait(process, moments[1] - moments[0])
    ours = descendants(process.pid)
    if process.poll() is None:
        process.kill()
        row.sums["drivers"] += 1
        row.count += 1
    finish(process)
    if others := left(ours):
        row.fault("processes left after 10 s", f"{others}")
    kept = record_times(run)
    if not RunFolder(run).exists():
        return
    again = where.start(run)
    until(again, lambda: len(record_times(run)) > len(kept))
    if {path: time for path, time in record_times(run).items() if path in kept} != kept:
        row.fault("trials lost or repeated", run.name)
    if again.poll() is None:
        again.kill()
        row.sums["drivers"] += 1
        row.count += 1
    finish(again)


def ended(
    process: subprocess.Popen[str],
    what: str,
    ours: Sequence[ProcessIdentity],
    began: float,
    row: Row,
) -> tuple[int, str, str]:
    """Wait for a command that has to end in time and to leave nothing: exit code, stdout, stderr.

    Args:
        what: was done to it.
        ours: its processes, before that.
        began: when, by the monotonic clock.
    """
    code, out, err = finish(process)
    seconds = time.monotonic() - began
    row.longest["slowest end"] = max(seconds, row.longest.get("slowest end", 0.0))
    if seconds > _MOST_SECONDS:
        row.fault("later than 10 s", f"{what}: {seconds:.1f} s, {err}")
    if others := left(ours):
        row.fault("processes left after 10 s", f"{what}: {others}")
    return code, out, err


def wait(process: subprocess.Popen[str], seconds: float) -> None:
    """So long, or until the process ends."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def until(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Until something holds, or the process ends."""
    while not ready() and process.poll() is None:
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def equal_tables(run: Path) -> dict[str, list[list[str]]]:
    """The report's tables by name, without what was measured by a clock or counted of caches."""
    tables = {}
    for path in sorted((RunFolder(run).report / "tables").glob("*.csv")):
        if path.name in _UNEQUAL:
            continue
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        at = [place for place, name in enumerate(header) if not name.startswith(_MEASURED)]
        tables[path.name] = [[row[place] for place in at] for row in (header, *rows)]
    return tables


def _changed(one: dict[str, list[list[str]]], other: dict[str, list[list[str]]]) -> list[str]:
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]
