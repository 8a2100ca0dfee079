"""Measures the layers of a list's backbones, as `sweep.profiles` does, into a cache folder.

    python -m tests.benchmarks.profiled LIST.json DATASET.h5 OUT.json

`run_sweep.py` does this in its first run on a machine and never again, so the sweeps of ours that
are timed find it done.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from results.ledger.files import write_json
from sweep.hardware import detect, share
from sweep.prepare import gather
from sweep.profiles import choose
from sweep.terminal.arguments import parse_arguments
from tests.benchmarks.ours import command
from tests.benchmarks.task import Task


def main(words: list[str]) -> None:
    """Measure, and write how long it took."""
    task_path, dataset, out = (Path(word).absolute() for word in words)
    task, began = Task.read(task_path), time.perf_counter()
    arguments = parse_arguments(command(task, dataset))
    machine = share(arguments, detect(), most_trials=len(task.points))
    materials = gather(arguments, machine, progress=lambda *_: None, warn=lambda _: None)
    log = out.with_suffix(".log")
    choose(materials.settings, machine, progress=lambda *_: None, log=log)
    write_json(out, {"seconds": time.perf_counter() - began})


if __name__ == "__main__":
    main(sys.argv[1:])
