"""What a trial reads: the photos, and stored views of the training photos in their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import HEAD
from tests.trainables.small_networks import NO_ROOM, point, training_data

pytestmark = pytest.mark.slow

CONFIG = point("VGG16", size=48, unfreeze=HEAD, views=3, epochs=2)


def test_without_views_an_epoch_reads_each_training_photo_once() -> None:
    from trainables.training.inputs import Part

    labels = np.arange(10)
    part = Part(labels + 5, labels, (np.arange(20)[:, None],))
    batches = list(part.batches(np.random.default_rng(1), 4))
    assert [len(read) for _, read in batches] == [4, 4, 2]
    for (values,), read in batches:
        np.testing.assert_array_equal(values[:, 0], read + 5)
    assert sorted(np.concatenate([read for _, read in batches])) == list(labels)


def test_each_photo_of_an_epoch_is_itself_or_one_of_its_own_views() -> None:
    from trainables.training.inputs import Part

    rows = np.arange(40)
    part = Part(rows, rows, (rows[:, None],), tuple(((rows + 100 * v)[:, None],) for v in (1, 2)))
    chance = np.random.default_rng(1)
    drawn = []
    for (values,), labels in part.batches(chance, 16):
        np.testing.assert_array_equal(values[:, 0] % 100, labels)
        drawn += list(values[:, 0] // 100)
    assert set(drawn) == {0, 1, 2}


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
