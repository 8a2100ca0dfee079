"""Where a network is cut: a graph algorithm on plain numbers, without Keras.

A network is a list of layers in an order in which parents come first; node 0 is the photo. Training
from layer `first` on divides the nodes in three (see ARCHITECTURE.md):

    cacheable   no trained ancestor: computed once per photo for all runs, in inference mode
    required    the cacheable nodes whose outputs cross into the trained part
    trained     everything else

Weight-free layers just after `first` (a Concatenate, a pooling) have no trained ancestor either, so
they are cacheable; a Dropout from `first` on is not, because it differs from step to step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

PHOTO = 0


@dataclass(frozen=True)
class Graph:
    """The layers of one network; all tuples have one entry per node.

    Attributes:
        parents: earlier nodes whose outputs the layer takes.
        active: the layer differs between training and inference, or has weights to train.
        row_bytes: bytes of the layer's output for one photo, as float32.
        weight_free: the layer has no weights at all.
    """

    parents: tuple[tuple[int, ...], ...]
    active: tuple[bool, ...]
    row_bytes: tuple[int, ...]
    weight_free: tuple[bool, ...]

    @property
    def output(self) -> int:
        return len(self.parents) - 1


@dataclass(frozen=True)
class Cut:
    """What a first trained layer means.

    Attributes:
        required: cacheable nodes whose outputs the trained part reads, ascending.
        trained: nodes of the trained part, ascending.
    """

    required: tuple[int, ...]
    trained: tuple[int, ...]

    def row_bytes(self, graph: Graph) -> int:
        """Bytes per photo of all required outputs."""
        return sum(graph.row_bytes[node] for node in self.required)


def cut_at(graph: Graph, first: int) -> Cut:
    """Cut before node `first`: the latest cut, with cheap weight-free layers moved back over it.

    A weight-free layer on the cacheable side is moved to the trained side where this makes the
    required outputs smaller (an Inception block's average pooling, whose input crosses anyway). A
    frozen Dropout stays, since the trained side would switch it on.
    """
    cacheable = _without_active_ancestor(graph, first)
    required = _crossing(graph, cacheable)
    while (node := _worth_moving(graph, required)) is not None:
        cacheable.discard(node)
        required = _crossing(graph, cacheable)
    trained = [node for node in range(len(graph.parents)) if node not in cacheable]
    return Cut(required=tuple(sorted(required)), trained=tuple(trained))


def nearest_sources(
    graph: Graph, wanted: Iterable[int], stored: Collection[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Walk back from `wanted` to the nearest stored outputs, at worst the photo.

    Returns:
        The nodes to read (stored ones, or the photo), and the layers to run, both ascending.
    """
    sources: set[int] = set()
    run: set[int] = set()
    pending = list(wanted)
    while pending:
        node = pending.pop()
        if node in stored or node == PHOTO:
            sources.add(node)
        elif node not in run:
            run.add(node)
            pending.extend(graph.parents[node])
    return tuple(sorted(sources)), tuple(sorted(run))


def _without_active_ancestor(graph: Graph, first: int) -> set[int]:
    cacheable: set[int] = set()
    for node, parents in enumerate(graph.parents):
        is_active = node >= first and graph.active[node]
        if not is_active and all(parent in cacheable for parent in parents):
            cacheable.add(node)
    return cacheable


def _crossing(graph: Graph, cacheable: set[int]) -> set[int]:
    crossing = {
        parent
        for node, parents in enumerate(graph.parents)
        if node not in cacheable
        for parent in parents
        if parent in cacheable
    }
    return crossing or {graph.output}


def _worth_moving(graph: Graph, required: set[int]) -> int | None:
    for node in sorted(required):
        if node == PHOTO or graph.active[node] or not graph.weight_free[node]:
            continue
        added = set(graph.parents[node]) - required
        if sum(graph.row_bytes[parent] for parent in added) < graph.row_bytes[node]:
            return node
    return None
