"""The crash harness at length: `make crash-test`, or

    python -m tests.crash --seed 2026 --minutes 12 --out CRASH_REPORT.md

Every row goes on until its count is reached or its share of the minutes is spent; the report says
what came of it. All in temporary folders; a few hundred MB, but for the rows with Ray and Keras.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.crash.copies import copies
from tests.crash.damage import READERS, cuts, dataset_flips, flips, resumed_cuts
from tests.crash.database import database
from tests.crash.faults import PARTS, faults
from tests.crash.kills import kills
from tests.crash.limits import limits
from tests.crash.locks import crowds
from tests.crash.malformed import malformed
from tests.crash.moved import circumstances
from tests.crash.odd_names import odd_names
from tests.crash.real import ray_deaths, real_kills
from tests.crash.report import Result, report
from tests.crash.row import Row
from tests.crash.soak import soak
from tests.crash.stages import PARTS as STAGE_PARTS
from tests.crash.stages import stage_faults
from tests.crash.stock import stock
from tests.crash.timing import orders


@dataclass(frozen=True)
class Task:
    """Attributes:
    goal: what the whole row comes to, in its own unit; 0 for a fixed list.
    chunk: makes a piece of it, of a seed and the number of the piece.
    share: of the minutes.
    pieces: of a fixed list.
    """

    goal: int
    chunk: Callable[[int, int], Row]
    share: float
    pieces: int = 1


TASKS = (
    Task(20_000, lambda seed, _: kills(seed, 50), 0.26),
    Task(60, lambda seed, _: real_kills(seed, 4), 0.16),
    Task(20, lambda seed, _: ray_deaths(seed, 4), 0.06),
    Task(20, lambda seed, _: stock(seed, 5), 0.06),
    Task(0, lambda seed, at: faults(seed, part=at), 0.12, PARTS),
    Task(0, lambda seed, at: stage_faults(seed, at, STAGE_PARTS), 0.04, STAGE_PARTS),
    Task(200, lambda seed, _: database(seed, 4), 0.02),
    Task(400, lambda seed, _: crowds(seed, rounds=5, processes=8, most_seconds=2.0), 0.04),
    Task(10_000, lambda seed, _: flips(seed, 100), 0.04),
    Task(2_000, lambda seed, _: dataset_flips(seed, 200), 0.02),
    Task(0, lambda seed, at: cuts(seed, file=at), 0.02, len(READERS)),
    Task(1_000, lambda seed, _: resumed_cuts(seed, 25), 0.03),
    Task(20_000, lambda seed, _: malformed(seed, 100), 0.08),
    Task(100, lambda seed, _: odd_names(seed, 4), 0.04),
    Task(200, lambda seed, _: limits(seed, 20), 0.03),
    Task(60, lambda seed, _: orders(seed, runs=1), 0.02),
    Task(500, lambda seed, _: soak(seed, 500), 0.02),
    Task(0, lambda seed, _: circumstances(seed), 0.02),
    Task(10_000, lambda seed, _: copies(seed, 500), 0.02),
)
"""In the report's order."""


def main(words: list[str]) -> int:
    """Run every row and write the report; 1 if anything failed."""
    typed = _arguments(words)
    began = time.monotonic()
    results = [_result(task, typed.seed, 60 * typed.minutes * task.share) for task in TASKS]
    text = report(results, seed=typed.seed, minutes=(time.monotonic() - began) / 60)
    Path(typed.out).write_text(text)
    return int(not all(result.row.holds for result in results))


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--out", default="CRASH_REPORT.md")
    return parser.parse_args(words)


def _result(task: Task, seed: int, seconds: float) -> Result:
    began = time.monotonic()
    row: Row | None = None
    for at, piece in enumerate(_seeds(seed)):
        made = task.chunk(piece, at)
        if row is None:
            row = made
        else:
            row.merge(made)
        spent = time.monotonic() - began
        complete = row.count >= task.goal if task.goal else at + 1 >= task.pieces
        if complete or spent > seconds:
            break
    assert row is not None
    print(f"{row.what}: {row.count:,} {row.unit}, {dict(row.faults)}", flush=True)
    goal = task.goal or (row.count if complete else None)
    return Result(row, goal, pieces=at + 1, seconds=time.monotonic() - began)


def _seeds(seed: int) -> Iterator[int]:
    while True:
        yield seed
        seed += 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
