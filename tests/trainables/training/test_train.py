"""One trial: what ends it, what it keeps, and how its network is built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.records import EpochRecord, Status
from search_spaces.backbones import CATALOGUE, HEAD, Backbone, backbone_named
from tests.trainables.small_networks import point, training_data

pytestmark = pytest.mark.slow

POINTS = {"VGG16": ("block5_conv1",)}


def test_a_loss_that_is_no_number_ends_the_trial_and_names_the_epoch(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import Diverged, train

    data = training_data(tmp_path, size=48, points=POINTS)
    config = point("VGG16", size=48, learning_rate=1e30, optimizer="sgd")
    with pytest.raises(Diverged, match="diverged at epoch"):
        train(config, data, report=lambda _: None, networks=networks)


def test_what_the_report_raises_ends_the_trial(networks: Any, tmp_path: Path) -> None:
    from trainables.training.train import train

    def refuse(_: EpochRecord) -> None:
        raise KeyError("enough")

    data = training_data(tmp_path, size=48, points=POINTS)
    with pytest.raises(KeyError, match="enough"):
        train(point("VGG16", size=48), data, report=refuse, networks=networks)


def test_a_head_that_is_missing_or_not_asked_for_is_refused(networks: Any, tmp_path: Path) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points=POINTS)
    started = point("VGG16", size=48, head_from=3)
    for config, head in ((started, None), (replace(started, head_from=0), {})):
        with pytest.raises(ValueError, match="exactly if the configuration starts from one"):
            train(config, data, report=lambda _: None, networks=networks, head=head)


def test_a_deep_trial_starts_from_the_trained_head_that_it_is_given(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points=POINTS)
    alone = train(
        point("VGG16", size=48, unfreeze=HEAD, epochs=3, learning_rate=1e-2),
        data,
        report=lambda _: None,
        networks=networks,
    )
    still = {"learning_rate": 1e-12, "optimizer": "sgd", "epochs": 1}
    deep = point("VGG16", size=48, head_from=1, **still)
    more: dict[str, Any] = {"report": lambda _: None, "networks": networks}
    started = train(deep, data, head=alone.weights, **more)
    fresh = train(replace(deep, head_from=0), data, **more)
    answers = alone.predictions.validation
    np.testing.assert_allclose(started.predictions.validation, answers, atol=1e-4)
    assert np.abs(fresh.predictions.validation - answers).max() > 1e-2


def test_a_heads_moving_statistics_are_taken_over_as_well(networks: Any, tmp_path: Path) -> None:
    from trainables.features.fill import frozen_inputs
    from trainables.training.train import train

    name = "EfficientNetB0"  # its head begins with BatchNormalization
    point_of_baseline = backbone_named(name).baseline_unfreeze
    data = training_data(tmp_path, size=48, points={name: (point_of_baseline,)})
    alone = point(name, size=48, unfreeze=HEAD)
    head = train(alone, data, report=lambda _: None, networks=networks).weights
    full = networks.full_network(alone, data)
    cut = full.cut(point_of_baseline)
    inputs = frozen_inputs(full, cut, data, alone.scaling_kind)
    network = networks.network(full, cut, inputs.format)
    network.reset(optimizer="adam", learning_rate=1e-3, seed=1)
    network.start_head(head)
    weights = network.weights()
    assert set(head) < set(weights)
    for array in head:
        np.testing.assert_array_equal(weights[array], head[array])


def test_a_trial_below_its_bar_stops_there_and_keeps_its_best_epoch(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points=POINTS)
    seen: list[int] = []
    result = train(
        point("VGG16", size=48, epochs=5, learning_rate=1e-6),
        data,
        report=lambda epoch: seen.append(epoch.epoch),
        networks=networks,
        cutoffs={2: 1.1},
    )
    assert (result.status, seen) == (Status.STOPPED_EARLY, [1, 2])
    assert result.best_epoch in seen


def test_a_trial_whose_time_is_up_ends_with_its_epoch_and_keeps_its_best(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points=POINTS)
    seen: list[int] = []
    result = train(
        point("VGG16", size=48, epochs=5),
        data,
        report=lambda epoch: seen.append(epoch.epoch),
        networks=networks,
        is_time_up=lambda: len(seen) == 2,
    )
    assert (result.status, seen) == (Status.OUT_OF_TIME, [1, 2])
    assert result.best_epoch in seen


def test_the_scores_are_those_of_the_best_epochs_probabilities(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points=POINTS)
    config = point("VGG16", size=48, epochs=3)
    result = train(config, data, report=lambda _: None, networks=networks)
    best = result.epochs[result.best_epoch - 1]
    rows = data.split.indices("validation")
    right = result.predictions.validation.argmax(axis=1) == data.split.labels[rows]
    assert result.status == Status.COMPLETED
    assert result.validation_accuracy == best.validation_accuracy == right.mean()
    np.testing.assert_array_equal(
        result.predictions.validation, result.predictions.validation_by_epoch[result.best_epoch - 1]
    )
    for probabilities in (result.test, result.predictions.train):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_training_photos_are_predicted_by_the_kept_weights_in_inference_mode(
    networks: Any, tmp_path: Path
) -> None:
    from trainables.features.fill import frozen_inputs
    from trainables.training.train import train

    data = training_data(tmp_path, size=48, points={})
    config = point("VGG16", size=48, unfreeze=HEAD, epochs=3)  # its head has Dropout
    result = train(config, data, report=lambda _: None, networks=networks)
    full = networks.full_network(config, data)
    cut = full.cut(config.unfreeze)
    inputs = frozen_inputs(full, cut, data, config.scaling_kind)
    network = networks.network(full, cut, inputs.format)
    network.reset(optimizer=config.optimizer, learning_rate=config.learning_rate, seed=1)
    network.load(dict(result.weights))
    assert any(type(layer).__name__ == "Dropout" for layer in network.trained.values())
    for part, kept in (("train", result.predictions.train), ("test", result.test)):
        rows = data.split.indices(part)
        answers = network.predict([array[rows] for array in inputs.arrays])
        np.testing.assert_allclose(kept, answers, atol=1e-5)
    assert result.cost.photos_trained == 3 * 24


@pytest.fixture(scope="module")
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A backbone with its head, built once for all that is asked of it."""
    from trainables.training.network_cache import NetworkCache

    entry: Backbone = request.param
    size = max(75, entry.smallest_image)
    data = training_data(tmp_path_factory.mktemp("whole"), size=size, points={})
    return NetworkCache().full_network(point(entry.name, size=size), data)


@pytest.mark.parametrize("whole", CATALOGUE, ids=lambda entry: entry.name, indirect=True)
def test_the_catalogue_is_true_of_keras(whole: Any) -> None:
    entry = whole.entry
    firsts = [whole.first(name) for name in entry.points]
    assert whole.backbone_layers == LAYERS[entry.name]
    assert firsts == sorted(firsts, reverse=True)
    assert entry.points.index(entry.baseline_unfreeze) <= len(entry.points) - 3
    assert all(whole.batch_norms(whole.cut(name)) for name in entry.points[1:]) is (
        entry.has_batch_norm
    )


LAYERS = {
    "EfficientNetB0": 237,
    "InceptionV3": 311,
    "InceptionResNetV2": 780,
    "ResNet50": 175,
    "VGG16": 19,
    "Xception": 132,
    "EfficientNetV2B0": 270,
    "ConvNeXtTiny": 151,
    "DenseNet121": 427,
    "MobileNetV3Large": 203,
}
"""With `include_top=False, weights=None`, operations that are no layers included (Keras 3.15)."""

PAPER_FIRST_TRAINED = {
    "EfficientNetB0": 160,
    "InceptionV3": 248,
    "InceptionResNetV2": 630,
    "ResNet50": 143,
    "VGG16": 15,
    "Xception": 126,
}


@pytest.mark.parametrize("whole", CATALOGUE[:6], ids=lambda entry: entry.name, indirect=True)
def test_the_named_point_is_the_papers_index(whole: Any) -> None:
    entry = whole.entry
    assert whole.first(entry.baseline_unfreeze) == PAPER_FIRST_TRAINED[entry.name]


def test_the_best_epoch_is_that_of_the_metric(networks: Any, tmp_path: Path) -> None:
    from results.scores.choosing import score
    from trainables.training.train import train

    data = replace(training_data(tmp_path, size=48, points=POINTS), metric="log_loss")
    config = point("VGG16", size=48, epochs=4)
    result = train(config, data, report=lambda _: None, networks=networks)
    scores = [epoch.score for epoch in result.epochs]
    assert result.validation_score == max(scores) == scores[result.best_epoch - 1]
    labels = data.split.labels[data.split.indices("validation")]
    assert result.validation_score == score("log_loss", result.predictions.validation, labels) < 0
