"""Cached, recomputed and plain training agree, for every backbone and kind of cut.

"Recomputed" is the whole network in every epoch, frozen layers in inference mode. "Plain" is Keras'
own `fit` on one model whose frozen layers are not trainable, as its transfer-learning guide has it.
All batches are whole, as large as those of the frozen pass: then even the last bits agree.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.records import TrialResult
from search_spaces.backbones import CATALOGUE, HEAD, Backbone
from search_spaces.config import TrialConfig
from tests.trainables.networks import NO_ROOM, PLENTY, point, training_data
from trainables.frozen import TrainingData

pytestmark = pytest.mark.slow

BY_NAME = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)


WHOLE = 32
"""Photos of a batch of the frozen pass."""


def trained(
    config: TrialConfig, folder: Path, max_bytes: int, bench: Any = None, **given: Any
) -> TrialResult:
    from trainables.train import train

    data = training_data(
        folder,
        size=config.image_size,
        max_bytes=max_bytes,
        points={config.backbone: (config.unfreeze,)},
        **given,
    )
    return train(config, data, report=lambda _: None, bench=bench)


@BY_NAME
@pytest.mark.parametrize("where", ["head", "paper", "earliest"])
def test_cached_and_recomputed_training_agree_bit_for_bit(
    entry: Backbone, where: str, tmp_path: Path
) -> None:
    unfreeze = {"head": HEAD, "paper": entry.paper_point, "earliest": entry.points[-1]}[where]
    size = max(48, entry.smallest_image)
    config = point(entry.name, size=size, unfreeze=unfreeze, batch_size=WHOLE)
    counts = (WHOLE, WHOLE, WHOLE)
    cached = trained(config, tmp_path / "cached", PLENTY, counts=counts)
    recomputed = trained(config, tmp_path / "recomputed", NO_ROOM, counts=counts)
    assert cached.anatomy.stored != ("photos",)
    assert recomputed.anatomy.stored == ("photos",)
    assert losses(cached) == losses(recomputed)
    np.testing.assert_array_equal(cached.predictions.test, recomputed.predictions.test)


def losses(result: TrialResult) -> list[tuple[float, float]]:
    return [(one.train_loss, one.validation_loss) for one in result.epochs]


@pytest.mark.parametrize("name", ["Xception", "ResNet50"])
def test_cached_training_is_keras_own_fit_bit_for_bit(name: str, tmp_path: Path) -> None:
    import tensorflow as tf

    from trainables.scaling import scaled

    config = point(name, size=75, optimizer="sgd", batch_size=WHOLE)
    counts = (WHOLE, WHOLE, WHOLE)
    ours = trained(config, tmp_path, PLENTY, counts=counts)

    points = {name: (config.unfreeze,)}
    data = training_data(tmp_path, size=75, points=points, counts=counts)
    model, rows = compiled_by_keras(config, data), data.split.indices("train")
    for epoch in ours.epochs:
        order = np.random.default_rng((config.seed, epoch.epoch)).permutation(len(rows))
        photos = np.asarray(scaled(data.photos[rows[order]], "unit"))
        # Arrays would give batches of a fixed size, for which TensorFlow rounds otherwise.
        read = tf.data.Dataset.from_tensor_slices((photos, data.split.labels[rows[order]]))
        history = model.fit(read.batch(WHOLE), shuffle=False, verbose=0).history
        assert epoch.train_loss == history["loss"][0]


def compiled_by_keras(config: TrialConfig, data: TrainingData) -> Any:
    """The whole network, frozen as Keras has it, with the trial's head and optimizer."""
    import keras

    from trainables.bench import Bench
    from trainables.cuts import cut_at

    whole = Bench().whole(config, data)
    trained_nodes = set(cut_at(whole.graph, whole.first(config.unfreeze)).trained)
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
    from trainables.bench import Bench

    bench = Bench()
    config = point("VGG16", size=48)
    first = trained(config, tmp_path, PLENTY, bench)
    trained(point("VGG16", size=48, optimizer="adagrad"), tmp_path, PLENTY, bench)
    again = trained(config, tmp_path, PLENTY, bench)
    assert [one.train_loss for one in first.epochs] == [one.train_loss for one in again.epochs]
    np.testing.assert_array_equal(first.predictions.test, again.predictions.test)


def test_a_second_trial_pushes_no_photo_through_the_frozen_layers(tmp_path: Path) -> None:
    config = point("VGG16", size=48)
    first = trained(config, tmp_path, PLENTY)
    second = trained(config, tmp_path, PLENTY)
    assert (first.cost.photos_prefix, second.cost.photos_prefix) == (40, 0)


def test_half_precision_features_move_the_losses_by_little(tmp_path: Path) -> None:
    from dataclasses import replace

    from trainables.train import train

    config = point("VGG16", size=48)
    full = trained(config, tmp_path, PLENTY)
    data = training_data(tmp_path, size=48, points={"VGG16": (config.unfreeze,)})
    half = train(config, replace(data, cache_dtype="float16"), report=lambda _: None)
    assert half.epochs[0].train_loss == pytest.approx(full.epochs[0].train_loss, rel=1e-2)
    assert half.cost.bytes_stored * 2 == full.cost.bytes_stored
