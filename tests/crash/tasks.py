"""The rows of the report: how a piece of each is made, and what the whole row comes to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

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
from tests.crash.report import Result
from tests.crash.row import Row
from tests.crash.signals import signals
from tests.crash.soak import soak
from tests.crash.stages import PARTS as WAYS
from tests.crash.stages import stage_faults
from tests.crash.stock import stock
from tests.crash.timing import orders


@dataclass(frozen=True)
class Task:
    """Attributes:
    name: as it is asked for.
    goal: what the whole row comes to, in its own unit; 0 for a fixed list.
    chunk: makes a piece of it, of a seed and the number of the piece.
    share: of the time, roughly what the row needs to reach its goal, against the others'.
    pieces: of a fixed list.
    """

    name: str
    goal: int
    chunk: Callable[[int, int], Row]
    share: float
    pieces: int = 1


TASKS = (
    Task("kills", 20_000, lambda seed, _: kills(seed, 50), 0.32),
    Task("real-kills", 60, lambda seed, _: real_kills(seed, 4), 0.46),
    Task("signals", 100, lambda seed, _: signals(seed, 10), 0.4),
    Task("ray-deaths", 20, lambda seed, _: ray_deaths(seed, 4), 0.015),
    Task("stock", 20, lambda seed, _: stock(seed, 5), 0.045),
    Task("faults", 0, lambda seed, at: faults(seed, part=at), 0.02, PARTS),
    Task("stage-faults", 0, lambda seed, at: stage_faults(seed, at, WAYS), 0.01, WAYS),
    Task("database", 200, lambda seed, _: database(seed, 4), 0.005),
    Task("crowds", 400, lambda seed, _: crowds(seed, 5, 8, most_seconds=2.0), 0.005),
    Task("flips", 10_000, lambda seed, _: flips(seed, 100), 0.007),
    Task("dataset-flips", 2_000, lambda seed, _: dataset_flips(seed, 200), 0.003),
    Task("cuts", 0, lambda seed, at: cuts(seed, file=at), 0.003, len(READERS)),
    Task("resumed-cuts", 1_000, lambda seed, _: resumed_cuts(seed, 25), 0.012),
    Task("malformed", 20_000, lambda seed, _: malformed(seed, 100), 0.09),
    Task("odd-names", 100, lambda seed, _: odd_names(seed, 4), 0.02),
    Task("limits", 200, lambda seed, _: limits(seed, 20), 0.035),
    Task("orders", 60, lambda seed, _: orders(seed, runs=1), 0.005),
    Task("soak", 500, lambda seed, _: soak(seed, 500), 0.007),
    Task("circumstances", 0, lambda seed, _: circumstances(seed), 0.003),
    Task("copies", 10_000, lambda seed, _: copies(seed, 500), 0.005),
)
"""In the report's order."""
BY_NAME = {task.name: task for task in TASKS}


def result_of(name: str, seed: int, seconds: float) -> Result:
    """A row by its name, for so many seconds at most and at least a piece of it."""
    task = BY_NAME[name]
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
