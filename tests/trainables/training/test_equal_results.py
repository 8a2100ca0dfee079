"""Cached, recomputed and plain training agree, for every backbone and kind of cut.

"Recomputed" is the whole network in every epoch, frozen layers in inference mode. "Plain" is Keras'
own `fit` on one model whose frozen layers are not trainable, as its transfer-learning guide has it.

What holds on every processor: the same layers give the same bits for the same batch. Training
shuffles photos and the frozen pass does not, and on some processors (seen on AVX2, for
InceptionResNetV2's last layers) a matrix product rounds a row by its place among the others. There
the losses agree to `CLOSE`; wherever places do not matter they agree bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.records import TrialResult
from search_spaces.backbones import CATALOGUE, HEAD, Backbone, Scaling, backbone_named
from search_spaces.config import TrialConfig
from tests.trainables.small_networks import NO_ROOM, PLENTY, point, training_data
from trainables.features.fill import TrainingData
from trainables.networks.cuts import PHOTO

pytestmark = pytest.mark.slow

KIND = {entry.name: Scaling.UNIT for entry in CATALOGUE}


WHOLE = 32
"""Photos of a batch of the frozen pass."""

COUNTS = (WHOLE, WHOLE, WHOLE)
"""All batches are whole, as large as those of the frozen pass."""

CLOSE = 0.05
"""Nats, of losses after a step from features that differ in their last bits: first steps of Adam
and Adagrad are as long for a tiny gradient as for a large one, and make 0.013 nats of it (seen:
InceptionV3)."""

FIRST = 1e-5
"""Relative, of the first training loss, before any step."""


def trained(
    config: TrialConfig, folder: Path, max_bytes: int, networks: Any = None, **given: Any
) -> TrialResult:
    from trainables.training.train import train

    data = training_data(
        folder,
        size=config.image_size,
        max_bytes=max_bytes,
        points={config.backbone: (config.unfreeze,)},
        **given,
    )
    return train(config, data, report=lambda _: None, networks=networks)


def placed(entry: Backbone, where: str) -> TrialConfig:
    unfreeze = {"head": HEAD, "baseline": entry.baseline_unfreeze, "earliest": entry.points[-1]}[
        where
    ]
    size = max(48, entry.smallest_image)
    return point(entry.name, size=size, unfreeze=unfreeze, batch_size=WHOLE)


LARGEST = "InceptionResNetV2"

CUTS = [
    pytest.param(entry, where, id=f"{entry.name}-{where}")
    for entry in sorted(CATALOGUE, key=lambda entry: entry.name == LARGEST)
    for where in (("head", "baseline", "earliest") if entry.in_paper else ("baseline",))
]
"""Of the paper's six; of the others one each, for the sake of time. The largest comes last, since
the test after these takes its networks up again."""


@pytest.fixture(scope="module")
def networks_of() -> Callable[[str], Any]:
    """A backbone's networks, kept until those of another are asked for."""
    from trainables.training.network_cache import NetworkCache

    return lru_cache(maxsize=1)(lambda _: NetworkCache())


@pytest.mark.parametrize(("entry", "where"), CUTS)
def test_cached_and_recomputed_training_agree_bit_for_bit_unless_places_move_bits(
    entry: Backbone, where: str, networks_of: Callable[[str], Any], tmp_path: Path
) -> None:
    config, networks = placed(entry, where), networks_of(entry.name)
    cached = trained(config, tmp_path / "cached", PLENTY, networks, counts=COUNTS)
    recomputed = trained(config, tmp_path / "recomputed", NO_ROOM, networks, counts=COUNTS)
    assert cached.anatomy.stored != ("photos",)
    assert recomputed.anatomy.stored == ("photos",)
    agree(losses(cached), losses(recomputed), config, networks, tmp_path)


@pytest.mark.parametrize("name", [LARGEST, "Xception"])
def test_stored_and_recomputed_features_of_the_same_batch_give_the_same_answers(
    name: str, networks_of: Callable[[str], Any], tmp_path: Path
) -> None:
    from trainables.networks.frozen import InputFormat
    from trainables.networks.network import Network

    config, networks = placed(backbone_named(name), "head"), networks_of(name)
    data = training_data(tmp_path, size=config.image_size, points={}, counts=COUNTS)
    full, cut, layers = frozen_part(config, data, networks)
    batch, answers = data.photos[:WHOLE], []
    for nodes, given in (((PHOTO,), [batch]), (cut.required, layers([batch]))):
        network = Network(full, cut, InputFormat(nodes, KIND[name]))
        network.reset(optimizer="sgd", learning_rate=1e-3, seed=config.seed)
        loss, probabilities = network.step(given, data.split.labels[:WHOLE])
        answers.append((loss, probabilities.tobytes()))
    assert answers[0] == answers[1]


def frozen_part(config: TrialConfig, data: TrainingData, networks: Any) -> tuple[Any, Any, Any]:
    """The network, its cut, and what computes the cut from photos."""
    from trainables.networks.frozen import FrozenLayers, InputFormat

    full = networks.full_network(config, data)
    full.restore()
    cut, read = full.cut(config.unfreeze), InputFormat((PHOTO,), KIND[config.backbone])
    return full, cut, FrozenLayers(full, read, cut.required)


def places_move_bits(config: TrialConfig, networks: Any, folder: Path) -> bool:
    """Whether this processor rounds a photo's features by its place in the batch."""
    data = training_data(folder, size=config.image_size, points={}, counts=COUNTS)
    _, _, layers = frozen_part(config, data, networks)
    batch = data.photos[:WHOLE]
    in_order = layers([batch])
    for epoch in range(1, config.epochs + 1):
        order = np.random.default_rng((config.seed, epoch)).permutation(WHOLE)
        shuffled = layers([batch[order]])
        if any((a[order] != b).any() for a, b in zip(in_order, shuffled, strict=True)):
            return True
    return False


def agree(one: Any, other: Any, config: TrialConfig, networks: Any, folder: Path) -> None:
    """Equal to the last bit or, where places move bits, to `CLOSE`."""
    if one != other:
        assert places_move_bits(config, networks, folder)
        np.testing.assert_allclose(np.ravel(one)[0], np.ravel(other)[0], rtol=FIRST)
        np.testing.assert_allclose(one, other, rtol=0, atol=CLOSE)


def losses(result: TrialResult) -> list[tuple[float, float]]:
    return [(one.train_loss, one.validation_loss) for one in result.epochs]


@pytest.mark.parametrize("name", ["Xception", "ResNet50"])
def test_cached_training_is_keras_own_fit_bit_for_bit_unless_places_move_bits(
    name: str, tmp_path: Path
) -> None:
    import tensorflow as tf

    from trainables.networks.scaling import scaled
    from trainables.training.network_cache import NetworkCache

    config, networks = point(name, size=75, optimizer="sgd", batch_size=WHOLE), NetworkCache()
    ours = trained(config, tmp_path, PLENTY, networks, counts=COUNTS)

    points = {name: (config.unfreeze,)}
    data = training_data(tmp_path, size=75, points=points, counts=COUNTS)
    model, rows = compiled_by_keras(config, data, networks), data.split.indices("train")
    theirs = []
    for epoch in ours.epochs:
        order = np.random.default_rng((config.seed, epoch.epoch)).permutation(len(rows))
        photos = np.asarray(scaled(data.photos[rows[order]], "unit"))
        # Arrays would give batches of a fixed size, for which TensorFlow rounds otherwise.
        read = tf.data.Dataset.from_tensor_slices((photos, data.split.labels[rows[order]]))
        history = model.fit(read.batch(WHOLE), shuffle=False, verbose=0).history
        theirs.append(history["loss"][0])
    agree([one.train_loss for one in ours.epochs], theirs, config, NetworkCache(), tmp_path)


def compiled_by_keras(config: TrialConfig, data: TrainingData, networks: Any) -> Any:
    """The whole network, frozen as Keras has it, with the trial's head and optimizer."""
    import keras

    whole = networks.full_network(config, data)
    trained_nodes = set(whole.cut(config.unfreeze).trained)
    whole.restore(to_train=trained_nodes)
    for node, layer in enumerate(whole.layers):
        layer.trainable = node in trained_nodes
    logits = whole.layers[-1]
    logits.kernel.assign(
        keras.initializers.GlorotUniform(
            seed=config.seed + len(whole.layers) - 1 - whole.backbone_layers
        )(logits.kernel.shape)
    )
    model = whole.part((0,), (whole.graph.output,))
    model.compile(
        optimizer=keras.optimizers.SGD(config.learning_rate, momentum=0.9, nesterov=True),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def test_a_network_that_was_used_before_gives_the_same_numbers_again(tmp_path: Path) -> None:
    from trainables.training.network_cache import NetworkCache

    networks = NetworkCache()
    config = point("VGG16", size=48)
    first = trained(config, tmp_path, PLENTY, networks)
    trained(point("VGG16", size=48, optimizer="adagrad"), tmp_path, PLENTY, networks)
    again = trained(config, tmp_path, PLENTY, networks)
    assert [one.train_loss for one in first.epochs] == [one.train_loss for one in again.epochs]
    np.testing.assert_array_equal(first.test, again.test)


def test_a_second_trial_pushes_no_photo_through_the_frozen_layers(
    networks: Any, tmp_path: Path
) -> None:
    config = point("VGG16", size=48)
    first = trained(config, tmp_path, PLENTY, networks)
    second = trained(config, tmp_path, PLENTY, networks)
    assert (first.cost.photos_prefix, second.cost.photos_prefix) == (40, 0)


def test_half_precision_features_move_the_losses_by_little(networks: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    from trainables.training.train import train

    config = point("VGG16", size=48)
    full = trained(config, tmp_path, PLENTY, networks)
    data = training_data(tmp_path, size=48, points={"VGG16": (config.unfreeze,)})
    halved = replace(data, cache_dtype="float16")
    half = train(config, halved, report=lambda _: None, networks=networks)
    assert half.epochs[0].train_loss == pytest.approx(full.epochs[0].train_loss, rel=1e-2)
    assert half.cost.bytes_stored * 2 == full.cost.bytes_stored
