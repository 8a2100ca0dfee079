"""Makes the table of real trials: Xception's real weights on real photos, by our own `train`.

    python -m tests.benchmarks.search table --weights FILE --photos ZIP --minutes 45

Trials that are in the table are left out, so the same command goes on where it ended. First come
the costs: our frozen pass of each scaling, and a short trial of the plain script at each cut and
scaling; then heads, then deeper trials in a random order. As many trials run at a time as in a
sweep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from results.ledger.records import EpochRecord
from search_spaces.backbones import HEAD, SCALINGS
from tests.benchmarks.plain_ray_keras import train as train_plainly
from tests.benchmarks.probes import training_data
from tests.benchmarks.rows_commands import SHARED, decoded, shared_photos
from tests.benchmarks.search.points import (
    BACKBONE,
    CUTS,
    FRESH,
    IMAGE,
    PHOTOS,
    SEED,
    SEEDS,
    Cost,
    Point,
    Row,
    all_points,
    append_cost,
    append_row,
    read_costs,
    read_rows,
)
from tests.benchmarks.sizes import smoke_sizes
from tests.benchmarks.task import Task
from tests.benchmarks.workplace import Workplace

HERE = Path(__file__).parent
WEIGHTS_FILE = f"{BACKBONE.lower()}_notop.weights.h5"
_PLAIN_EPOCHS = 3


@dataclass(frozen=True)
class _Job:
    """What a process needs to train some points.

    Attributes:
        dataset: the decoded photos.
        weights, cache, out: folders of the weights, of features, and of the two CSV files.
        deadline: Unix time after which no trial is started.
    """

    dataset: str
    weights: str
    cache: str
    out: Path
    deadline: float
    points: tuple[Point, ...] = ()


def main(words: Sequence[str]) -> int:
    """Train what is missing of the table until the minutes are over."""
    arguments = _arguments(words)
    root = Path(tempfile.mkdtemp(prefix="table-"))
    try:
        job = _Job(
            dataset=str(real_photos(root, arguments.photos, PHOTOS)),
            weights=str(weights_folder(arguments.weights)),
            cache=str(root),
            out=arguments.out,
            deadline=time.time() + 60 * arguments.minutes,
        )
        _make(job, arguments.processes, arguments.points)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return 0


def add_real(parser: argparse.ArgumentParser) -> None:
    """The arguments that say where real photos and weights are."""
    parser.add_argument("--weights", type=Path, default=SHARED / "weights" / WEIGHTS_FILE)
    parser.add_argument("--photos", type=Path, default=shared_photos(), help="a zip")


def weights_folder(file: Path) -> Path:
    """The folder of a weight file, which our `--weights` and the plain script take."""
    if file.name != WEIGHTS_FILE or not file.is_file():
        raise SystemExit(f"--weights: a file called {WEIGHTS_FILE} is needed, got {file}")
    return file.parent


def real_photos(root: Path, archive: Path | None, photos: int) -> Path:
    """Some of the real photos, decoded below `root`."""
    if archive is None or not archive.is_file():
        raise SystemExit(f"--photos: a zip of labelled photos is needed, got {archive}")
    return decoded(workplace(root), archive, IMAGE, photos)


def workplace(root: Path, hours: float = 10) -> Workplace:
    """A workplace of two trials at a time on a thread each."""
    until = time.monotonic() + 3600 * hours
    return Workplace(root, smoke_sizes(), 2, 1, until, "1", lambda line: print(line, flush=True))


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.search table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_real(parser)
    parser.add_argument("--minutes", type=float, default=45, help="default: 45")
    parser.add_argument("--processes", type=int, default=2, choices=(1, 2), help="default: 2")
    parser.add_argument("--points", type=int, help="so many of them, spread evenly; default: all")
    parser.add_argument("--out", type=Path, default=HERE, help="the folder of both CSV files")
    return parser.parse_args(words)


def _make(job: _Job, processes: int, most: int | None) -> None:
    trials, costs = job.out / "trials.csv", job.out / "costs.csv"
    points = all_points()
    points = points[:: max(1, len(points) // (most or len(points)))]
    known = {(one.side, one.unfreeze, one.scaling) for one in read_costs(costs)}
    firsts = [
        Point(cut, kind.value, "adam", 1e-4, FRESH, SEEDS[0]) for kind in SCALINGS for cut in CUTS
    ]
    there = {row.point for row in read_rows(trials)}
    left = [point for point in points if point not in there]
    heads = [point for point in left if point.unfreeze == HEAD]
    deep = [point for point in left if point.unfreeze != HEAD]
    random.Random(SEED).shuffle(deep)  # so that a table that is cut short has some of each cut
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:

        def each(work: Callable[[_Job], None], jobs: Sequence[Sequence[Point]]) -> None:
            pool.map(work, [replace(job, points=tuple(one)) for one in jobs if one], chunksize=1)

        each(_fill, [[one] for one in firsts if one.unfreeze == HEAD])
        plain = [one for one in firsts if ("plain", one.unfreeze, one.scaling) not in known]
        each(_plain, [[one] for one in plain])
        for some in (heads, deep):
            each(_train, [some[at::processes] for at in range(processes)])
    print(f"{len(read_rows(trials))} of {len(points)} trials", flush=True)


def _data(job: _Job) -> Any:
    spec = {"dataset": job.dataset, "backbone": BACKBONE, "seed": SEED}
    return training_data({**spec, "weights": job.weights, "cache": job.cache}, "features", CUTS)


def _fill(job: _Job) -> None:
    """Store the features of a scaling; note what it took, once."""
    started = time.perf_counter()

    from trainables.networks.devices import configure

    configure(cpus=1, gpus=0)

    from trainables.training.train import train

    imported, [point] = time.perf_counter() - started, job.points
    cost = train(point.config, _data(job), lambda _: None).cost
    path = job.out / "costs.csv"
    if ("ours", point.scaling) not in {(one.side, one.scaling) for one in read_costs(path)}:
        frozen = cost.seconds_features
        build = cost.seconds_total - frozen - cost.seconds_training
        noted = Cost("ours", HEAD, point.scaling, imported, frozen, build, 0, 0, 0)
        append_cost(path, noted)


def _plain(job: _Job) -> None:
    """A short trial of the plain script in this new process; note where its seconds went."""
    [point] = job.points
    if time.time() > job.deadline:
        return
    config, started = replace(point.config, epochs=_PLAIN_EPOCHS), time.perf_counter()
    task = Task({}, job.weights, SEED, 1, 1, False, "", "")
    found = train_plainly(config, task, Path(job.dataset), lambda _: None, started)
    first, *others = found["epochs"]
    steady = sum(others) / len(others)
    append_cost(
        job.out / "costs.csv",
        Cost(
            side="plain",
            unfreeze=point.unfreeze,
            scaling=point.scaling,
            process=found["import"],
            frozen=0,
            build=found["build"],
            tracing=max(0.0, first - steady),
            epoch=steady,
            end=found["test"],
        ),
    )


def _train(job: _Job) -> None:
    """Train points one after the other, each row written as it is done."""
    from trainables.networks.devices import configure

    configure(cpus=1, gpus=0)

    from trainables.training.network_cache import NetworkCache

    data, networks, path = _data(job), NetworkCache(), job.out / "trials.csv"
    heads: dict[tuple[str, int], Mapping[str, Any]] = {}
    for point in job.points:
        if time.time() > job.deadline:
            return
        head = None
        if point.start != FRESH:
            kind = (point.scaling, point.seed)
            heads[kind] = heads.get(kind) or _head(path, kind, data, networks)
            head = heads[kind]
        append_row(path, _trained(point, data, networks, head))


def _head(path: Path, kind: tuple[str, int], data: Any, networks: Any) -> Mapping[str, Any]:
    """Weights of the table's best head of a scaling and seed, trained again."""
    from trainables.training.train import train

    rows = [
        row
        for row in read_rows(path)
        if row.point.unfreeze == HEAD and (row.point.scaling, row.point.seed) == kind and row.right
    ]
    best = max(rows, key=lambda row: (max(row.right), -min(row.losses)))
    weights: Mapping[str, Any] = train(
        best.point.config, data, lambda _: None, networks=networks
    ).weights
    return weights


def _trained(point: Point, data: Any, networks: Any, head: Any) -> Row:
    from trainables.training.train import Diverged, train

    epochs: list[EpochRecord] = []
    rest, tracing, validation = 0.0, 0.0, len(data.split.indices("validation"))
    try:
        cost = train(point.config, data, epochs.append, networks=networks, head=head).cost
        rest = cost.seconds_total - cost.seconds_features - sum(one.seconds for one in epochs)
        tracing = cost.seconds_tracing
    except Diverged:
        pass  # the row is as long as the trial was
    return Row(
        point,
        tuple(round(one.validation_accuracy * validation) for one in epochs),
        tuple(one.validation_loss for one in epochs),
        tuple(one.seconds for one in epochs),
        rest,
        tracing,
    )
