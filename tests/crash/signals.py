"""Signals that ask the real command to end, at random moments of a sweep that goes on each time.

SIGINT, SIGTERM and SIGHUP, to the command alone or, as Slurm, systemd and terminals do, to its
group. It has to end within ten seconds with the signal's code, say how to go on, and leave nothing.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from sweep.process.guardian import NOTHING_DONE
from sweep.process.leftovers import descendants
from tests.crash.real import ended, real, until, wait
from tests.crash.row import Row
from tests.sweeps import finish, outcomes

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def signals(seed: int, count: int) -> Row:
    """Send so many signals; a sweep that comes to its end has to be what it would have been."""
    row = Row("the real sweep: SIGINT, SIGTERM, SIGHUP to it or its group", "signals", seed)
    row.must_not("ends with another code or more than a line", "later than 10 s")
    row.must_not("processes left after 10 s", "sweeps that came out differently")
    choices = random.Random(seed)
    with real(row) as where:
        trials, run = outcomes(where.root / "reference"), where.root / "interrupted"
        while row.count < count:
            process = where.start(run)
            until(process, lambda: len(descendants(process.pid)) >= 2)  # noqa: B023
            wait(process, choices.uniform(0.0, where.seconds))
            if process.poll() is None:
                _send(process, choices, run, row)
            else:
                _finished(process, outcomes(run) == trials, row)
                shutil.rmtree(run)
    return row


def _send(process: subprocess.Popen[str], choices: random.Random, run: Path, row: Row) -> None:
    number, to_group = choices.choice(_SIGNALS), choices.random() < 0.5
    ours, began = descendants(process.pid), time.monotonic()
    with suppress(ProcessLookupError):
        (os.killpg if to_group else os.kill)(process.pid, number)
    what = f"{number.name}{' to the group' if to_group else ''}"
    code, out, err = ended(process, what, ours, began, row)
    row.count += 1
    row.sums[what] += 1
    last = out.splitlines()[-1] if out else ""
    told = last == NOTHING_DONE or (last.startswith("stopped ") and str(run) in last)
    if code == 0:  # it had come to its end
        row.sums["ended well before"] += 1
    elif (code, err) != (128 + number, "") or not told:
        row.fault("ends with another code or more than a line", f"{what}: {code}, {last}, {err}")


def _finished(process: subprocess.Popen[str], equal: bool, row: Row) -> None:
    code, _, err = finish(process)
    row.sums["sweeps"] += 1
    if not equal or (code, err) != (0, ""):
        row.fault("sweeps that came out differently", f"{code}, {err}")
