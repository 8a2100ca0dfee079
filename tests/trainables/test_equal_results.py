"""Cached, recomputed and plain training agree, for every backbone and kind of cut.

"Recomputed" is the whole network in every epoch, frozen layers in inference mode. "Plain" is Keras'
own `fit` on one model whose frozen layers are not trainable, as its transfer-learning guide has it.
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

pytestmark = pytest.mark.slow

BY_NAME = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)


def trained(config: TrialConfig, folder: Path, max_bytes: int, bench: Any = None) -> TrialResult:
    from trainables.train import train

    data = training_data(
        folder,
        size=config.image_size,
        max_bytes=max_bytes,
        points={config.backbone: (config.unfreeze,)},
    )
    return train(config, data, report=lambda _: None, bench=bench)


@BY_NAME
@pytest.mark.parametrize("where", ["head", "paper", "earliest"])
def test_cached_and_recomputed_training_agree_bit_for_bit(
    entry: Backbone, where: str, tmp_path: Path
) -> None:
    unfreeze = {"head": HEAD, "paper": entry.paper_point, "earliest": entry.points[-1]}[where]
    config = point(entry.name, size=max(48, entry.smallest_image), unfreeze=unfreeze)
    cached = trained(config, tmp_path / "cached", PLENTY)
    recomputed = trained(config, tmp_path / "recomputed", NO_ROOM)
    assert cached.anatomy.stored != ("photos",)
    assert recomputed.anatomy.stored == ("photos",)
    assert [one.train_loss for one in cached.epochs] == pytest.approx(
        [one.train_loss for one in recomputed.epochs], rel=1e-6
    )
    np.testing.assert_allclose(
        cached.predictions.test, recomputed.predictions.test, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["Xception", "ResNet50"])
def test_cached_training_gives_the_losses_of_keras_own_fit(name: str, tmp_path: Path) -> None:
    import keras

    from trainables.bench import Bench
    from trainables.cuts import cut_at
    from trainables.scaling import scaled

    config = point(name, size=75, optimizer="sgd", epochs=1, batch_size=24)
    ours = trained(config, tmp_path, PLENTY)

    data = training_data(tmp_path, size=75, points={name: (config.unfreeze,)})
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
    rows = data.split.indices("train")
    photos = np.asarray(scaled(data.photos[rows], "unit"))
    history = model.fit(
        photos, data.split.labels[rows], batch_size=24, epochs=1, shuffle=False, verbose=0
    )
    assert ours.epochs[0].train_loss == pytest.approx(history.history["loss"][0], rel=1e-5)


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
