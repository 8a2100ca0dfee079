"""A list of trials through ours and through the plain script, timed from outside, and taken apart.

Seconds of a part are summed over the workers (*worker-seconds*): a sweep of S seconds with C trials
at a time has S x C of them, and what no trial accounts for is starting, imports and waiting.
"""

from __future__ import annotations

import dataclasses
import shutil
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from results.scores.metrics import accuracy
from search_spaces.backbones import backbone_named
from tests.benchmarks.sizes import SEED, USERS_EPOCHS, USERS_PHOTOS
from tests.benchmarks.task import Points, Task
from tests.benchmarks.workplace import Workplace

SCALING_PARTS = ("steps", "frozen layers", "test")
"""Parts that grow with the photos; the rest is fixed."""


@dataclass(frozen=True)
class Side:
    """One side's sweep.

    Attributes:
        seconds: of the whole process; estimated where `extrapolated` says so.
        best: validation accuracy; test: of the trial with the best validation accuracy.
        parts: where the worker-seconds went.
        photos_prefix: photos that ours pushed through frozen layers.
        first_trial: seconds from the process' start to the first finished trial, ours alone.
        trial_seconds: of each trial, in the order of their names.
        epochs, stopped: epochs that ours trained, and trials that it stopped early.
        extrapolated: in words, or empty.
    """

    seconds: float
    best: float
    test: float
    parts: Mapping[str, float]
    photos_prefix: int = 0
    first_trial: float = 0.0
    trial_seconds: tuple[float, ...] = ()
    epochs: int = 0
    stopped: int = 0
    extrapolated: str = ""


def ours(
    place: Workplace,
    points: Points,
    dataset: Path,
    *,
    weights: str = "random",
    early_stopping: bool = False,
    cache: Path | None = None,
) -> Side:
    """Run a list through our machinery; with a cold feature cache unless one is given."""
    folder = place.folder("ours")
    cache = cache or folder / "cache"
    task = _task(place, points, weights, early_stopping, cache, folder / "run")
    task.write(folder / "list.json")
    finished = place.run(
        "tests.benchmarks.ours", str(folder / "list.json"), str(dataset), out=folder / "out.json"
    )
    run = RunFolder(folder / "run")
    records, split = run.records(), run.read_split()
    best = max(records, key=lambda one: one.validation_accuracy or 0.0)
    test_accuracy = accuracy(run.open_sealed_test(best.trial), split.labels[split.indices("test")])
    shutil.rmtree(folder)
    after_first = finished.document["seconds"] - finished.document["trial_ends"][0]
    return Side(
        seconds=finished.seconds,
        best=best.validation_accuracy or 0.0,
        test=test_accuracy,
        parts=_our_parts(records, finished.seconds * place.concurrent),
        photos_prefix=sum(one.cost.photos_prefix for one in records),
        first_trial=finished.seconds - after_first,
        trial_seconds=tuple(one.cost.seconds_total for one in records),
        epochs=sum(len(one.epochs) for one in records),
        stopped=sum(one.status == Status.STOPPED_EARLY for one in records),
    )


def plain(
    place: Workplace,
    points: Points,
    dataset: Path,
    *,
    weights: str = "random",
    epochs: int | None = None,
    stand_for: int | None = None,
) -> Side:
    """Run a list through the plain script.

    Args:
        epochs: run this many alone; the others are added at the speed of all but the first.
        stand_for: how many trials these stand for; the time of a mean trial is added for each more.
    """
    whole_epochs = next(iter(points.values())).epochs
    if epochs is not None and epochs < whole_epochs:
        points = {name: dataclasses.replace(one, epochs=epochs) for name, one in points.items()}
    folder = place.folder("plain")
    task = _task(place, points, weights, False, folder, folder)
    task.write(folder / "list.json")
    finished = place.run(
        "tests.benchmarks.plain_ray_keras",
        *(str(folder / "list.json"), str(dataset)),
        out=folder / "out.json",
    )
    shutil.rmtree(folder)
    trials = list(finished.document["trials"].values())
    best = max(trials, key=lambda one: max(one["accuracies"]))
    parts = _plain_parts(trials, finished.seconds * place.concurrent)
    side = Side(
        seconds=finished.seconds,
        best=max(best["accuracies"]),
        test=best["test_accuracy"],
        parts=parts,
        trial_seconds=tuple(one["total"] for one in trials),
    )
    return _stretched(side, place, whole_epochs, next(iter(points.values())).epochs, stand_for)


def by_turns(
    theirs: Callable[[], Side], mine: Callable[[], Side], repeats: int
) -> list[tuple[Side, Side]]:
    """Plain and ours so many times; the one that goes first alternates, so that a machine that
    warms up, or is throttled, favours neither."""
    pairs = []
    for again in range(repeats):
        if again % 2 == 0:
            first = theirs()
            pairs.append((first, mine()))
        else:
            second = mine()
            pairs.append((theirs(), second))
    return pairs


def _task(
    place: Workplace, points: Points, weights: str, stopping: bool, cache: Path, run: Path
) -> Task:
    return Task(points, weights, SEED, place.concurrent, place.cpus, stopping, str(cache), str(run))


def _stretched(side: Side, place: Workplace, whole: int, ran: int, stand_for: int | None) -> Side:
    """Add the epochs and trials that were not run; starting Ray is not added again."""
    trials = len(side.trial_seconds)
    wanted = stand_for or trials
    if (whole, wanted) == (ran, trials):
        return side
    longer = {**side.parts, "steps": side.parts["steps"] * whole / ran}
    more = {name: part * wanted / trials for name, part in longer.items() if name != "rest"}
    parts = {**more, "rest": side.parts["rest"]}
    added = (sum(parts.values()) - sum(side.parts.values())) / place.concurrent
    each = side.parts["steps"] * (whole / ran - 1) / trials
    return dataclasses.replace(
        side,
        seconds=side.seconds + added,
        parts=parts,
        trial_seconds=tuple(one + each for one in side.trial_seconds),
        extrapolated=f"plain: {trials} of {wanted} trials and {ran} of {whole} epochs measured, "
        "the rest added at their mean",
    )


def _our_parts(records: Sequence[TrialRecord], worker_seconds: float) -> dict[str, float]:
    steady = [_steady([epoch.seconds for epoch in one.epochs]) for one in records]
    epochs = [sum(epoch.seconds for epoch in one.epochs) for one in records]
    steps = sum(one * len(record.epochs) for one, record in zip(steady, records, strict=True))
    frozen = sum(one.cost.seconds_features for one in records)
    total = sum(one.cost.seconds_total for one in records)
    training = sum(one.cost.seconds_training for one in records)
    return {
        "steps": steps,
        "frozen layers": frozen,
        "tracing": max(0.0, sum(epochs) - steps),
        "build, reset": total - frozen - training,
        "test": max(0.0, training - sum(epochs)),
        "rest": worker_seconds - total,
    }


def _plain_parts(trials: Sequence[Any], worker_seconds: float) -> dict[str, float]:
    steps = sum(_steady(one["epochs"]) * len(one["epochs"]) for one in trials)
    parts = {name: sum(one[name] for one in trials) for name in ("import", "build")}
    # `predict` is traced in it, which at few photos is most of it, and does not grow with them.
    parts["traced test"] = sum(one["test"] for one in trials)
    epochs = sum(sum(one["epochs"]) for one in trials)
    rest = worker_seconds - sum(one["total"] for one in trials)
    return {"steps": steps, "tracing": max(0.0, epochs - steps), **parts, "rest": rest}


def _steady(seconds: Sequence[float]) -> float:
    """Of an epoch once everything is traced."""
    return statistics.median(seconds[1:] or seconds)


def at_users_size(side: Side, place: Workplace, *, photos: int, epochs: int) -> float:
    """Seconds at 4,000 photos and ten epochs: parts that grow are scaled, the others kept.

    Tracing inside the frozen pass is scaled with it, and plain's test prediction, most of which is
    tracing at a small size, is not scaled, so that both err against ours.
    """
    grown = USERS_PHOTOS / photos
    factors = dict.fromkeys(SCALING_PARTS, grown)
    factors["steps"] = grown * USERS_EPOCHS / epochs
    total = sum(part * factors.get(name, 1.0) for name, part in side.parts.items())
    return total / place.concurrent


def spread_over_depths(points: Points, every: int) -> Points:
    """One in so many trials of each backbone, symmetric in how deep they are unfrozen.

    As many are nearer to the head than the middle as are deeper than it, and as far from it, so
    that the share's mean stands for the list's.
    """
    by_backbone: dict[str, list[str]] = {}
    for name, point in points.items():
        by_backbone.setdefault(point.backbone, []).append(name)
    chosen: Points = {}
    for backbone, names in by_backbone.items():
        depths = backbone_named(backbone).points
        ranked = sorted(names, key=lambda name: (depths.index(points[name].unfreeze), name))
        chosen |= {ranked[at]: points[ranked[at]] for at in symmetric(len(ranked), every)}
    return chosen


def symmetric(length: int, every: int) -> list[int]:
    """About one in `every` places of a list, as many and as far from either end; at least one.

    An odd number of places needs a middle; a list of even length has none, so it gets one more.
    """
    count = max(1, round(length / every))
    if count % 2 and length % 2 == 0:
        count = min(length, count + 1)
    low = [int((at + 0.5) * length / count) for at in range(count // 2)]
    middle = [length // 2] if count % 2 else []
    return [*low, *middle, *(length - 1 - at for at in reversed(low))]
