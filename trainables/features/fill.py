"""The frozen part of a trial: finds its outputs in the feature store, or computes them once.

One pass over the photos stores the outputs for every unfreeze point that the run may visit and that
is worth it (`planner`), as far as the budget goes. A cut that is not stored is reached
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

from results.ledger.profiles import Profile
from results.ledger.runs import Split
from search_spaces.config import FLOAT32
from trainables.features.nearest import Sources, nearest
from trainables.features.planner import memory_for_rows, worth_storing
from trainables.features.shared_pass import Compute, Done, Pass, Work
from trainables.features.store import FeatureKey, Features, FeatureStore
from trainables.networks.backbones import Whole, output_of
from trainables.networks.cuts import PHOTO, Cut, cut_at
from trainables.networks.device_names import gpu_names, onednn_setting
from trainables.networks.prefix import Prefix
from trainables.networks.weights import Weights

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
        precision: what the layers compute in, see `search_spaces.config`.
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
        photos_prefix: photos that this process pushed through frozen layers now, those of other
            processes' passes included.
        bytes_stored: in a pass of this process' own now, whoever computed them.
        seconds: taken now, waiting for another process included.
        seconds_waiting: of these, with nothing to do while another process computed.
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
        kind: of input scaling, see `trainables.networks.scaling`.
    """
    started = time.perf_counter()
    passes = _Passes(whole, data, kind, _worth_storing(whole, cut, data))
    found = passes.nearest(cut.required)
    helped, filled = Done(), Done()
    if found.lacking & passes.keys.keys():
        with data.store.filling(passes.group, passes.join) as helped:
            filled = passes.fill(cut)
        found = passes.nearest(cut.required)
    return Inputs(
        nodes=found.nodes,
        arrays=found.arrays,
        recomputed=len(found.run),
        photos_prefix=helped.rows_computed + filled.rows_computed,
        bytes_stored=filled.bytes_stored,
        seconds=time.perf_counter() - started,
        seconds_waiting=helped.seconds_waiting + filled.seconds_waiting,
        seconds_tracing=sum(prefix.seconds_tracing for prefix in passes.made),
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
        shape=tuple(output_of(layer).shape[1:]),
        dtype=data.cache_dtype,
        numerics=numerics(data.precision, data.jit_compile),
    )


class _Passes:
    """One trial's part in passes over the photos: the one that it fills, and others' that it helps.

    Attributes:
        keys: of the nodes that are worth storing.
        group: whose passes wait for one another.
        made: what was traced.
    """

    def __init__(self, whole: Whole, data: TrainingData, kind: str, nodes: Sequence[int]) -> None:
        self.keys = {node: _key(whole, node, data, kind) for node in nodes}
        self.group = f"{data.digest} {whole.entry.name} {kind}"
        self.made: list[Prefix] = []
        self._whole = whole
        self._data = data
        self._kind = kind

    def nearest(self, wanted: tuple[int, ...]) -> Sources:
        return self._nearest(wanted, self.keys)

    def fill(self, cut: Cut) -> Done:
        """Compute what this trial lacks, and others where room is free."""
        store = self._data.store
        # Held until the pass has ended, so that none of them gives way to what is computed from it.
        needed = self.nearest(cut.required)
        absent = [node for node in self.keys if not store.has(self.keys[node])]
        required = [self.keys[node] for node in absent if node in needed.lacking]
        if not required:
            return Done()
        return store.fill(
            self.group,
            required,
            len(self._data.photos),
            self._prepare,
            batch=PREFIX_BATCH,
            spare=[self.keys[node] for node in absent if node not in needed.lacking],
        )

    def join(self, other: Pass) -> Compute | None:
        """What computes another process' pass, if it has the same keys, sources and threads."""
        nodes = (*(key.node for key in other.keys), *other.sources)
        keys = {n: _key(self._whole, n, self._data, self._kind) for n in nodes if n != PHOTO}
        wanted = tuple(key.node for key in other.keys)
        if other.threads != _threads() or any(keys[key.node] != key for key in other.keys):
            return None
        sources = self._nearest(wanted, {n: keys[n] for n in other.sources if n != PHOTO})
        return self._compute(sources, wanted) if sources.nodes == other.sources else None

    def _prepare(self, chosen: Sequence[FeatureKey]) -> Work:
        wanted = tuple(key.node for key in chosen)
        sources = self.nearest(wanted)
        return Work(self._compute(sources, wanted), sources.nodes, _threads())

    def _compute(self, sources: Sources, wanted: tuple[int, ...]) -> Compute:
        data = self._data
        self._whole.restore()
        prefix = Prefix(
            self._whole,
            sources.nodes,
            wanted,
            self._kind,
            dtype=data.cache_dtype,
            jit_compile=data.jit_compile,
        )
        self.made.append(prefix)
        return lambda window: prefix([array[window] for array in sources.arrays])

    def _nearest(self, wanted: tuple[int, ...], keys: Mapping[int, FeatureKey]) -> Sources:
        return nearest(self._whole.graph, wanted, keys, self._data.store, self._data.photos)


def _threads() -> int:
    return int(tf.config.threading.get_intra_op_parallelism_threads())
