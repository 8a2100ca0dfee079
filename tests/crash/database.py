"""`optuna.db`, which SQLite writes by itself: killed at random moments, or not one byte more.

A mirror that nothing depends on: whatever happens to it, the sweep goes on, and the next start
makes it anew.
"""

from __future__ import annotations

import random
import resource
import signal
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from results.ledger.store import RunFolder
from sweep.schedule.studies import Studies
from tests.crash.driver import forked
from tests.crash.row import Row
from tests.results.helpers import Trial, make_run
from tests.sweep.helpers import MEMORY

_PAGE = 4096


def database(seed: int, count: int) -> Row:
    """So many times, kill what writes the file, or let it grow no further than a page."""
    row = Row("`optuna.db` killed or out of space while it is written", "faults", seed)
    row.must_not("sweeps that ended", "files left RUNNING or incomplete")
    choices = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        trials = [Trial("VGG16", number, epochs=2) for number in range(3)]
        run = make_run(Path(name) / "run", trials, sizes={"train": 6, "validation": 4, "test": 6})
        began = time.monotonic()
        _write(run)
        longest, pages = time.monotonic() - began, run.optuna_db.stat().st_size // _PAGE
        for number in range(count):
            if number % 2:
                _limited(run, choices.randrange(pages), row)
            else:
                _killed(run, choices.uniform(0, longest))
            _write(run)
            _judge(run, f"seed {seed}, case {number}", row)
            row.count += 1
    return row


def _write(run: RunFolder) -> int:
    studies = Studies(run.optuna_db, run.read_run().settings.space, ("VGG16",))
    studies.add(run.records())
    studies.write()
    return 0


def _limited(run: RunFolder, pages: int, row: Row) -> None:
    told = run.root.parent / "told"

    def write() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (pages * _PAGE, resource.RLIM_INFINITY))
        return _write(run)

    if code := forked(write, told).wait():
        row.fault("sweeps that ended", f"{pages} pages: {code}, {told.read_text()[-500:]}")


def _killed(run: RunFolder, after: float) -> None:
    process = forked(lambda: _write(run), run.root.parent / "told")
    time.sleep(after)
    process.kill()
    assert process.wait() in (0, -signal.SIGKILL)


def _judge(run: RunFolder, what: str, row: Row) -> None:
    with closing(sqlite3.connect(run.optuna_db)) as file:
        states = [state for (state,) in file.execute("SELECT state FROM trials")]
        intact = file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if states != ["COMPLETE"] * len(run.records()) or not intact:
        row.fault("files left RUNNING or incomplete", f"{what}: {states}")
