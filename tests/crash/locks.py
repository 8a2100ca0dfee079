"""Many commands on one run's folder at once: one works, the others refuse and change nothing."""

from __future__ import annotations

import random
import time
from pathlib import Path

from results.ledger.store import RunFolder
from tests.crash.driver import Process, start
from tests.crash.place import TINY, Place, content, differences, place
from tests.crash.row import Row
from tests.crash.runner import Local

_SECONDS_BETWEEN_LOOKS = 0.005
_PATIENCE_SECONDS = 60.0
USAGE = 2


def crowds(seed: int, rounds: int, processes: int, most_seconds: float = _PATIENCE_SECONDS) -> Row:
    """Start so many commands at once on one folder, so many times.

    In every other round the folder has a live run already, and some commands would overwrite it.

    Args:
        most_seconds: in which a refusal must come.
    """
    row = Row(f"{processes} commands on one run's folder at once", "commands", seed)
    row.must_not("more or fewer than one that works", "refusals that are not one line and code 2")
    row.must_not("late refusals", "changed bytes", "sweeps that came out differently")
    choices, slowest = random.Random(seed), 0.0
    with place(TINY) as where:
        reference = where.run("reference")
        where.finish(reference, at_once=1)
        expected = content(reference)
        for number in range(rounds):
            run = where.run(f"crowd-{number}")
            seconds = _crowd(where, run, processes, choices, live=number % 2 == 0, row=row)
            slowest = max(slowest, seconds)
            if seconds > most_seconds:
                row.fault("late refusals", f"{seconds:.1f} s")
            if changed := differences(run, expected):
                row.fault("sweeps that came out differently", ", ".join(changed[:3]))
            where.forget(run)
    row.longest["slowest refusal"] = slowest
    return row


def _crowd(
    where: Place, run: RunFolder, count: int, choices: random.Random, *, live: bool, row: Row
) -> float:
    """One round; the seconds until the last refusal."""
    hold = where.root / "hold"
    hold.touch()
    local = Local(where.journal, hold=hold)
    new = where.typed(run, at_once=1)
    works = [start(new, local, where.root / "stderr-first")] if live else []
    while works and not any(run.trials.glob("*/*/suggestion.json")):
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    before = _bytes(run) if live else {}
    began = time.monotonic()
    others = [
        start(choices.choice(_words(run, new, live)), local, where.root / f"stderr-{at}")
        for at in range(count - len(works))
    ]
    working = _refused([*works, *others], row)
    seconds = time.monotonic() - began
    if live and _bytes(run) != before:
        row.fault("changed bytes", str(run.root))
    hold.unlink()
    ended = [process.wait() for process in working]
    if ended != [0]:
        row.fault("more or fewer than one that works", f"{ended}, {where.told}")
    row.count += count
    return seconds


def _words(run: RunFolder, new: list[str], live: bool) -> list[list[str]]:
    """What could be typed: the same again, in place of a run, or to go on with a live one."""
    return [new, [*new, "--overwrite"], *([["--resume", str(run.root)]] if live else [])]


def _refused(processes: list[Process], row: Row) -> list[Process]:
    """Wait until all but one have ended; return those that have not."""
    until = time.monotonic() + _PATIENCE_SECONDS
    waiting = list(processes)
    while len(waiting) > 1 and time.monotonic() < until:
        for process in [process for process in waiting if process.is_over()]:
            waiting.remove(process)
            code, told = process.wait(), process.stderr()
            if code != USAGE or told.count("\n") != 1 or "the run is in use by" not in told:
                row.fault("refusals that are not one line and code 2", f"{code}: {told}")
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return waiting


def _bytes(run: RunFolder) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.root.rglob("*") if path.is_file()}
