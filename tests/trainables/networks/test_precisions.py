"""Layers that compute in half types or are compiled: what may differ from float32, and what not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.records import TrialResult
from search_spaces.config import (
    FLOAT32,
    MIXED_BFLOAT16,
    MIXED_FLOAT16,
    OPTIMIZERS,
    PRECISIONS,
    TrialConfig,
)
from tests.trainables.small_networks import NO_ROOM, PLENTY, point, training_data

pytestmark = pytest.mark.slow

SIZE = 32
POINT = "block5_conv1"
MIXED = pytest.mark.parametrize("precision", [MIXED_FLOAT16, MIXED_BFLOAT16])


def data_of(folder: Path, *, max_bytes: int = PLENTY, **changes: Any) -> Any:
    data = training_data(folder, size=SIZE, max_bytes=max_bytes, points={"VGG16": (POINT,)})
    return replace(data, **changes)


def vgg16(**changes: object) -> TrialConfig:
    return point("VGG16", size=SIZE, unfreeze=POINT, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where features of the module's tests are kept, each precision's once."""
    return tmp_path_factory.mktemp("precisions")


def trained(folder: Path, config: TrialConfig, networks: Any, **changes: Any) -> TrialResult:
    from trainables.training.train import train

    return train(config, data_of(folder, **changes), report=lambda _: None, networks=networks)


def new_networks() -> Any:
    from trainables.training.network_cache import NetworkCache

    return NetworkCache()


def a_network(
    folder: Path, precision: str, networks: Any, *, jit_compile: bool = False
) -> tuple[Any, Any]:
    """A network at the cut behind POINT that reads photos, set back, and eight rows to train on."""
    from trainables.features.fill import frozen_inputs

    data = data_of(folder / "none", max_bytes=NO_ROOM, precision=precision)
    full = networks.full_network(vgg16(), data)
    cut = full.cut(POINT)
    inputs = frozen_inputs(full, cut, data, "unit")
    network = networks.network(full, cut, inputs.format, jit_compile=jit_compile)
    network.reset(optimizer="adam", learning_rate=1e-3, seed=1)
    return network, ([data.photos[:8]], data.split.labels[:8])


def losses(result: TrialResult) -> list[float]:
    return [one.train_loss for one in result.epochs]


def assert_equal(one: TrialResult, other: TrialResult) -> None:
    assert losses(one) == losses(other)
    np.testing.assert_array_equal(one.test, other.test)
    for name, value in one.weights.items():
        np.testing.assert_array_equal(value, other.weights[name])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_loss_that_is_no_number_diverges_in_any_precision(
    folder: Path, networks: Any, precision: str
) -> None:
    from trainables.training.train import Diverged

    config = vgg16(learning_rate=1e30, optimizer="sgd")
    with pytest.raises(Diverged, match="diverged at epoch"):
        trained(folder, config, networks, precision=precision)


def test_a_precision_that_keras_lacks_leaves_the_process_as_it_was(folder: Path) -> None:
    import keras

    with pytest.raises(ValueError, match="mixed_float8"):
        trained(folder, vgg16(), new_networks(), precision="mixed_float8")
    assert keras.config.dtype_policy().name == FLOAT32


def test_a_step_whose_gradients_are_infinite_is_skipped_and_the_scale_is_halved(
    folder: Path, networks: Any
) -> None:
    network, batch = a_network(folder, MIXED_FLOAT16, networks)
    network._optimizer.dynamic_scale.assign(2.0**126)
    before = network.weights()
    loss, probabilities = network.step(*batch)
    assert np.isfinite(loss)
    assert np.isfinite(probabilities).all()
    assert float(network._optimizer.dynamic_scale) == 2.0**125
    for name, value in network.weights().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_reset_sets_the_loss_scale_its_counter_and_the_rate_back(folder: Path) -> None:
    network, batch = a_network(folder, MIXED_FLOAT16, new_networks())
    optimizer = network._optimizer
    fresh = [variable.numpy() for variable in optimizer.variables]
    network.step(*batch)
    assert int(optimizer.step_counter) == 1
    optimizer.dynamic_scale.assign(2.0)
    optimizer.learning_rate.assign(7.0)
    network.reset(optimizer="adam", learning_rate=1e-3, seed=1)
    np.testing.assert_equal([variable.numpy() for variable in optimizer.variables], fresh)


def test_all_optimizers_share_the_gradients_trace_while_the_scale_moves(
    folder: Path, networks: Any
) -> None:
    network, batch = a_network(folder, MIXED_FLOAT16, networks)
    for name in OPTIMIZERS:
        network.reset(optimizer=name, learning_rate=1e-3, seed=1)
        for scale in (2.0**15, 2.0**10):
            network._optimizer.dynamic_scale.assign(scale)
            network.step(*batch)
    assert network._gradients._function.experimental_get_tracing_count() == 1


@MIXED
def test_what_is_kept_and_shown_is_float32(folder: Path, networks: Any, precision: str) -> None:
    whole = networks.full_network(vgg16(), data_of(folder, precision=precision))
    assert whole.layers[1].compute_dtype == precision.removeprefix("mixed_")
    assert whole.layers[-1].output.dtype == FLOAT32
    assert {variable.dtype for layer in whole.layers for variable in layer.weights} == {FLOAT32}
    result = trained(folder, vgg16(), networks, precision=precision)
    assert {value.dtype.name for value in result.weights.values()} == {FLOAT32}
    assert result.predictions.train.dtype == FLOAT32
    np.testing.assert_allclose(result.test.sum(axis=1), 1.0, atol=1e-6)


@MIXED
def test_half_types_learn_nearly_what_float32_does(
    folder: Path, networks: Any, precision: str
) -> None:
    config = vgg16(learning_rate=1e-4, epochs=3)
    full = trained(folder, config, networks)
    half = trained(folder, config, networks, precision=precision)
    assert losses(half) != losses(full)
    assert losses(half) == pytest.approx(losses(full), rel=0.05)
    assert losses(half)[-1] < losses(half)[0]


@MIXED
def test_two_equal_trials_on_one_network_agree_bit_for_bit(folder: Path, precision: str) -> None:
    fresh = new_networks()
    first = trained(folder, vgg16(), fresh, precision=precision)
    trained(folder, vgg16(optimizer="sgd"), fresh, precision=precision)
    trained(folder, vgg16(), fresh)
    assert_equal(first, trained(folder, vgg16(), fresh, precision=precision))


@MIXED
def test_stored_and_recomputed_features_agree_in_half_types(
    folder: Path, networks: Any, precision: str
) -> None:
    stored = trained(folder, vgg16(), networks, precision=precision)
    again = trained(folder / "none", vgg16(), networks, precision=precision, max_bytes=NO_ROOM)
    assert (stored.anatomy.recomputed, again.anatomy.stored) == (0, ("photos",))
    assert losses(stored) == pytest.approx(losses(again), rel=1e-2)


def test_features_of_every_precision_and_of_xla_are_kept_apart(
    networks: Any, tmp_path: Path
) -> None:
    ways: list[dict[str, Any]] = [
        *({"precision": one} for one in PRECISIONS),
        {"jit_compile": True},
    ]
    first = [trained(tmp_path, vgg16(epochs=1), networks, **way) for way in ways]
    second = [trained(tmp_path, vgg16(epochs=1), networks, **way) for way in ways]
    assert [one.cost.photos_prefix for one in first] == [40] * 4
    assert [one.cost.photos_prefix for one in second] == [0] * 4


@pytest.mark.parametrize("precision", PRECISIONS)
def test_xla_trains_to_nearly_the_same_losses(folder: Path, networks: Any, precision: str) -> None:
    plain = trained(folder, vgg16(), networks, precision=precision)
    compiled = trained(folder, vgg16(), networks, precision=precision, jit_compile=True)
    assert losses(compiled) == pytest.approx(losses(plain), rel=0.05)


def test_xla_takes_the_same_steps_where_it_draws_no_dropout_masks(
    folder: Path, networks: Any
) -> None:
    seen = []
    for jit_compile in (False, True):
        network, batch = a_network(folder, FLOAT32, networks, jit_compile=jit_compile)
        # XLA's random numbers are others.
        network.reset(optimizer="sgd", learning_rate=1e-2, seed=1, dropout=0.0)
        seen.append([network.step(*batch)[0] for _ in range(3)])
    assert seen[0][2] < seen[0][0]
    assert seen[1] == pytest.approx(seen[0], rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_only_a_trial_that_traces_or_compiles_has_seconds_of_it(
    folder: Path, jit_compile: bool
) -> None:
    fresh = new_networks()
    first = trained(folder, vgg16(), fresh, jit_compile=jit_compile)
    again = trained(folder, vgg16(), fresh, jit_compile=jit_compile)
    other = trained(folder, vgg16(optimizer="adagrad"), fresh, jit_compile=jit_compile)
    assert 0 < first.cost.seconds_tracing < first.cost.seconds_total
    assert again.cost.seconds_tracing == 0
    assert 0 < other.cost.seconds_tracing < first.cost.seconds_tracing
    assert_equal(first, again)


def test_a_rest_batch_is_compiled_by_xla_and_counted(folder: Path, networks: Any) -> None:
    trained(folder, vgg16(), networks, jit_compile=True)
    rest = trained(folder, vgg16(batch_size=5), networks, jit_compile=True)
    assert rest.cost.seconds_tracing > 0
