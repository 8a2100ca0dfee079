"""The crash harness at length: `make crash-test`, or

    python -m tests.crash --seed 2026 --minutes 12 --jobs 2 --out CRASH_REPORT.md

Every row goes on until its count is reached or its share of the minutes is spent; the report says
what came of it. So many rows at a time, each in a process of its own, the small ones first: what
they leave of the time goes to the others. All in temporary folders; a few hundred MB, but for the
rows with Ray and Keras. `--rows malformed kills` makes these again; the report's others
stay, and with another `--seed` their former ones too.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from pathlib import Path

from search_spaces.refusals import in_one_line
from tests.crash.report import Result, report, rows_of
from tests.crash.tasks import BY_NAME, result_of


def main(words: list[str]) -> int:
    """Run every row and write the report as each is done; 1 if anything failed."""
    typed = _arguments(words)
    out, ends = Path(typed.out), time.monotonic() + 60 * typed.minutes
    former = out.read_text() if typed.rows and out.exists() else ""
    if former and not rows_of(former):
        sys.exit(f"{out} has no rows that could stay; give another --out, or make all rows")
    chosen = typed.rows or list(BY_NAME)
    results: dict[str, Result] = {}
    for name, result in made(chosen, typed.seed, ends, typed.jobs):
        results[name] = result
        rows = [results[name] for name in BY_NAME if name in results]
        out.write_text(report(rows, former=former, seed=typed.seed, jobs=typed.jobs))
    return int(len(results) < len(chosen) or not all(one.row.holds for one in results.values()))


def apart(name: str, seed: int, seconds: float) -> Result:
    """A row made in a process of its own, so that its death ends no other's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(result_of, name, seed, seconds).result()


def made(
    chosen: Sequence[str],
    seed: int,
    ends: float,
    jobs: int,
    make: Callable[[str, int, float], Result] = apart,
) -> Iterator[tuple[str, Result]]:
    """Rows with their names as they are done; one that cannot be made is told and left out.

    Args:
        ends: by the monotonic clock, when the last row is to be done.
        make: a row, of its name, a seed and how many seconds it may take.
    """
    waiting = sorted(chosen, key=lambda name: BY_NAME[name].share)
    running: dict[Future[Result], str] = {}
    with ThreadPoolExecutor(jobs) as threads:
        while waiting or running:
            while waiting and len(running) < jobs:
                left = ends - time.monotonic()
                part = BY_NAME[waiting[0]].share / sum(BY_NAME[name].share for name in waiting)
                name = waiting.pop(0)
                running[threads.submit(make, name, seed, min(left, left * jobs * part))] = name
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(ended)
                try:
                    yield name, ended.result()
                except Exception as fault:
                    print(f"{name}: no row, {in_one_line(fault)}", file=sys.stderr, flush=True)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows", nargs="+", choices=BY_NAME, help="these alone; the others stay")
    parser.add_argument("--out", default="CRASH_REPORT.md")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
