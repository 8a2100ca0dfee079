"""The frozen part of a trial: finds its outputs in the feature store, or computes them once.

One pass over the photos stores the outputs for every unfreeze point that the run may visit and that
is worth it (`trainables.storing`), as far as the budget goes. A cut that is not stored is reached
from the nearest one that is, at worst from the photos, by running the layers between again in every
epoch: same results.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.profiles import Profile
from results.runs import Split
from search_spaces.precisions import FLOAT32
from trainables.backbones import Whole
from trainables.cuts import PHOTO, Cut, cut_at
from trainables.device_names import gpu_names, onednn_setting
from trainables.features import Compute, FeatureKey, Features, FeatureStore
from trainables.nearest import nearest
from trainables.prefix import Prefix
from trainables.storing import memory_for_rows, worth_storing
from trainables.weights import Weights

PREFIX_BATCH = 32
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
        precision: what the layers compute in, see `search_spaces.precisions`.
        jit_compile: whether XLA compiles them.
        profiles: what each backbone's layers cost here, as far as that is known.
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
    profiles: Mapping[str, Profile] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """What the trial's network reads for each photo.

    Attributes:
        nodes: the layers whose outputs these are; `PHOTO` for the photos themselves.
        arrays: [N, ...] each, in the order of `nodes`.
        recomputed: frozen layers between these and the cut.
        photos_prefix: photos that were pushed through frozen layers now.
        bytes_stored: written now.
        seconds: taken now, waiting for another process included.
        seconds_waiting: of these, while another process computed.
        seconds_tracing: of `seconds`, tracing or compiling the frozen layers.
    """

    nodes: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]
    recomputed: int
    photos_prefix: int
    bytes_stored: int
    seconds: float
    seconds_waiting: float
    seconds_tracing: float = 0.0
    held: tuple[Features, ...] = ()


def frozen_inputs(whole: Whole, cut: Cut, data: TrainingData, kind: str) -> Inputs:
    """Open the trial's inputs, after computing what is missing of the store.

    Args:
        kind: of input scaling, see `trainables.scaling`.
    """
    started = time.perf_counter()
    keys = {node: _key(whole, node, data, kind) for node in _worth_storing(whole, cut, data)}
    found = nearest(whole.graph, cut.required, keys, data.store, data.photos)
    pushed, written, traced, waited = 0, 0, 0.0, 0.0
    if found.lacking & keys.keys():
        asked = time.perf_counter()
        with data.store.filling(f"{data.digest} {whole.entry.name} {kind}"):
            waited = time.perf_counter() - asked
            pushed, written, traced = _fill(whole, cut, keys, data, kind)
        found = nearest(whole.graph, cut.required, keys, data.store, data.photos)
    return Inputs(
        nodes=found.nodes,
        arrays=found.arrays,
        recomputed=len(found.run),
        photos_prefix=pushed,
        bytes_stored=written,
        seconds=time.perf_counter() - started,
        seconds_waiting=waited,
        seconds_tracing=traced,
        held=found.held,
    )


def numerics(precision: str = FLOAT32, jit_compile: bool = False) -> str:
    """What moves the last bits of a layer's output besides its inputs."""
    device = ", ".join(gpu_names()) or "cpu"
    libraries = f"tensorflow {tf.__version__}, keras {keras.__version__}, oneDNN {onednn_setting()}"
    return f"{libraries}, {precision}{' by XLA' if jit_compile else ''}, {device}"


def _worth_storing(whole: Whole, cut: Cut, data: TrainingData) -> list[int]:
    """Nodes of the cuts that are worth it: this trial's first, then the other unfreeze points'."""
    points = data.points.get(whole.entry.name, ())
    cuts = [cut, *(cut_at(whole.graph, whole.first(point)) for point in points)]
    worth = worth_storing(
        whole.graph,
        [one for one in dict.fromkeys(cuts) if one.required != (PHOTO,)],
        data.profiles.get(whole.entry.name),
        rows=len(data.photos),
        shrunk=np.dtype(data.cache_dtype).itemsize / np.dtype("float32").itemsize,
        memory_bytes=memory_for_rows(),
    )
    ordered = sorted(worth, key=lambda one: one != cut)
    nodes = (node for one in ordered for node in reversed(one.required) if node != PHOTO)
    return list(dict.fromkeys(nodes))


def _key(whole: Whole, node: int, data: TrainingData, kind: str) -> FeatureKey:
    layer = whole.layers[node]
    return FeatureKey(
        photos=data.digest,
        backbone=whole.entry.name,
        weights=data.weights.digests[whole.entry.name],
        scaling=kind,
        node=node,
        layer=type(layer).__name__,
        shape=tuple(layer.output.shape[1:]),
        dtype=data.cache_dtype,
        numerics=numerics(data.precision, data.jit_compile),
    )


def _fill(
    whole: Whole, cut: Cut, keys: dict[int, FeatureKey], data: TrainingData, kind: str
) -> tuple[int, int, float]:
    """Compute what this trial lacks, and others where room is free.

    Returns:
        Photos pushed through frozen layers, bytes written, and seconds of tracing.
    """
    rows = len(data.photos)
    # Held until the pass has ended, so that none of them gives way to what is computed from them.
    needed = nearest(whole.graph, cut.required, keys, data.store, data.photos)
    absent = [node for node in keys if not data.store.has(keys[node])]
    required = [keys[node] for node in absent if node in needed.lacking]
    if not required:
        return 0, 0, 0.0
    made: list[Prefix] = []

    def prepare(chosen: Sequence[FeatureKey]) -> Compute:
        wanted = tuple(key.node for key in chosen)
        sources = nearest(whole.graph, wanted, keys, data.store, data.photos)
        whole.restore()
        prefix = Prefix(
            whole,
            sources.nodes,
            wanted,
            kind,
            dtype=data.cache_dtype,
            jit_compile=data.jit_compile,
        )
        made.append(prefix)
        return lambda window: prefix([array[window] for array in sources.arrays])

    written = data.store.fill(
        required,
        rows,
        prepare,
        batch=PREFIX_BATCH,
        spare=[keys[node] for node in absent if node not in needed.lacking],
    )
    return (rows if written else 0), written, sum(one.seconds_tracing for one in made)
