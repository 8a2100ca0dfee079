"""Opens the stored outputs that are nearest to wanted layers; at worst these are the photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.features.store import FeatureKey, Features, FeatureStore
from trainables.networks.cuts import PHOTO, Graph, nearest_sources


@dataclass(frozen=True)
class Sources:
    """Where outputs come from.

    Attributes:
        nodes: the layers that are stored, or `PHOTO`.
        arrays: [N, ...] each, in the order of `nodes`.
        run: the layers between these and the wanted ones.
        lacking: wanted layers that are not stored.
        held: keeps the files from being evicted.
    """

    nodes: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]
    run: tuple[int, ...]
    lacking: frozenset[int]
    held: tuple[Features, ...]


def nearest(
    graph: Graph,
    wanted: tuple[int, ...],
    keys: Mapping[int, FeatureKey],
    store: FeatureStore,
    photos: NDArray[np.uint8],
) -> Sources:
    """Open what is nearest to the wanted nodes; a file that cannot be opened is passed over.

    Args:
        keys: of the nodes that may be stored.
        photos: [N, S, S, 3].
    """
    stored = {node for node, key in keys.items() if store.has(key)}
    while True:
        nodes, run = nearest_sources(graph, wanted, stored)
        opened = {node: store.open(keys[node], len(photos)) for node in nodes if node != PHOTO}
        if lost := {node for node, features in opened.items() if features is None}:
            stored -= lost
            continue
        held = {node: features for node, features in opened.items() if features is not None}
        return Sources(
            nodes=nodes,
            arrays=tuple(photos if node == PHOTO else held[node].rows for node in nodes),
            run=run,
            lacking=frozenset(wanted) - stored - {PHOTO},
            held=tuple(held.values()),
        )
