"""Many batches in one call give the bits that they give one by one, and end as they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import HEAD
from search_spaces.config import FLOAT32, MIXED_FLOAT16, OPTIMIZERS
from tests.trainables.small_networks import NO_ROOM, PLENTY, point, training_data

pytestmark = pytest.mark.slow

SIZE = 32
CONFIG = point("VGG16", size=SIZE, unfreeze=HEAD, batch_size=5)
RATES = [1e-3, 2e-3, 5e-4, 1e-3, 3e-3]
BATCH, PHOTOS = 5, 24
"""The last batch is a rest."""


def a_network(
    folder: Path,
    networks: Any,
    *,
    precision: str = FLOAT32,
    unfreeze: str = HEAD,
    max_bytes: int = PLENTY,
) -> tuple[Any, list[Any], Any]:
    """A network with what it reads of the training photos, and their labels."""
    from trainables.features.fill import frozen_inputs

    data = training_data(folder, size=SIZE, points={}, max_bytes=max_bytes)
    data = replace(data, precision=precision)
    full = networks.full_network(CONFIG, data)
    cut = full.cut(unfreeze)
    inputs = frozen_inputs(full, cut, data, "unit")
    network = networks.network(full, cut, inputs.format)
    read = [np.asarray(array[:PHOTOS]) for array in inputs.arrays]
    return network, read, data.split.labels[:PHOTOS]


def reset(network: Any, optimizer: str = "adam", **options: Any) -> None:
    network.reset(optimizer=optimizer, learning_rate=1e-3, seed=1, **options)


def one_by_one(network: Any, read: list[Any], labels: Any) -> tuple[list[float], int]:
    losses, right = [], 0
    for start, rate in zip(range(0, PHOTOS, BATCH), RATES, strict=True):
        part = slice(start, start + BATCH)
        network._optimizer.learning_rate.assign(rate)
        loss, seen = network.step([array[part] for array in read], labels[part])
        losses.append(loss)
        right += int((seen.argmax(axis=1) == labels[part]).sum())
    return losses, right


def assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("precision", [FLOAT32, MIXED_FLOAT16])
def test_steps_in_one_call_are_the_steps_one_by_one(
    networks: Any, tmp_path: Path, precision: str
) -> None:
    from trainables.networks.losses import Loss

    network, read, labels = a_network(tmp_path, networks, precision=precision)
    assert network.loops
    options: list[dict[str, Any]] = [{"optimizer": name} for name in OPTIMIZERS]
    options += [{"weight_decay": 0.1, "dropout": 0.25, "loss": Loss(0.1, (0.5, 1.5))}]
    for changes in options:
        reset(network, **changes)
        expected = one_by_one(network, read, labels), network.weights()
        reset(network, **changes)
        assert network.train(read, labels, BATCH, RATES) == expected[0], changes
        assert_equal(network.weights(), expected[1])


def test_an_epoch_in_two_calls_is_the_epoch_in_one(networks: Any, tmp_path: Path) -> None:
    network, read, labels = a_network(tmp_path, networks)
    reset(network)
    whole = network.train(read, labels, BATCH, RATES), network.weights()
    reset(network)
    losses: list[float] = []
    right = 0
    for part, rates in ((slice(10), RATES[:2]), (slice(10, None), RATES[2:])):
        some, seen = network.train([one[part] for one in read], labels[part], BATCH, rates)
        losses, right = losses + some, right + seen
    assert (losses, right) == whole[0]
    assert_equal(network.weights(), whole[1])


def test_answers_in_one_call_are_those_of_each_batch(networks: Any, tmp_path: Path) -> None:
    network, read, _ = a_network(tmp_path, networks)
    reset(network)
    parts = [slice(start, start + BATCH) for start in range(0, PHOTOS, BATCH)]
    expected = [network.predict([one[part] for one in read]) for part in parts]
    np.testing.assert_array_equal(network.predict(read, BATCH), np.concatenate(expected))


def test_a_step_whose_gradients_are_infinite_is_skipped_in_a_loop_too(
    networks: Any, tmp_path: Path
) -> None:
    network, read, labels = a_network(tmp_path, networks, precision=MIXED_FLOAT16)
    reset(network)
    network._optimizer.dynamic_scale.assign(2.0**126)
    before = network.weights()
    losses, _ = network.train([one[:BATCH] for one in read], labels[:BATCH], BATCH, RATES[:1])
    assert np.isfinite(losses).all()
    assert float(network._optimizer.dynamic_scale) == 2.0**125
    assert_equal(network.weights(), before)


def test_a_head_on_stored_features_diverges_with_the_epochs_name(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import Diverged, train

    data = training_data(tmp_path, size=SIZE, points={})
    config = replace(CONFIG, learning_rate=1e30, optimizer="sgd")
    with pytest.raises(Diverged, match="diverged at epoch 1"):
        train(config, data, report=lambda _: None, networks=networks)


def test_only_steps_of_a_head_on_stored_features_are_many_at_once(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.networks.network import CHUNK_BYTES

    network, read, _ = a_network(tmp_path / "stored", networks)
    row_bytes = sum(one[0].nbytes for one in read)
    at_once = network.batches_at_once(BATCH)
    assert at_once * BATCH * row_bytes <= CHUNK_BYTES < (at_once + 1) * BATCH * row_bytes
    assert network.batches_at_once(CHUNK_BYTES) == 1
    for folder, changes in (
        ("photos", {"max_bytes": NO_ROOM}),
        ("deep", {"unfreeze": "block5_conv3"}),
    ):
        other, *_ = a_network(tmp_path / folder, networks, **changes)
        assert other.batches_at_once(BATCH) == 1


def test_a_second_trial_traces_no_loop_and_a_rest_batch_needs_none(tmp_path: Path) -> None:
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    data, networks = training_data(tmp_path, size=SIZE, points={}), NetworkCache()
    told: list[tuple[str, int]] = []
    for config in (CONFIG, replace(CONFIG, batch_size=7, learning_rate=1e-4)):
        result = train(
            config,
            data,
            report=lambda _: None,
            networks=networks,
            progress=lambda stage, done, _: told.append((stage, done)),
        )
    assert result.cost.seconds_tracing == 0
    assert told.count(("training", PHOTOS)) == 4
