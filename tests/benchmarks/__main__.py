"""Measures the speed table and writes RESULTS.md, after every row.

    python -m tests.benchmarks --minutes 150 --out tests/benchmarks/RESULTS.md   (make bench)
    python -m tests.benchmarks --minutes 20 --rows G1,G3 --out RESULTS.md
    python -m tests.benchmarks --smoke --rows G4,command --out /tmp/RESULTS.md

Rows come in the order of their importance; what no longer fits the budget is written as not
measured. Nothing here asserts a speed, and this process loads neither TensorFlow nor Ray.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from search_spaces.installed import versions
from sweep.hardware import detect, share
from sweep.signals import Interrupted, signals_as_exceptions
from sweep.terminal.arguments import parse_arguments
from tests.benchmarks.page import Occasion, commit, load, write_page
from tests.benchmarks.row import Row, unmeasured
from tests.benchmarks.rows import MEASUREMENTS, NAMES, Measurement
from tests.benchmarks.sizes import WITH_REPEATS, Sizes, sizes_for, smoke_sizes
from tests.benchmarks.workplace import Broke, NoTimeLeft, Workplace

_HERE = Path(__file__).parent
_NO_TIME = "no time left"
_MANY_TRIALS = 1000


def main(words: Sequence[str]) -> int:
    """Measure what was asked for; 0 unless interrupted."""
    arguments = _arguments(words)
    sizes = smoke_sizes() if arguments.smoke else sizes_for(arguments.minutes)
    root = Path(tempfile.mkdtemp(prefix="b-"))  # short: Ray's sockets have long names below it
    try:
        with signals_as_exceptions():
            _measure(arguments, sizes, root)
    except Interrupted as stop:
        return stop.exit_code
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--minutes", type=float, default=WITH_REPEATS, help="default: %(default)s")
    parser.add_argument("--rows", default=",".join(NAMES), help=f"of {', '.join(NAMES)}")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes; figures mean nothing")
    parser.add_argument("--onednn", choices=("0", "1"), default="1", help="on both sides")
    parser.add_argument("--out", type=Path, default=_HERE / "RESULTS.md")
    arguments = parser.parse_args(words)
    arguments.rows = [name.strip() for name in arguments.rows.split(",")]
    unknown = sorted(set(arguments.rows) - set(NAMES))
    if unknown:
        parser.error(f"unknown rows: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return arguments


def _measure(arguments: argparse.Namespace, sizes: Sizes, root: Path) -> None:
    began = time.monotonic()
    hardware = detect()
    machine = share(parse_arguments([]), hardware, most_trials=_MANY_TRIALS)
    occasion = Occasion(
        date=datetime.now().strftime("%Y-%m-%d %H:%M"),
        commit=commit(),
        minutes=arguments.minutes,
        versions=versions(),
        cpus=hardware.cpus,
        memory_megabytes=hardware.memory_megabytes,
        load=load(),
        concurrent=machine.max_concurrent,
        threads=machine.cpus_per_trial,
        onednn=arguments.onednn,
        sizes=sizes,
    )
    place = Workplace(
        root=root,
        sizes=sizes,
        concurrent=machine.max_concurrent,
        cpus=machine.cpus_per_trial,
        deadline=began + 60 * arguments.minutes,
        onednn=arguments.onednn,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    rows: list[Row] = []
    pace = 1.0
    for one in (one for one in MEASUREMENTS if one.name in arguments.rows):
        expected = one.expected(sizes, kept="paper" in place.kept)
        started = time.monotonic()
        rows += _rows(one, place, expected * pace, smoke=arguments.smoke)
        spent = time.monotonic() - started
        place.say(f"  {one.name} took {spent:.0f} s")
        # What this machine takes against what was expected, in the mean over all so far.
        pace = pace if spent < 1 else (pace + spent / expected) / 2
        write_page(arguments.out, rows, occasion, time.monotonic() - began)


def _rows(one: Measurement, place: Workplace, expected: float, *, smoke: bool) -> list[Row]:
    """The rows of one measurement; what goes wrong stands in them instead of a figure."""
    if not smoke and expected > place.seconds_left:
        return [unmeasured(goal, _NO_TIME) for goal in one.goals]
    place.say(f"{one.name}: about {expected / 60:.1f} of {place.seconds_left / 60:.0f} minutes")
    try:
        rows = one.measure(place)
    except NoTimeLeft:
        return [unmeasured(goal, f"{_NO_TIME}, it was ended") for goal in one.goals]
    except Broke as fault:
        return [unmeasured(goal, f"it failed: {fault}") for goal in one.goals]
    except Exception as fault:
        # One row that cannot be measured must not cost the hour that the others take.
        return [unmeasured(goal, f"{type(fault).__name__}: {fault}") for goal in one.goals]
    for row in rows:
        place.say(f"  {row.goal.name}: {row.value} {row.goal.unit}, {row.verdict}")
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
