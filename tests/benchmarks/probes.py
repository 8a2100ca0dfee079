"""Measurements inside one process of ours, each started as a process by the driver.

    python -m tests.benchmarks.probes NAME SPEC.json OUT.json

    fixed     seconds and tf.function traces of further trials in a living process (G2)
    reading   decoding a photo, fetching cached rows, a suffix step (G4)
    rates     frozen layers: seconds per photo once everything is traced (G5)
    cuts      the frozen pass for all cuts, and for the deepest alone (K)
    heap      anonymous memory of a head-only trial on many photos (memory)
    growth    anonymous memory after each of several trials (memory)

They go through `train`, the room's one public function, wherever it can show what is asked.
"""

from __future__ import annotations

import dataclasses
import gc
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from results.ledger.files import read_json, write_json
from search_spaces import paper
from search_spaces.backbones import HEAD, backbone_named
from search_spaces.config import OPTIMIZERS, TrialConfig
from tests.benchmarks.photos import jpegs
from tests.benchmarks.task import other_cut
from tests.benchmarks.watches import FirstEpoch, functions_recorded, traces

if TYPE_CHECKING:
    from trainables.features.fill import TrainingData

Spec = dict[str, Any]
_PLENTY = 10**13
_TIMED_BATCHES = 4


def training_data(
    spec: Spec,
    cache: str,
    points: Sequence[str],
    room: int = _PLENTY,
    cache_dtype: str = "float32",
) -> TrainingData:
    """The spec's dataset with a feature store in `cache` of `room` bytes."""
    from trainables.features.fill import TrainingData
    from trainables.features.store import FeatureStore
    from trainables.networks.weight_files import resolve
    from trainables.photos.dataset import open_dataset
    from trainables.photos.splits import split

    dataset, name = open_dataset(Path(spec["dataset"])), spec["backbone"]
    weights = spec.get("weights", "random")
    return TrainingData(
        photos=dataset.photos(),
        split=split(dataset, seed=spec["seed"]),
        classes=len(dataset.record.classes),
        digest=dataset.record.digest,
        weights=resolve(weights, (name,), cache_dir=Path(cache), seed=spec["seed"]),
        store=FeatureStore(Path(spec["cache"]) / cache, room),
        points={name: tuple(points)},
        cache_dtype=cache_dtype,
    )


def point(spec: Spec, **changes: Any) -> TrialConfig:
    """The paper's point with the spec's sizes, two epochs, and what is to differ."""
    sized = {"epochs": 2, "image_size": spec["image"], "seed": spec["seed"]}
    base = paper.baseline(spec["backbone"], **sized)
    return dataclasses.replace(base, **changes)


def fixed(spec: Spec) -> Any:
    """Per further trial: seconds until its first epoch ended, less a steady epoch, and traces."""
    made = functions_recorded()

    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    entry, networks = backbone_named(spec["backbone"]), NetworkCache()
    data = training_data(spec, "features", entry.points)
    other = next(one for one in OPTIMIZERS if one != point(spec).optimizer)
    visits: list[tuple[str, TrialConfig]] = [("first", point(spec))]
    visits += [
        ("known", point(spec, learning_rate=1e-5 * (1 + again))) for again in range(spec["repeats"])
    ]
    visits += [
        ("optimizer", point(spec, optimizer=other)),
        ("cut", point(spec, unfreeze=other_cut(entry))),
    ]
    found: dict[str, list[tuple[float, int]]] = {}
    for kind, config in visits:
        before, first = traces(made), FirstEpoch()
        result = train(config, data, first, networks=networks)
        seconds = first.seconds - result.epochs[1].seconds
        found.setdefault(kind, []).append((seconds, traces(made) - before))
    return found


def reading(spec: Spec) -> Any:
    """Seconds per decoded photo, per fetched row of the paper's cut, per fetched batch and step."""
    from trainables.features.fill import frozen_inputs
    from trainables.photos.decoding import decode
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    config, networks = point(spec), NetworkCache()
    data = training_data(spec, "features", (config.unfreeze,))
    result = train(config, data, lambda _: None, networks=networks)
    full = networks.full_network(config, data)
    kind = config.scaling_kind
    arrays = frozen_inputs(full, full.cut(config.unfreeze), data, kind).arrays
    rng = np.random.default_rng(spec["seed"])
    orders = [rng.permutation(len(data.photos))[: config.batch_size] for _ in range(50)]
    batch = _median_seconds(lambda rows: [one[rows] for one in arrays], orders)
    files = jpegs(40, spec["seed"])
    photo = _median_seconds(lambda file: decode(file, spec["image"]), files)
    counts = data.split.counts()
    steps = sum(-(-counts[part] // config.batch_size) for part in ("train", "validation"))
    row_bytes = sum(one[0].nbytes for one in arrays)
    step = result.epochs[1].seconds / steps
    row = batch / len(orders[0])
    return {"photo": photo, "row": row, "batch": batch, "step": step, "row_bytes": row_bytes}


def _median_seconds(call: Callable[[Any], Any], inputs: Sequence[Any]) -> float:
    seconds = []
    for one in inputs:
        started = time.perf_counter()
        call(one)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def rates(spec: Spec) -> Any:
    """Seconds per photo through the frozen layers of the paper's cut, in batches, traced before."""
    from trainables.features.fill import PASS_BATCH
    from trainables.networks.cuts import PHOTO
    from trainables.networks.frozen import FrozenLayers, InputFormat
    from trainables.training.network_cache import NetworkCache

    config = point(spec)
    data = training_data(spec, "features", ())
    full = NetworkCache().full_network(config, data)
    required = full.cut(config.unfreeze).required
    layers = FrozenLayers(full, InputFormat((PHOTO,), "unit"), required)
    batch = np.asarray(data.photos[:PASS_BATCH])
    layers([batch])
    return _median_seconds(layers, [[batch]] * _TIMED_BATCHES) / len(batch)


def cuts(spec: Spec) -> Any:
    """Seconds of the frozen pass: for every cut of the backbone, and for the deepest alone."""
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    networks, points = NetworkCache(), backbone_named(spec["backbone"]).points
    seconds: dict[str, list[float]] = {"warm": [], "all": [], "deepest": []}
    for again in range(spec["repeats"]):
        for kind, asked in (("warm", (HEAD,)), ("deepest", (HEAD,)), ("all", points)):
            if kind == "warm" and again:  # the first pass alone meets a cold process
                continue
            data = training_data(spec, f"{kind}-{again}", asked)
            result = train(
                point(spec, unfreeze=HEAD, epochs=1), data, lambda _: None, networks=networks
            )
            seconds[kind].append(result.cost.seconds_features)
    return seconds


def heap(spec: Spec) -> Any:
    """The most anonymous memory, MB, at the ends of a head-only trial's epochs."""
    from trainables.training.train import train

    seen: list[float] = []
    data = training_data(spec, "features", (HEAD,))
    train(point(spec, unfreeze=HEAD), data, lambda _: seen.append(anonymous_megabytes()))
    return max(*seen, anonymous_megabytes())


def growth(spec: Spec) -> Any:
    """Anonymous memory, MB, after each of several trials at one point of the network."""
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    networks, data = NetworkCache(), training_data(spec, "features", (spec["unfreeze"],))
    after = []
    for number in range(spec["trials"]):
        rate = 1e-5 * (1 + number)
        config = point(spec, unfreeze=spec["unfreeze"], learning_rate=rate)
        train(config, data, lambda _: None, networks=networks)
        gc.collect()
        after.append(anonymous_megabytes())
    return after


def anonymous_megabytes() -> float:
    """Resident memory that belongs to this process alone; mapped files do not count (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("RssAnon:")]
    return int(kilobytes) / 1024


PROBES = {one.__name__: one for one in (fixed, reading, rates, cuts, heap, growth)}


def main(words: list[str], probes: Mapping[str, Callable[[Spec], Any]] = PROBES) -> None:
    """Run one probe with the threads that it was given and write what it found."""
    from trainables.networks.devices import configure

    name, spec_path, out = words
    spec = read_json(Path(spec_path))
    configure(cpus=spec["cpus"], gpus=0)
    write_json(Path(out), probes[name](spec))


if __name__ == "__main__":
    main(sys.argv[1:])
