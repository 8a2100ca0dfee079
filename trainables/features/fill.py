"""The frozen part of a trial: finds its outputs in the feature store, or computes them once.

One pass over the photos stores the outputs for every unfreeze point that the run may visit, in the
order of `planner`. One process computes a group of features, the others wait for it and read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.ledger.records import Cost
from results.ledger.runs import Split
from search_spaces.config import FLOAT32
from search_spaces.metrics import ACCURACY
from search_spaces.settings import UNWEIGHTED
from trainables.features.file import FeatureKey, Features
from trainables.features.planner import FeaturePlan, nodes_to_store
from trainables.features.store import FeatureStore
from trainables.networks.backbones import FullNetwork, output_of
from trainables.networks.cuts import Cut
from trainables.networks.devices import CPU_INPUT_BYTES, gpu_names, onednn_setting
from trainables.networks.frozen import FrozenLayers, InputFormat
from trainables.networks.weights import Weights
from trainables.progress import Progress, quiet

PASS_BATCH = 32
"""The paper's batch size: at equal batch sizes cached and recomputed outputs agree bit for bit."""


@dataclass(frozen=True)
class TrainingData:
    """What a trial is trained on and with.

    Attributes:
        photos: [N, S, S, 3] uint8, usually mapped from the dataset's file.
        split: labels and parts of the N photos.
        classes: how many.
        digest: of the dataset.
        weights: what the backbones start from.
        store: where frozen features are kept.
        points: the unfreeze points, per backbone, that this run may visit.
        cache_dtype: `float32` or `float16`, of the stored features.
        precision: what the layers compute in, see `search_spaces.config`.
        jit_compile: whether XLA compiles them.
        class_weights: how photos weigh in the training loss, see `search_spaces.settings`.
        metric: by which the best epoch is chosen.
        device_bytes: of the device's memory, what photos and features may take that stay there.
    """

    photos: NDArray[np.uint8]
    split: Split
    classes: int
    digest: str
    weights: Weights
    store: FeatureStore
    points: Mapping[str, tuple[str, ...]]
    cache_dtype: str = "float32"
    precision: str = FLOAT32
    jit_compile: bool = False
    class_weights: str = UNWEIGHTED
    metric: str = ACCURACY
    device_bytes: int = CPU_INPUT_BYTES


@dataclass(frozen=True)
class Inputs:
    """What the trial's network reads for each photo.

    Attributes:
        format: the layers whose outputs these are, and how they are stored.
        arrays: [N, ...] each, in the order of the format's nodes.
        recomputed: how many frozen layers are run between these and the cut in every epoch.
        cost: of finding and computing them; the rest of the trial's cost is still 0.
        held: keeps the files from being evicted.
    """

    format: InputFormat
    arrays: tuple[NDArray[Any], ...]
    recomputed: int
    cost: Cost
    held: tuple[Features, ...]


def frozen_inputs(
    full: FullNetwork, cut: Cut, data: TrainingData, scaling: str, progress: Progress = quiet
) -> Inputs:
    """Open the trial's inputs, after computing what is missing of the store.

    Args:
        scaling: its kind, see `trainables.networks.scaling`.
        progress: told how many photos are done.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    started = time.perf_counter()
    backbone, cost = full.entry.name, Cost()
    others = (full.cut(point) for point in data.points.get(backbone, ()))
    nodes = nodes_to_store(full.graph, cut, others)
    keys = {node: _key(full, node, data, scaling) for node in nodes}
    plan = FeaturePlan(full.graph, keys, data.store, data.photos)
    sources = plan.sources(cut.required)
    if sources.missing:
        progress("waiting for features", 0, None)
        with data.store.group_locked(f"{data.digest} {backbone} {scaling}") as waited:
            cost = replace(_fill(full, cut, data, scaling, plan, progress), seconds_waiting=waited)
        sources = plan.sources(cut.required)
    return Inputs(
        format=InputFormat(sources.nodes, scaling, data.cache_dtype),
        arrays=sources.arrays,
        recomputed=len(sources.recomputed),
        cost=replace(cost, seconds_features=time.perf_counter() - started),
        held=sources.held,
    )


def numerics(precision: str = FLOAT32, jit_compile: bool = False) -> str:
    """What moves the last bits of a layer's output besides its inputs."""
    device = ", ".join(gpu_names())
    way = " by XLA" if jit_compile else " with op determinism" if device else ""
    libraries = f"tensorflow {tf.__version__}, keras {keras.__version__}, oneDNN {onednn_setting()}"
    return f"{libraries}, {precision}{way}, {device or 'cpu'}"


def _key(full: FullNetwork, node: int, data: TrainingData, scaling: str) -> FeatureKey:
    layer = full.layers[node]
    return FeatureKey(
        photos=data.digest,
        backbone=full.entry.name,
        weights=data.weights.digests[full.entry.name],
        scaling=scaling,
        node=node,
        layer=type(layer).__name__,
        shape=tuple(output_of(layer).shape[1:]),
        dtype=data.cache_dtype,
        numerics=numerics(data.precision, data.jit_compile),
    )


def _fill(
    full: FullNetwork,
    cut: Cut,
    data: TrainingData,
    scaling: str,
    plan: FeaturePlan,
    progress: Progress,
) -> Cost:
    """Compute what the trial lacks, and others where room is free, in one pass over the photos."""
    # Held until the pass has ended, so that none of them gives way to what is computed from it.
    held = plan.sources(cut.required)
    if not held.missing:  # another process computed them meanwhile
        return Cost()
    absent = [key for key in plan.keys.values() if not data.store.has(key)]
    required = [key for key in absent if key.node in held.missing]
    spare = [key for key in absent if key.node not in held.missing]
    photos = len(data.photos)
    with data.store.writing(required, photos, spare=spare) as writers:
        if not writers:
            return Cost()
        wanted = tuple(writer.key.node for writer in writers)
        sources = plan.exact_sources(wanted)
        full.restore()
        read = InputFormat(sources.nodes, scaling, data.cache_dtype)
        layers = FrozenLayers(full, read, wanted, jit_compile=data.jit_compile)
        for start in range(0, photos, PASS_BATCH):
            progress("features", start, photos)
            outputs = layers([array[start : start + PASS_BATCH] for array in sources.arrays])
            for writer, rows in zip(writers, outputs, strict=True):
                writer.append(rows)
    return Cost(
        photos_prefix=photos,
        bytes_stored=photos * sum(writer.key.row_bytes for writer in writers),
        seconds_tracing=layers.seconds_tracing,
        seconds_prefix=photos * layers.seconds_per_photo,
        multiply_adds_prefix=photos * full.multiply_adds(sources.recomputed),
    )
