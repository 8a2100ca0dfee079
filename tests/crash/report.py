"""CRASH_REPORT.md: every row with its count, its seeds and what went wrong.

A row that is not made again stays as it was, so that one can be done once more after a mend. One
made with another seed stands beside the former: more of the same.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.crash.row import Row

_HEAD = """\
# Crash report

Written by `make crash-test`, which runs `python -m tests.crash` (what it does stands in
`tests/crash/`); not edited. Seed {seed}, on {machine}, {jobs} rows at a time; all rows
together {minutes:.0f} minutes. Every row goes on until its goal is reached or its share of the time
is spent; a row's pieces have the seeds that it names.

In rows that do not say "real" the driver is the product's own, from the command line to the
ledger, but for Ray, in whose place trials are handed to a trainer that takes milliseconds and
writes real artefacts; a start that is not killed happens in this process, the others are forks of
it, and all lies in memory, so that `fsync` costs nothing. The real rows are the command as it is
typed, with Ray and Keras, on a disk.

| what | done | goal | seeds | what must not happen, and how often | besides | seconds | date |
|---|---|---|---|---|---|---|---|
"""
_LINE = re.compile(
    r"\| (?P<what>.+?) \| (?:[^|]+ \| ){2}(?P<seed>\d+)(?: to \d+)? \| .* "
    r"\| \d+ \| \d{4}-\d\d-\d\d \|"
)

_TAIL = """
## Not in here

- What the command says at each stage when a signal ends it: `tests/test_interruptions.py`.
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


def report(results: Sequence[Result], *, former: str, seed: int, jobs: int) -> str:
    """The whole report.

    Args:
        former: the report before it, whose other rows stay; or nothing.
    """
    rows = rows_of(former)
    made = {(result.row.what, result.row.seed): _row(result) for result in results}
    stay = tuple(f"- {what}: " for what, seed in rows if (what, seed) not in made)
    rows |= made
    order = list(dict.fromkeys(what for what, _ in rows))
    rows = {
        name: rows[name] for name in sorted(rows, key=lambda name: (order.index(name[0]), name[1]))
    }
    examples = [line for line in former.splitlines() if line.startswith(stay)]
    examples += [
        f"- {result.row.what}: {_line(one)}" for result in results for one in result.row.examples
    ]
    seconds = sum(result.seconds for result in results)
    seconds += sum(int(line.split(" | ")[-2]) for name, line in rows.items() if name not in made)
    machine = f"{os.cpu_count()} processors ({platform.machine()}, {platform.system()})"
    head = _HEAD.format(seed=seed, machine=machine, jobs=jobs, minutes=seconds / 60)
    wrong = ["", "## What went wrong", "", *examples, ""] if examples else []
    return head + "\n".join([*rows.values(), *wrong]).rstrip("\n") + "\n" + _TAIL


def rows_of(report: str) -> dict[tuple[str, int], str]:
    """A report's rows by what they tried and with which seed."""
    found = (_LINE.fullmatch(line) for line in report.splitlines())
    return {(row["what"], int(row["seed"])): row[0] for row in found if row}


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
    done, seconds = f"{row.count:,} {row.unit}", f"{result.seconds:.0f}"
    cells = (row.what, done, goal, seeds, faults, ", ".join(besides), seconds, str(date.today()))
    return f"| {' | '.join(cells)} |"


def _line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[:600]
