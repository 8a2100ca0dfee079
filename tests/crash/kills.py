"""Exactly once: SIGKILL at random moments, resume, and again, until the sweep is complete.

A kill takes the driver alone, one of its training processes, or all of them; training processes
that outlive their driver finish their trial beside the next one, as they can with Ray.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from pathlib import Path

from results.ledger.store import RunFolder
from tests.crash.driver import Process
from tests.crash.place import SMALL, Place, content, differences, litter, place, record_states
from tests.crash.row import Row
from tests.crash.runner import Local

LONGEST_SHARE = 0.45
"""Before a kill, of what the whole sweep takes: a random moment up to there."""

STARTED_WITH = 2
"""Trials at a time."""


def kills(seed: int, count: int) -> Row:
    """Kill sweeps so many times in all, and compare each with one that was never killed."""
    row = Row("SIGKILL at a random moment of a sweep with a fake trainer", "kills", seed)
    row.must_not("trials lost", "trials repeated", "sweeps that came out differently")
    row.must_not("ends that were not clean", "parts of files left")
    moments, sweeps = random.Random(seed), 0
    with place(SMALL) as where:
        began = time.monotonic()
        reference = _reference(where, row)
        longest = LONGEST_SHARE * (time.monotonic() - began)
        while row.count < count:
            sweeps += 1
            run = where.run(f"sweep-{sweeps}")
            _killed_sweep(where, run, moments, row, count=count, longest=longest)
            if changed := differences(run, reference):
                row.fault("sweeps that came out differently", ", ".join(changed[:3]))
            if left := litter(run):
                row.fault("parts of files left", ", ".join(left))
            where.forget(run)
    row.sums["sweeps"] = sweeps
    row.notes["trials each"] = str(sum(name.endswith("/trial.json") for name in reference))
    return row


def _reference(where: Place, row: Row) -> dict[str, bytes]:
    run = where.run("reference")
    if fault := where.finish(run, at_once=STARTED_WITH):
        row.fault("ends that were not clean", fault)
    return content(run)


def _killed_sweep(
    where: Place,
    run: RunFolder,
    moments: random.Random,
    row: Row,
    *,
    count: int,
    longest: float,
) -> None:
    """Start the sweep, kill it, and start it again, until it ends by itself."""
    processes = moments.random() < 0.5
    while True:
        before, begun = record_states(run), _lines(where.journal)
        local = Local(
            where.journal,
            order=moments.randrange(2**32),
            processes=processes,
            mirror=moments.random() < 0.02,
        )
        # What the first start has at a time decides which trials are seen; later ones are free.
        at_once = moments.choice((1, 2)) if run.exists() else STARTED_WITH
        process = where.start(run, local, at_once=at_once)
        killed = row.count < count and _killed(process, moments, longest)
        code, told = process.wait(), process.stderr()
        _compare(before, run, _lines(where.journal)[len(begun) :], row)
        row.count += killed
        if (code, told) == (0, ""):
            return
        if not (killed and code == -9):
            row.fault("ends that were not clean", f"exit code {code}: {told}")
            if not killed:
                return


def _killed(process: Process, moments: random.Random, longest: float) -> bool:
    """Kill the driver, one of its trainers or all, after a random while; False if it was over."""
    victim = moments.choice(("driver", "trainer", "all"))
    time.sleep(moments.uniform(0.0, longest))
    if process.is_over():
        return False
    if victim == "trainer":
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if not children:
            return False
        with suppress(ProcessLookupError):
            os.kill(int(moments.choice(children)), 9)
        return True
    process.kill(group=victim == "all")
    return True


def _compare(
    before: dict[str, tuple[int, int]], run: RunFolder, begun: list[str], row: Row
) -> None:
    """Records that were there must be there still, untouched, and their trials not begun again."""
    now = record_states(run)
    for trial, state in before.items():
        if trial not in now:
            row.fault("trials lost", trial)
        elif now[trial] != state or trial in begun:
            row.fault("trials repeated", trial)


def _lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []
