"""Cuts of hand-made and random graphs: what is cacheable, what crosses, what is trained."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.networks.cuts import PHOTO, Cut, Graph, cut_at, nearest_sources


def graph(*nodes: tuple[tuple[int, ...], str, int]) -> Graph:
    """Nodes as (parents, kind, bytes): `w` has weights, `d` is a Dropout, `f` has neither."""
    return Graph(
        parents=tuple(parents for parents, _, _ in nodes),
        active=tuple(kind in "wd" for _, kind, _ in nodes),
        row_bytes=tuple(size for _, _, size in nodes),
        weight_free=tuple(kind in "df" for _, kind, _ in nodes),
    )


CHAIN = graph(
    ((), "f", 300),  # 0 photo
    ((0,), "w", 100),  # 1
    ((1,), "f", 100),  # 2 activation
    ((2,), "w", 50),  # 3
    ((3,), "f", 10),  # 4 pooling
    ((4,), "w", 2),  # 5 logits
)
INCEPTION = graph(
    ((), "f", 300),  # 0 photo
    ((0,), "w", 100),  # 1
    ((1,), "w", 10),  # 2 branch a
    ((1,), "w", 10),  # 3 branch b
    ((2, 3), "f", 20),  # 4 concatenate
    ((4,), "w", 2),  # 5 logits
)
RESIDUAL = graph(
    ((), "f", 300),  # 0 photo
    ((0,), "w", 100),  # 1
    ((1,), "w", 90),  # 2 inside the block
    ((2,), "w", 80),  # 3
    ((1, 3), "f", 100),  # 4 add
    ((4,), "w", 2),  # 5 logits
)
POOLED = graph(
    ((), "f", 300),  # 0 photo
    ((0,), "w", 100),  # 1
    ((1,), "f", 100),  # 2 average pooling, beside the branch
    ((1,), "w", 10),  # 3 branch
    ((2,), "w", 10),  # 4 behind the pooling
    ((3, 4), "f", 20),  # 5 concatenate
    ((5,), "w", 2),  # 6 logits
)
DROPPED = graph(
    ((), "f", 300),  # 0 photo
    ((0,), "w", 100),  # 1
    ((1,), "d", 100),  # 2 dropout
    ((2,), "f", 10),  # 3 pooling
    ((3,), "w", 2),  # 4 logits
)


@pytest.mark.parametrize(
    ("network", "first", "required", "trained"),
    [
        (CHAIN, 0, (0,), (1, 2, 3, 4, 5)),  # everything is trained: the photo itself
        (CHAIN, 1, (0,), (1, 2, 3, 4, 5)),
        (CHAIN, 2, (2,), (3, 4, 5)),  # the activation is frozen with its layer
        (CHAIN, 3, (2,), (3, 4, 5)),
        (CHAIN, 4, (4,), (5,)),  # the pooling has nothing to train: cached behind it
        (CHAIN, 5, (4,), (5,)),
        (CHAIN, 6, (5,), ()),  # nothing is trained
        (INCEPTION, 3, (1, 2), (3, 4, 5)),  # two tensors cross
        (INCEPTION, 4, (4,), (5,)),
        (RESIDUAL, 2, (1,), (2, 3, 4, 5)),
        (RESIDUAL, 3, (1, 2), (3, 4, 5)),  # two tensors cross
        (POOLED, 3, (1,), (2, 3, 4, 5, 6)),  # the pooling moves over: its input crosses anyway
        (POOLED, 4, (2, 3), (4, 5, 6)),  # and here it does not
        (DROPPED, 2, (1,), (2, 3, 4)),  # a Dropout from `first` on is not cacheable
        (DROPPED, 3, (3,), (4,)),  # an earlier one is: frozen layers run in inference mode
        (DROPPED, 4, (3,), (4,)),
    ],
)
def test_a_cut_is_the_latest_and_the_smallest(
    network: Graph, first: int, required: tuple[int, ...], trained: tuple[int, ...]
) -> None:
    assert cut_at(network, first) == Cut(required, trained)


def test_a_frozen_dropout_is_never_moved_into_the_trained_part() -> None:
    network = graph(
        ((), "f", 300),  # 0 photo
        ((0,), "w", 100),  # 1
        ((1,), "d", 100),  # 2 frozen dropout
        ((1,), "w", 10),  # 3 first trained, beside it
        ((2, 3), "f", 110),  # 4 concatenate
        ((4,), "w", 2),  # 5 logits
    )
    assert cut_at(network, 3) == Cut((1, 2), (3, 4, 5))


def test_bytes_are_those_of_all_tensors_that_cross() -> None:
    assert cut_at(RESIDUAL, 3).row_bytes(RESIDUAL) == 190


@pytest.mark.parametrize(
    ("wanted", "stored", "expected"),
    [
        ((3,), (), ((0,), (1, 2, 3))),  # from the photo
        ((3,), (2,), ((2,), (3,))),
        ((3,), (1, 2), ((2,), (3,))),  # the nearest, not the earliest
        ((3,), (3,), ((3,), ())),
        ((2, 3), (2,), ((2,), (3,))),
        ((0,), (), ((0,), ())),
        ((4,), (3,), ((0, 3), (1, 4))),  # one branch stored, the other from the photo
        ((4,), (1, 3), ((1, 3), (4,))),
    ],
)
def test_sources_are_the_nearest_stored_ones(
    wanted: tuple[int, ...],
    stored: tuple[int, ...],
    expected: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    assert nearest_sources(RESIDUAL, wanted, stored) == expected


@st.composite
def networks(draw: st.DrawFn) -> Graph:
    """Any graph whose photo comes first, whose output is last and which all nodes lead to."""
    size = draw(st.integers(2, 12))
    parents: list[set[int]] = [set()]
    for node in range(1, size):
        parents.append(draw(st.sets(st.integers(0, node - 1), min_size=1, max_size=3)))
    for node in range(size - 1):
        if not any(node in one for one in parents[node + 1 :]):
            parents[draw(st.integers(node + 1, size - 1))].add(node)
    kinds = ["f", *(draw(st.sampled_from("wwfd")) for _ in range(size - 2)), "w"]
    sizes = [draw(st.integers(1, 50)) for _ in range(size)]
    rows = zip(parents, kinds, sizes, strict=True)
    return graph(*((tuple(sorted(one)), kind, size) for one, kind, size in rows))


def ancestors(network: Graph, node: int) -> set[int]:
    found: set[int] = set()
    pending = [node]
    while pending:
        for parent in network.parents[pending.pop()]:
            if parent not in found:
                found.add(parent)
                pending.append(parent)
    return found


@given(networks(), st.data())
def test_what_is_cached_has_nothing_trained_before_it(network: Graph, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, network.output + 1))
    cut = cut_at(network, first)
    assert cut.required
    for node in cut.required:
        before = {node} | ancestors(network, node)
        assert not any(network.active[one] and one >= first for one in before)
        assert node not in cut.trained


@given(networks(), st.data())
def test_every_way_from_the_photo_to_what_is_trained_crosses_the_cut(
    network: Graph, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, network.output + 1))
    cut = cut_at(network, first)
    for node in cut.trained:
        for parent in network.parents[node]:
            assert parent in cut.trained or parent in cut.required
    assert PHOTO not in cut.trained


@given(networks(), st.data())
def test_whatever_can_be_trained_from_the_first_layer_on_is_trained(
    network: Graph, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, network.output + 1))
    active = {node for node in range(first, network.output + 1) if network.active[node]}
    cut = cut_at(network, first)
    assert active <= set(cut.trained)
    # And nothing that trains, or drops, is trained before it.
    assert not any(network.active[node] and node < first for node in cut.trained)


@given(networks(), st.data())
def test_moving_layers_over_the_cut_never_makes_it_larger(
    network: Graph, data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, network.output))
    active = {node for node in range(first, network.output + 1) if network.active[node]}
    behind = {
        node for node in range(network.output + 1) if active & {node, *ancestors(network, node)}
    }
    crossing = {
        parent for node in behind for parent in network.parents[node] if parent not in behind
    }
    latest = sum(network.row_bytes[node] for node in crossing)
    assert cut_at(network, first).row_bytes(network) <= latest


@given(networks(), st.data())
def test_sources_and_the_layers_to_run_are_enough_and_no_more(
    network: Graph, data: st.DataObject
) -> None:
    nodes = st.sets(st.integers(0, network.output), max_size=4)
    wanted, stored = data.draw(nodes), data.draw(nodes)
    sources, run = nearest_sources(network, wanted, stored)
    assert set(sources) <= stored | {PHOTO}
    assert wanted <= {*sources, *run}
    for node in run:
        assert set(network.parents[node]) <= {*sources, *run}
    needed = wanted | {parent for node in run for parent in network.parents[node]}
    assert {*sources, *run} == needed
