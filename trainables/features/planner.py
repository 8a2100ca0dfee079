"""Which layers' outputs are stored, and from which stored ones a cut is reached.

The cheapest bytes come first: what the trial itself reads, then the cuts of the other unfreeze
points from the smallest to the largest, as far as the budget and the disk go. A cut that is not
stored is reached from the nearest stored outputs, at worst from the photos, by running the layers
between again in every epoch: same results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.features.file import FeatureKey, Features
from trainables.features.store import FeatureStore
from trainables.networks.cuts import PHOTO, Cut, Graph, nearest_sources


@dataclass(frozen=True)
class Sources:
    """Where the outputs of some layers come from.

    Attributes:
        nodes: the layers to read, or `PHOTO`.
        arrays: [N, ...] each, in the order of `nodes`.
        recomputed: the layers to run between these and the wanted ones.
        missing: wanted layers that are not stored.
        held: keeps the files from being evicted.
    """

    nodes: tuple[int, ...]
    arrays: tuple[NDArray[Any], ...]
    recomputed: tuple[int, ...]
    missing: frozenset[int]
    held: tuple[Features, ...]


def nodes_to_store(graph: Graph, cut: Cut, others: Iterable[Cut]) -> list[int]:
    """Layers in the order in which they are stored, each once, without the photos.

    Args:
        cut: the trial's own.
        others: of the other unfreeze points that the run may visit.
    """
    by_size = sorted(others, key=lambda other: other.row_bytes(graph))
    # The deepest layer of a cut first: it is usually the smallest.
    nodes = (node for each in (cut, *by_size) for node in reversed(each.required))
    return [node for node in dict.fromkeys(nodes) if node != PHOTO]


@dataclass(frozen=True)
class FeaturePlan:
    """The layers of one network whose outputs may be stored.

    Attributes:
        graph: the network's.
        keys: of the layers, in the order in which they are stored.
        store: where.
        photos: [N, S, S, 3].
    """

    graph: Graph
    keys: Mapping[int, FeatureKey]
    store: FeatureStore
    photos: NDArray[np.uint8]

    def exact_sources(self, wanted: tuple[int, ...]) -> Sources:
        """What layers that will be stored are computed from.

        Rows that were rounded to half precision are passed over, so that what a file holds does not
        depend on which files were there before it.
        """
        return self._nearest(wanted, [node for node in self._stored() if self._is_exact(node)])

    def sources(self, wanted: tuple[int, ...]) -> Sources:
        """Open what is nearest to the wanted layers, passing over files that cannot be opened."""
        return self._nearest(wanted, self._stored())

    def _stored(self) -> list[int]:
        return [node for node, key in self.keys.items() if self.store.has(key)]

    def _is_exact(self, node: int) -> bool:
        return self.keys[node].dtype == "float32"

    def _nearest(self, wanted: tuple[int, ...], candidates: Iterable[int]) -> Sources:
        stored = set(candidates)
        while True:
            nodes, recomputed = nearest_sources(self.graph, wanted, stored)
            opened = {
                node: self.store.open(self.keys[node], len(self.photos))
                for node in nodes
                if node != PHOTO
            }
            held = {node: features for node, features in opened.items() if features is not None}
            if lost := opened.keys() - held.keys():
                stored -= lost
                continue
            return Sources(
                nodes=nodes,
                arrays=tuple(self.photos if node == PHOTO else held[node].rows for node in nodes),
                recomputed=recomputed,
                missing=frozenset(wanted) - stored - {PHOTO},
                held=tuple(held.values()),
            )
