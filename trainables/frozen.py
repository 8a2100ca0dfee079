"""The frozen part of a trial: finds its outputs in the feature store, or computes them once.

One pass over the photos stores the outputs for every unfreeze point that the run may visit, deepest
first, as far as the budget goes. A cut that does not fit is reached from the nearest stored one, at
worst from the photos, by running the layers between again in every epoch: slower, same results.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.runs import Split
from trainables.backbones import Whole
from trainables.cuts import PHOTO, Cut, cut_at, nearest_sources
from trainables.features import FeatureKey, Features, FeatureStore
from trainables.scaling import scaled
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
    """

    photos: NDArray[np.uint8]
    split: Split
    classes: int
    digest: str
    weights: Weights
    store: FeatureStore
    points: Mapping[str, tuple[str, ...]]
    cache_dtype: str = "float32"


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
    """

    nodes: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]
    recomputed: int
    photos_prefix: int
    bytes_stored: int
    seconds: float
    held: tuple[Features, ...] = ()


def frozen_inputs(whole: Whole, cut: Cut, data: TrainingData, kind: str) -> Inputs:
    """Open the trial's inputs, after computing what is missing of the store.

    Args:
        kind: of input scaling, see `trainables.scaling`.
    """
    started = time.perf_counter()
    keys = {node: _key(whole, node, data, kind) for node in _worth_storing(whole, cut, data)}
    pushed, written = 0, 0
    if not all(data.store.has(keys[node]) for node in cut.required if node != PHOTO):
        with data.store.filling(f"{data.digest} {whole.entry.name} {kind}"):
            pushed, written = _fill(whole, keys, data, kind)
    opened = _open(keys, data)
    nodes, run = nearest_sources(whole.graph, cut.required, opened)
    return Inputs(
        nodes=nodes,
        arrays=tuple(data.photos if node == PHOTO else opened[node].rows for node in nodes),
        recomputed=len(run),
        photos_prefix=pushed,
        bytes_stored=written,
        seconds=time.perf_counter() - started,
        held=tuple(opened[node] for node in nodes if node != PHOTO),
    )


def numerics() -> str:
    """What moves the last bits of a layer's output besides its inputs."""
    device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default")
    return f"tensorflow {tf.__version__}, keras {keras.__version__}, oneDNN {onednn}, {device}"


def _worth_storing(whole: Whole, cut: Cut, data: TrainingData) -> list[int]:
    """This trial's nodes first, then those of the other unfreeze points, deepest first."""
    points = data.points.get(whole.entry.name, ())
    cuts = [cut, *(cut_at(whole.graph, whole.first(point)) for point in points)]
    nodes = (node for one in cuts for node in reversed(one.required) if node != PHOTO)
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
        numerics=numerics(),
    )


def _fill(
    whole: Whole, keys: dict[int, FeatureKey], data: TrainingData, kind: str
) -> tuple[int, int]:
    """Compute what is absent and affordable; return photos pushed and bytes written."""
    rows = len(data.photos)
    absent = [key for key in keys.values() if not data.store.has(key)]
    chosen = data.store.affordable(absent, rows)
    if not chosen:
        return 0, 0
    opened = _open(keys, data)
    wanted = tuple(key.node for key in chosen)
    nodes, _ = nearest_sources(whole.graph, wanted, opened)
    arrays = [data.photos if node == PHOTO else opened[node].rows for node in nodes]
    whole.restore()
    prefix = Prefix(whole, nodes, wanted, kind)
    written = data.store.fill(
        chosen, rows, lambda window: prefix([array[window] for array in arrays]), batch=PREFIX_BATCH
    )
    return rows, written


def _open(keys: dict[int, FeatureKey], data: TrainingData) -> dict[int, Features]:
    found = {node: data.store.open(key, len(data.photos)) for node, key in keys.items()}
    return {node: features for node, features in found.items() if features is not None}


class Prefix:
    """Frozen layers between two sets of nodes, in inference mode."""

    def __init__(
        self, whole: Whole, sources: tuple[int, ...], wanted: tuple[int, ...], kind: str
    ) -> None:
        model = whole.part(sources, wanted)

        def run(batch: list[Any]) -> list[Any]:
            return as_list(model(network_inputs(batch, sources, kind), training=False))

        self._run = tf.function(run, input_signature=[input_signature(whole, sources)])

    def __call__(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of the wanted layers for one batch, each [n, ...] float32."""
        outputs = self._run([tf.convert_to_tensor(one) for one in batch])
        return [one.numpy() for one in outputs]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def input_signature(whole: Whole, nodes: tuple[int, ...], dtype: str = "float32") -> list[Any]:
    """One TensorSpec per node for any number of photos; the photos themselves are uint8."""
    return [
        tf.TensorSpec(
            (None, *whole.layers[node].output.shape[1:]), "uint8" if node == PHOTO else dtype
        )
        for node in nodes
    ]


def network_inputs(batch: list[Any], nodes: tuple[int, ...], kind: str) -> list[Any]:
    """Stored features as float32, photos scaled."""
    return [
        scaled(one, kind) if node == PHOTO else tf.cast(one, "float32")
        for one, node in zip(batch, nodes, strict=True)
    ]
