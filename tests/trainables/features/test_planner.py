"""Which layers' outputs are stored: the trial's own first, then the cheapest bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trainables.features.planner import nodes_to_store
from trainables.networks.cuts import PHOTO, Cut, Graph, cut_at

CHAIN = Graph(
    parents=((), (0,), (1,), (2,), (3,)),
    active=(False, True, True, True, True),
    row_bytes=(300, 1000, 4000, 100, 2),
    weight_free=(True, False, False, False, False),
)
FIRST, SECOND, THIRD = (cut_at(CHAIN, first) for first in (2, 3, 4))
"""Cuts of 1,000, 4,000 and 100 bytes for one photo."""


def test_the_photos_are_never_stored() -> None:
    assert nodes_to_store(CHAIN, Cut((PHOTO,), (1, 2, 3, 4)), [cut_at(CHAIN, 1)]) == []


def test_a_trials_own_cut_comes_first_whatever_its_size() -> None:
    assert nodes_to_store(CHAIN, SECOND, [FIRST, THIRD])[0] == 2


def test_the_cheapest_bytes_come_next() -> None:
    assert nodes_to_store(CHAIN, SECOND, [SECOND, FIRST, THIRD]) == [2, 3, 1]
    assert nodes_to_store(CHAIN, THIRD, [FIRST, SECOND]) == [3, 1, 2]


def test_a_cut_of_several_tensors_is_judged_by_all_of_them() -> None:
    both = Cut(required=(1, 3), trained=(4,))
    assert both.row_bytes(CHAIN) == 1100
    assert nodes_to_store(CHAIN, SECOND, [both, THIRD]) == [2, 3, 1]
    assert nodes_to_store(CHAIN, both, [SECOND]) == [3, 1, 2]


@given(st.permutations([FIRST, SECOND, THIRD]))
def test_every_layer_is_named_once_in_whatever_order_points_come(cuts: list[Cut]) -> None:
    nodes = nodes_to_store(CHAIN, THIRD, cuts)
    assert nodes == [3, 1, 2]
