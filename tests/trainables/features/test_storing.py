"""What is worth storing: by measured seconds and bytes, never by bytes alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.ledger.profiles import Profile
from trainables.features.planner import seconds_again, worth_storing
from trainables.networks.cuts import Cut, Graph, cut_at

CHAIN = Graph(
    parents=((), (0,), (1,), (2,), (3,)),
    active=(False, True, True, True, True),
    row_bytes=(300, 4000, 1000, 100, 2),
    weight_free=(True, False, False, False, False),
)
SHALLOW, MIDDLE, DEEP = (cut_at(CHAIN, first) for first in (2, 3, 4))
CUTS = (SHALLOW, MIDDLE, DEEP)
PROFILE = Profile(
    backbone="VGG16",
    image_size=32,
    onednn="0",
    seconds_by_node=(0.0, 0.001, 0.002, 0.003, 0.0001),
    points={},
    seconds_whole=0.0061,
    seconds_per_byte_warm=1e-9,
    seconds_per_byte_cold=1e-6,
)


def worth(
    profile: Profile | None, *, rows: int = 10, memory: int = 10**9, shrunk: float = 1
) -> list[Cut]:
    return worth_storing(CHAIN, CUTS, profile, rows=rows, shrunk=shrunk, memory_bytes=memory)


def test_without_measurements_everything_is_stored_in_the_given_order() -> None:
    assert worth(None) == list(CUTS)


def test_a_cut_that_is_slower_to_fetch_than_to_compute_again_is_not_stored() -> None:
    fast_device = replace(PROFILE, seconds_per_byte_warm=1e-6)
    assert SHALLOW not in worth(fast_device)  # 4,000 bytes in 4 ms, computed in 1 ms
    assert DEEP in worth(fast_device)


def test_nothing_is_stored_where_computing_costs_nothing() -> None:
    assert worth(replace(PROFILE, seconds_by_node=(0.0,) * 5)) == []


def test_rows_that_do_not_stay_in_memory_are_judged_by_the_disk() -> None:
    assert SHALLOW in worth(PROFILE, rows=10, memory=40_000)
    assert SHALLOW not in worth(PROFILE, rows=10, memory=39_999)


def test_half_precision_halves_what_a_cut_weighs() -> None:
    disk = replace(PROFILE, seconds_per_byte_warm=4e-7)
    assert SHALLOW not in worth(disk)
    assert SHALLOW in worth(disk, shrunk=0.5)


def test_most_seconds_per_byte_come_first() -> None:
    assert worth(PROFILE) == [DEEP, MIDDLE, SHALLOW]


def test_the_fewest_bytes_do_not_win_when_they_save_nothing() -> None:
    no_work_behind = replace(PROFILE, seconds_by_node=(0.0, 0.0, 0.005, 0.0, 0.0))
    assert worth(no_work_behind) == [DEEP, MIDDLE]


def test_seconds_are_those_of_all_layers_from_the_photo_on() -> None:
    assert seconds_again(CHAIN, DEEP, PROFILE) == pytest.approx(0.006)
    assert seconds_again(CHAIN, SHALLOW, PROFILE) == pytest.approx(0.001)


@given(
    seconds=st.lists(st.floats(0, 1), min_size=5, max_size=5),
    warm=st.floats(0, 1e-3),
    cold=st.floats(0, 1e-3),
    memory=st.integers(0, 100_000),
)
def test_what_is_stored_always_saves_time(
    seconds: list[float], warm: float, cold: float, memory: int
) -> None:
    profile = replace(
        PROFILE,
        seconds_by_node=tuple(seconds),
        seconds_per_byte_warm=warm,
        seconds_per_byte_cold=cold,
    )
    kept = worth(profile, memory=memory)
    assert len(set(kept)) == len(kept)
    for cut in kept:
        size = cut.row_bytes(CHAIN)
        fetching = size * (warm if size * 10 <= memory else cold)
        assert seconds_again(CHAIN, cut, profile) > fetching
