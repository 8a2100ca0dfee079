"""A trial's steady epochs in the three ways to feed a network that takes many batches a call.

    python -m tests.benchmarks.at_once NAME SPEC.json OUT.json

One batch a call, many with a call, or places of what is on the device already; by turns in one
process, on the same network; features are made up.
"""

from __future__ import annotations

import statistics
import sys
from typing import Any

import numpy as np

from search_spaces.backbones import HEAD
from tests.benchmarks.probes import Spec, main, point, training_data


def at_once(spec: Spec) -> dict[str, Any]:
    """Seconds of epochs, training and validation, each way, and whether the losses are equal."""
    from results.ledger.runs import SPLITS
    from trainables.networks.frozen import InputFormat
    from trainables.training.inputs import Part
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import _reset, _run_epochs

    config = point(spec, unfreeze=HEAD, epochs=spec["epochs"])
    data, networks = training_data(spec, "features", (HEAD,)), NetworkCache()
    full = networks.full_network(config, data)
    cut = full.cut(HEAD)
    network = networks.network(full, cut, InputFormat(cut.required, "unit"))
    chance, rows = np.random.default_rng(spec["seed"]), spec["photos"]
    shapes = [full.layers[node].output.shape[1:] for node in cut.required]
    arrays = [chance.standard_normal((rows, *shape), np.float32) for shape in shapes]
    labels = chance.integers(data.classes, size=(rows,))
    places = np.split(chance.permutation(rows), [rows * 6 // 10, rows * 8 // 10])
    parts = {
        name: Part(np.sort(one), labels[np.sort(one)], arrays)
        for name, one in zip(SPLITS, places, strict=True)
    }
    on_device = {name: part.on_device() for name, part in parts.items()}
    ways = {"one by one": parts, "at once": parts, "on the device": on_device}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    losses: set[tuple[float, ...]] = set()
    for _ in range(spec["repeats"]):
        for way, found in seconds.items():
            network.loops = way != "one by one"
            _reset(network, config, data, None)
            course = _run_epochs(
                *(config, network, data, ways[way], lambda _: None),
                *({}, lambda: False, lambda *_: None),
            )
            found.append(statistics.median(one.seconds for one in course.epochs[1:]))
            losses.add(tuple(one.train_loss for one in course.epochs))
    return {**seconds, "equal": len(losses) == 1}


if __name__ == "__main__":
    main(sys.argv[1:], {"at_once": at_once})
