"""Our side: the same list of trials through our own machinery, as one process.

    python -m tests.benchmarks.ours LIST.json DATASET.h5 OUT.json

The driver is `run_sweep.py`'s, stage by stage, without the report and the exported models, which
the plain script has neither. A suggestion that is in the run's folder is taken as it is, so writing
all of them beforehand makes an explicit list of trials, and the search is never asked.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from results.ledger.files import write_json
from results.ledger.records import Status
from sweep.hardware import detect, share
from sweep.prepare import gather, run_folder, start
from sweep.process.environment import set_for_ray
from sweep.signals import signals_as_exceptions
from sweep.terminal.arguments import parse_arguments
from tests.benchmarks.task import Task


def main(words: list[str]) -> None:
    """Train a list of trials; what came out is in the run's ledger, as ever."""
    task_path, dataset, out = (Path(word).absolute() for word in words)
    began = time.perf_counter()
    ends = sweep(Task.read(task_path), dataset)
    whole = time.perf_counter() - began
    write_json(out, {"seconds": whole, "trial_ends": [end - began for end in ends]})


def sweep(task: Task, dataset: Path) -> list[float]:
    """Run the trials; return when each one was finished, by `time.perf_counter`."""
    typed = command(task, dataset)
    arguments = parse_arguments(typed)
    hardware = detect()
    machine = share(arguments, hardware, most_trials=len(task.points))
    folder = run_folder(arguments)
    set_for_ray(None)

    # Imports Ray, which reads its environment when it is first imported.
    from sweep.schedule.pool import Pool
    from sweep.tune.runner import run_trials

    ends: list[float] = []
    with signals_as_exceptions(), folder.locked():
        materials = gather(arguments, machine, progress=lambda *_: None, warn=lambda _: None)
        prepared = start(materials, folder, machine, hardware, words=typed)
        for name, point in task.points.items():
            folder.write_suggestion(name, point)
        run_trials(
            Pool(folder, prepared.context.settings, prepared.run.lag),
            prepared.context,
            on_running=lambda _: None,
            on_finished=lambda _: ends.append(time.perf_counter()),
            say=print,
        )
    failed = [one for one in folder.records() if one.status == Status.FAILED]
    if failed:
        raise RuntimeError(f"{failed[0].trial} failed: {failed[0].error}")
    return ends


def command(task: Task, dataset: Path) -> list[str]:
    """What a user would type for such a sweep."""
    point = next(iter(task.points.values()))
    return [
        *("--backbones", ",".join(task.backbones), "--trials", str(task.per_backbone - 1)),
        *("--confirm", "0"),
        *("--epochs", str(point.epochs), "--batch-size", str(point.batch_size)),
        *("--image-size", str(point.image_size), "--seed", str(task.seed)),
        *("--data", str(dataset), "--weights", task.weights),
        *("--cache-dir", task.cache, "--run-dir", task.run, "--search", ",".join(task.varied)),
        *("--early-stopping", "asha" if task.early_stopping else "none"),
        *("--max-concurrent", str(task.concurrent), "--cpus-per-trial", str(task.cpus)),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
