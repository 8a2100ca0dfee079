"""CRASH_REPORT.md: every row with its count, its seeds and what went wrong."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.crash.row import Row

_HEAD = """\
# Crash report

Written by `make crash-test`, which runs `python -m tests.crash` (what it does stands in
`tests/crash/`); not edited. Seed {seed}, {day}, {minutes:.1f} minutes on {machine},
{jobs} rows at a time. Every row goes on until its goal is reached or its share of the time is
spent; a row's piece number *n* has the seed {seed} + *n*.

In rows that do not say "real" the driver is the product's own, from the command line to the
ledger, but for Ray, in whose place trials are handed to a trainer that takes milliseconds and
writes real artefacts; a start that is not killed happens in this process, the others are forks of
it, and all lies in memory, so that `fsync` costs nothing. The real rows are the command as it is
typed, with Ray and Keras, on a disk.

| what | done | goal | seeds | what must not happen, and how often it did | besides | seconds |
|---|---|---|---|---|---|---|
"""

_TAIL = """
## Not in here

- Signals to the real command, and what it says then: `tests/test_interruptions.py`.
- Disk faults count what Python asks of the disk. What HDF5 writes by itself is not among them, and
  pictures and networks are drawn once: what puts them on the disk is tried, not what makes them.
"""


@dataclass(frozen=True)
class Result:
    """Attributes:
    row: what came out.
    goal: the count that was wanted; None for a fixed list that was not gone through to its end.
    pieces: that the row was made of, each with a seed of its own.
    seconds: that it took.
    """

    row: Row
    goal: int | None
    pieces: int
    seconds: float


def report(results: Sequence[Result], *, seed: int, minutes: float, jobs: int) -> str:
    """The whole report."""
    machine = f"{os.cpu_count()} processors ({platform.machine()}, {platform.system()})"
    head = _HEAD.format(seed=seed, day=date.today(), minutes=minutes, jobs=jobs, machine=machine)
    examples = [example for result in results for example in result.row.examples]
    found = ["", "## What went wrong", "", *(f"- {_line(one)}" for one in examples), ""]
    rows = "".join(map(_row, results))
    return head + rows + ("\n".join(found) if examples else "") + _TAIL


def _row(result: Result) -> str:
    row = result.row
    goal = "all of them" if result.goal is None else f"{result.goal:,}"
    faults = ", ".join(f"{kind}: {times:,}" for kind, times in row.faults.items())
    besides = [
        *(f"{name}: {value}" for name, value in row.notes.items()),
        *(f"{name}: {times:,}" for name, times in row.sums.items()),
        *(f"{name}: {seconds:.2f} s" for name, seconds in row.longest.items()),
    ]
    seeds = f"{row.seed} to {row.seed + result.pieces - 1}" if result.pieces > 1 else f"{row.seed}"
    done = f"{row.count:,} {row.unit}"
    cells = (row.what, done, goal, seeds, faults, ", ".join(besides), f"{result.seconds:.0f}")
    return f"| {' | '.join(cells)} |\n"


def _line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:600]
