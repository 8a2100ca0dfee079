"""Networks that were built stay, and on a full device those used least recently make room."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from search_spaces.backbones import HEAD
from search_spaces.heads import PAPER_HEAD, POOLED_HEAD
from tests.trainables.small_networks import NO_ROOM, point, training_data

pytestmark = pytest.mark.slow

SIZE = 32
FULL, FREE = 11, 10


@pytest.fixture
def looks() -> list[int]:
    """What the device is found to be used at the next looks; after them, as much as it may be."""
    return []


@pytest.fixture
def ask(tmp_path: Path, looks: list[int]) -> Any:
    """A cache's network at an unfreeze point, reading what is stored there."""
    from trainables.networks.devices import DeviceMemory
    from trainables.networks.frozen import InputFormat
    from trainables.training.network_cache import NetworkCache

    memory = DeviceMemory(most_kept=FREE, used=lambda: looks.pop(0) if looks else FREE)
    data, cache = training_data(tmp_path, size=SIZE, points={}), NetworkCache(memory)

    def network(unfreeze: str = HEAD, head: str = PAPER_HEAD) -> Any:
        full = cache.full_network(point("VGG16", size=SIZE, head=head), data)
        cut = full.cut(unfreeze)
        return cache.network(full, cut, InputFormat(cut.required, "unit"))

    return network


def test_what_was_built_is_given_again(ask: Any) -> None:
    first = ask()
    assert ask("block5_conv3") is not first
    assert ask() is first


def test_on_a_full_device_the_least_recently_used_network_makes_room(
    ask: Any, looks: list[int]
) -> None:
    head, middle = ask(), ask("block5_conv3")
    assert ask() is head  # used again: now the middle one is the oldest
    gone = weakref.ref(middle)
    del middle
    looks[:] = [FULL, FREE]
    ask("block5_conv2")
    assert gone() is None
    assert ask() is head


def test_trained_parts_go_before_their_backbones_and_the_one_in_use_stays(
    ask: Any, looks: list[int]
) -> None:
    old = ask()
    other = weakref.ref(old._full)
    del old
    looks[:] = [FULL, FULL, FULL]
    now = ask(head=POOLED_HEAD)
    gc.collect()
    assert other() is None
    assert now is ask(head=POOLED_HEAD)


def test_room_is_made_for_a_trial_whose_network_is_there_already(
    ask: Any, looks: list[int]
) -> None:
    head = ask()
    other = weakref.ref(ask("block5_conv3"))
    looks[:] = [FULL, FREE]
    assert ask() is head
    assert other() is None


def test_a_head_after_a_deep_trial_of_its_process_is_that_of_a_fresh_one(tmp_path: Path) -> None:
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    data = training_data(tmp_path, size=SIZE, points={}, max_bytes=NO_ROOM)
    head, deep = (point("VGG16", size=SIZE, unfreeze=place) for place in (HEAD, "block4_conv1"))
    used = NetworkCache()
    train(deep, data, lambda _: None, networks=used)
    losses = [
        [one.train_loss for one in train(head, data, lambda _: None, networks=networks).epochs]
        for networks in (used, NetworkCache())
    ]
    assert losses[0] == losses[1]
