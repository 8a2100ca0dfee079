"""Three tools live on the same real photos, one after the other, for some seeds.

    python -m tests.benchmarks.search live --weights FILE --photos ZIP      (on an idle machine)

    (a) Ray Tune with ASHA and OptunaSearch over a plain Keras script, actors reused
    (b) KerasTuner's Hyperband over the same script
    (c) ours, by the command that a user types

All have the default space, two trials at a time with a thread each, and photos that are decoded
already. (c) has three times the trials of (a), which take it about as long. A seed decides the
split and the search, the same split for all three. The order rotates from seed to seed. LIVE.md
says when each reached (a)'s final best validation accuracy. Sweeps that are in LIVE.json are left
out, so that the same command goes on where it ended.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import read_json, write_json, write_text
from results.ledger.serialise import from_json, to_json
from results.notebook import open_run
from search_spaces import paper
from search_spaces.installed import versions
from tests.benchmarks.page import commit, load, processor
from tests.benchmarks.search.points import BACKBONE, IMAGE, PHOTOS
from tests.benchmarks.search.table import HERE, add_real, real_photos, weights_folder, workplace
from tests.benchmarks.task import Task
from tests.benchmarks.workplace import Workplace

RAY, KERAS_TUNER, OURS = "(a) Ray Tune, ASHA, OptunaSearch", "(b) KerasTuner Hyperband", "(c) ours"
_EQUAL = 1e-6
"""TensorBoard has float32."""


@dataclass(frozen=True)
class Ran:
    """One tool's sweep.

    Attributes:
        seconds: of the whole process.
        course: of each validated epoch, seconds from the process' start and accuracy.
        test: accuracy of the model that it ends with.
    """

    seconds: float
    course: tuple[tuple[float, float], ...]
    test: float

    @property
    def best(self) -> float:
        return max(accuracy for _, accuracy in self.course)

    def seconds_to(self, accuracy: float) -> float:
        """Infinity if it never had it."""
        return min((at for at, one in self.course if one >= accuracy - _EQUAL), default=math.inf)


@dataclass(frozen=True)
class _Sweep:
    """What the three are given."""

    place: Workplace
    dataset: Path
    weights: Path
    trials: int
    our_trials: int
    epochs: int

    def task(self, seed: int) -> Task:
        base = paper.baseline(BACKBONE, epochs=self.epochs, image_size=IMAGE, seed=seed)
        place = self.place
        points = {f"{BACKBONE}/baseline": base}
        return Task(points, str(self.weights), seed, place.concurrent, place.cpus, True, "", "")


def main(words: Sequence[str]) -> int:
    """Run all; LIVE.md is written after every sweep."""
    arguments = _arguments(words)
    root = Path(tempfile.mkdtemp(prefix="l-"))  # short: Ray's sockets have long names below it
    try:
        dataset = real_photos(root, arguments.photos, arguments.count)
        sweep = _Sweep(
            workplace(root),
            dataset,
            weights_folder(arguments.weights),
            arguments.trials,
            arguments.our_trials,
            arguments.epochs,
        )
        _run(sweep, arguments)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.search live",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_real(parser)
    parser.add_argument("--seeds", type=int, default=3, help="default: 3")
    parser.add_argument("--trials", type=int, default=10, help="of (a); default: 10")
    parser.add_argument("--our-trials", type=int, default=30, help="of (c); default: 30")
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument("--count", type=int, default=PHOTOS, help=f"of photos; default: {PHOTOS}")
    parser.add_argument("--out", type=Path, default=HERE / "LIVE.md")
    return parser.parse_args(words)


def _run(sweep: _Sweep, arguments: argparse.Namespace) -> None:
    sides: dict[str, Callable[[_Sweep, int], Ran]] = {
        RAY: _ray,
        OURS: _ours,
        KERAS_TUNER: _keras_tuner,
    }
    if importlib.util.find_spec("keras_tuner") is None:
        del sides[KERAS_TUNER]
    began, known = f"load {load():.1f} when it began", arguments.out.with_suffix(".json")
    ran = read_sweeps(known)
    for seed in range(1, arguments.seeds + 1):
        names = list(sides)
        for name in [*names[(seed - 1) % len(names) :], *names[: (seed - 1) % len(names)]]:
            if (name, seed) in ran:
                continue
            one = ran[name, seed] = sides[name](sweep, seed)
            sweep.place.say(f"seed {seed}, {name}: {one.seconds:.0f} s, best {one.best:.4f}")
            write_sweeps(known, ran)
            write_text(arguments.out, page(ran, _when(sweep, arguments, began)))


def read_sweeps(path: Path) -> dict[tuple[str, int], Ran]:
    """The sweeps of a file by tool and seed; none if there is no file."""
    if not path.is_file():
        return {}
    sweeps = read_json(path)["sweeps"]
    return {(one["tool"], one["seed"]): from_json(Ran, one["ran"]) for one in sweeps}


def write_sweeps(path: Path, ran: Mapping[tuple[str, int], Ran]) -> None:
    """The inverse of `read_sweeps`."""
    sweeps = [
        {"tool": name, "seed": seed, "ran": to_json(one)} for (name, seed), one in ran.items()
    ]
    write_json(path, {"sweeps": sweeps})


def _ray(sweep: _Sweep, seed: int) -> Ran:
    return _rival(sweep, seed, "ray", f"{sweep.trials}")


def _keras_tuner(sweep: _Sweep, seed: int) -> Ran:
    return _rival(sweep, seed, "keras_tuner")


def _rival(sweep: _Sweep, seed: int, name: str, *rest: str) -> Ran:
    folder = sweep.place.folder(name)
    sweep.task(seed).write(folder / "task.json")
    files = [str(folder / "task.json"), str(sweep.dataset), str(folder / "events")]
    words = ["-m", "tests.benchmarks.search.rivals", name, *files, *rest]
    started = time.time()
    seconds = sweep.place.time(words, name=name)
    events = [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    return Ran(
        seconds,
        tuple((one["time"] - started, one["accuracy"]) for one in events if "accuracy" in one),
        kept_test(events),
    )


def kept_test(events: Sequence[Mapping[str, float]]) -> float:
    """Test accuracy of the trial with the best validation accuracy, of those that were not stopped,
    which alone have a model; the first of equals."""
    tests = {one["trial"]: one["test"] for one in events if "test" in one}
    best: dict[float, float] = dict.fromkeys(tests, 0.0)
    for one in events:
        if "accuracy" in one and one["trial"] in best:
            best[one["trial"]] = max(best[one["trial"]], one["accuracy"])
    return tests[max(best, key=lambda trial: best[trial])] if best else math.nan


def _ours(sweep: _Sweep, seed: int) -> Ran:
    folder, task = sweep.place.folder("ours"), sweep.task(seed)
    [base] = task.points.values()
    words = [
        *("run_sweep.py", "--backbones", BACKBONE, "--trials", f"{sweep.our_trials - 1}"),
        *("--epochs", f"{base.epochs}", "--batch-size", f"{base.batch_size}"),
        *("--image-size", f"{IMAGE}", "--seed", f"{seed}", "--data", str(sweep.dataset)),
        *("--weights", task.weights, "--cache-dir", str(folder / "cache")),
        *("--run-dir", str(folder / "run"), "--max-concurrent", f"{task.concurrent}"),
        *("--cpus-per-trial", f"{task.cpus}"),
    ]
    started = time.time()
    seconds = sweep.place.time(words, name="ours")
    run = open_run(folder / "run")
    best = run.summary.backbones[0].best
    course = tuple((at - started, accuracy) for at, accuracy in _validated(folder / "run"))
    shutil.rmtree(folder)
    return Ran(seconds, course, best.test_accuracy or math.nan if best else math.nan)


def _validated(run: Path) -> Iterator[tuple[float, float]]:
    """Unix time and validation accuracy of each epoch of the search, as TensorBoard has them."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    for path in sorted((run / "tensorboard" / BACKBONE).glob("*/events*")):
        if "-s" in path.parent.name:  # a repeat on a fresh seed
            continue
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.tag == "accuracy/validation":
                    yield event.wall_time, float(make_ndarray(value.tensor).item())


def _when(sweep: _Sweep, arguments: argparse.Namespace, began: str) -> str:
    names = ", ".join(f"{name} {version}" for name, version in versions().items())
    return (
        f"{processor()}, {began}; {commit()}; {names}.\n\n{arguments.count} real photos of "
        f"{IMAGE} px, {BACKBONE} with ImageNet weights, {sweep.epochs} epochs at most; (a) "
        f"{sweep.trials} trials, (b) one iteration of Hyperband, (c) {sweep.our_trials} trials; "
        "two at a time, one thread each.\n"
    )


def page(ran: Mapping[tuple[str, int], Ran], when: str) -> str:
    """The whole of LIVE.md: a row per tool and seed, then medians over seeds."""
    lines = [
        "# Three tools side by side\n",
        "Written by `python -m tests.benchmarks.search live`, which says how. The goal is (a)'s",
        "final best validation accuracy of the same seed; ours has its fresh seeds, its report and",
        "its exported model in `ended`, test accuracy is of the model that each tool ends with.\n",
        when,
        "| seed | tool | ended, s | best validation | to (a)'s best, s | (c) is faster by | test |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    factors: dict[str, list[float]] = {}
    for seed in sorted({seed for _, seed in ran}):
        goal = ran[RAY, seed].best if (RAY, seed) in ran else math.nan
        mine = ran[OURS, seed].seconds_to(goal) if (OURS, seed) in ran else math.nan
        for name in (RAY, KERAS_TUNER, OURS):
            if (one := ran.get((name, seed))) is None:
                continue
            needed = one.seconds_to(goal)
            factor = math.nan if math.isinf(mine) and math.isinf(needed) else needed / mine
            factors.setdefault(name, []).append(factor)
            lines.append(
                f"| {seed} | {name} | {one.seconds:.0f} | {one.best:.4f} | {_words(needed, '.0f')} "
                f"| {_words(factor, '.1f')} | {one.test:.4f} |"
            )
    lines += ["", *_medians(ran, factors), *_bound(ran)]
    return "\n".join(lines) + "\n"


def _medians(
    ran: Mapping[tuple[str, int], Ran], factors: Mapping[str, Sequence[float]]
) -> Iterator[str]:
    for name in (RAY, KERAS_TUNER, OURS):
        tests = [one.test for (side, _), one in ran.items() if side == name]
        told = [factor for factor in factors.get(name, ()) if not math.isnan(factor)]
        if tests:
            median = _words(statistics.median(told) if told else math.nan, ".1f")
            yield (
                f"- {name}: (c) is faster by {median or 'what is not known'} in the median of "
                f"{len(tests)} seeds; mean test accuracy {statistics.mean(tests):.4f}"
            )
        elif name == KERAS_TUNER:
            yield f"- {name}: not measured, `keras-tuner` is not installed (the extra `bench`)"


def _bound(ran: Mapping[tuple[str, int], Ran]) -> Iterator[str]:
    """What no search can be sooner than."""
    firsts = [min(at for at, _ in one.course) for (name, _), one in ran.items() if name == OURS]
    if firsts:
        yield (
            f"\nBefore (c) has validated its first epoch {min(firsts):.0f} to {max(firsts):.0f} s "
            "have passed: Python, TensorFlow and Ray start, and all photos pass the frozen layers "
            "once. That bounds how much sooner it can be."
        )


def _words(value: float, form: str) -> str:
    return "never" if math.isinf(value) else "" if math.isnan(value) else format(value, form)
