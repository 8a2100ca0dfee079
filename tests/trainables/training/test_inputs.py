"""What a trial reads: the photos, and stored views of the training photos in their place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import HEAD
from tests.trainables.small_networks import NO_ROOM, point, training_data

pytestmark = pytest.mark.slow

CONFIG = point("VGG16", size=48, unfreeze=HEAD, views=3, epochs=2)


ROWS = np.arange(40)


def a_part(*views: int) -> Any:
    """Forty photos: photo `p` reads as `p`, and as `p + 100 * v` in view `v`."""
    from trainables.training.inputs import Part

    return Part(ROWS, ROWS, (ROWS[:, None],), tuple(((ROWS + 100 * v)[:, None],) for v in views))


def ways(part: Any) -> dict[str, Any]:
    """The same part, fed in every way."""
    ahead = replace(part, reads_ahead=True)
    return {"arrays": part, "read ahead": ahead, "on the device": part.on_device()}


def read(batches: Any) -> np.ndarray[Any, Any]:
    """[n] what the network reads."""
    [values] = [np.asarray(each) for each in batches.inputs]
    return values[:, 0] if batches.places is None else values[batches.places, 0]


def test_without_views_an_epoch_reads_each_training_photo_once() -> None:
    from trainables.training.inputs import Part

    labels = np.arange(10)
    part = Part(labels + 5, labels, (np.arange(20)[:, None],))
    for way, fed in ways(part).items():
        batches = list(fed.shuffled(np.random.default_rng(1), 4))
        assert [len(each.labels) for each in batches] == [4, 4, 2], way
        for each in batches:
            np.testing.assert_array_equal(read(each), each.labels + 5)
        assert sorted(np.concatenate([each.labels for each in batches])) == list(labels)


def test_each_photo_of_an_epoch_is_itself_or_one_of_its_own_views_in_every_way_the_same() -> None:
    epochs = {}
    for way, part in ways(a_part(1, 2)).items():
        batches = list(part.shuffled(np.random.default_rng(1), 16))
        for each in batches:
            np.testing.assert_array_equal(read(each) % 100, each.labels)
        epochs[way] = [value for each in batches for value in read(each)]
    assert {value // 100 for value in epochs["arrays"]} == {0, 1, 2}
    assert epochs["read ahead"] == epochs["on the device"] == epochs["arrays"]


def test_photos_are_predicted_as_they_are_and_in_order() -> None:
    for way, part in ways(a_part(1)).items():
        values = [value for each in part.in_order(16) for value in read(each)]
        assert values == list(ROWS), way


def test_what_cannot_be_read_ahead_raises_where_it_is_used() -> None:
    from trainables.training.inputs import Batches, one_ahead

    def broken() -> Iterator[Batches]:
        yield Batches([], ROWS)
        raise OSError("the disk is gone")

    batches = one_ahead(broken())
    assert next(batches).labels is ROWS
    with pytest.raises(OSError, match="the disk is gone"):
        next(batches)


def test_a_reader_ends_with_an_epoch_that_is_broken_off() -> None:
    from trainables.training.inputs import one_ahead

    batches = one_ahead(a_part().in_order(1))
    next(batches)
    batches.close()
    assert not [one.name for one in threading.enumerate() if one.name.startswith("reads-ahead")]


def test_bytes_of_photos_are_exact_on_the_device() -> None:
    from trainables.networks.frozen import table_dtype

    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(every.astype(table_dtype(every.dtype)).astype(np.uint8), every)


def cache_of(loops: bool) -> tuple[Any, list[bool]]:
    """A cache of networks that take two batches a call, as all take many on a GPU, or one; and of
    every call whether it read tables."""
    from trainables.training.network_cache import NetworkCache

    tables: list[bool] = []

    class Cache(NetworkCache):
        def network(self, *given: Any, **options: Any) -> Any:
            network: Any = super().network(*given, **options)
            network.loops, train = loops, network.train
            network.batches_at_once = lambda *_, **__: 2 if loops else 1

            def told(*given: Any) -> Any:
                tables.append(given[-1] is not None)
                return train(*given)

            network.train = told
            return network

    return Cache(), tables


@pytest.mark.parametrize("stores", [True, False], ids=["features", "photos"])
@pytest.mark.parametrize("views", [1, 3])
def test_every_way_to_feed_a_network_trains_it_to_the_same_bits(
    tmp_path: Path, views: int, stores: bool
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points={}, max_bytes=10**12 if stores else NO_ROOM)
    used, calls = [], []
    for loops, device_bytes in ((False, 0), (True, 0), (True, 10**9)):
        cache, tables = cache_of(loops)
        placed = replace(data, device_bytes=device_bytes)
        result = train(replace(CONFIG, views=views), placed, lambda _: None, networks=cache)
        weights = {name: array.tobytes() for name, array in result.weights.items()}
        losses = [loss for one in result.epochs for loss in (one.train_loss, one.validation_loss)]
        used.append((losses, result.predictions.train.tobytes(), weights))
        calls.append(tables)
    assert used[0] == used[1] == used[2]
    # 24 photos in batches of 8, twice: one batch a call, two, and two of tables.
    assert calls == [[False] * 6, [False] * 4, [True] * 4]


@pytest.mark.parametrize("max_bytes", [10**12, NO_ROOM])
def test_training_with_views_gives_the_same_stored_or_not_and_differs_from_without(
    networks: Any, tmp_path: Path, max_bytes: int
) -> None:
    from trainables.training.train import train

    kept = training_data(tmp_path / "kept", size=48, points={})
    data = training_data(tmp_path / "data", size=48, points={}, max_bytes=max_bytes)
    losses = [
        [one.train_loss for one in train(config, each, lambda _: None, networks=networks).epochs]
        for config, each in ((CONFIG, data), (CONFIG, kept), (replace(CONFIG, views=1), kept))
    ]
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-6)
    assert np.abs(np.subtract(losses[1], losses[2])).max() > 1e-5


def test_a_view_costs_one_pass_over_the_training_photos_and_none_again(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points={})
    first = train(CONFIG, data, report=lambda _: None, networks=networks).cost
    again = train(CONFIG, data, report=lambda _: None, networks=networks).cost
    training = len(data.split.indices("train"))
    assert first.photos_prefix == len(data.photos) + 2 * training
    assert (again.photos_prefix, again.bytes_stored) == (0, 0)
