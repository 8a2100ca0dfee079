"""Options of training: each changes what it says and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.records import TrialResult
from search_spaces.backbones import HEAD
from search_spaces.settings import BALANCED
from tests.trainables.small_networks import point, training_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("options")


def trained(folder: Path, networks: Any, weights: str = "none", **changes: Any) -> TrialResult:
    from trainables.training.train import train

    data = training_data(folder, size=32, points={"VGG16": (HEAD,)})
    config = point("VGG16", size=32, unfreeze=HEAD, **changes)
    return train(
        config, replace(data, class_weights=weights), report=lambda _: None, networks=networks
    )


def arrays(result: TrialResult) -> list[np.ndarray[Any, Any]]:
    weights: Mapping[str, np.ndarray[Any, Any]] = result.weights
    return [*weights.values(), result.test]


def equal(one: TrialResult, other: TrialResult) -> bool:
    return len(arrays(one)) == len(arrays(other)) and all(
        np.array_equal(first, second)
        for first, second in zip(arrays(one), arrays(other), strict=True)
    )


OPTIONS: list[dict[str, Any]] = [
    {"weight_decay": 0.5},
    {"label_smoothing": 0.2},
    {"dropout": 0.0},
    {"warmup": 1},
    {"schedule": "cosine"},
    {"optimizer": "sgd", "momentum": 0.0},
    {"head": "pooled"},
]


def test_every_option_changes_its_trial_and_leaves_the_next_one_as_it_was(
    folder: Path, networks: Any
) -> None:
    """One process trains them one after another, as a sweep does, on shared networks."""
    before = {name: trained(folder, networks, optimizer=name) for name in ("adam", "sgd")}
    for changes in OPTIONS:
        name = str(changes.get("optimizer", "adam"))
        changed = trained(folder, networks, **{"optimizer": name, **changes})
        assert not equal(changed, before[name]), changes
        assert equal(trained(folder, networks, optimizer=name), before[name]), changes


def test_the_recorded_rate_is_that_of_the_epochs_last_step(folder: Path, networks: Any) -> None:
    rates = {
        (warmup, schedule): [
            epoch.learning_rate
            for epoch in trained(folder, networks, warmup=warmup, schedule=schedule).epochs
        ]
        for warmup, schedule in ((0, "constant"), (2, "constant"), (0, "cosine"))
    }
    assert rates[0, "constant"] == [1e-3, 1e-3]
    assert rates[2, "constant"] == pytest.approx([0.5e-3, 1e-3])
    assert rates[0, "cosine"] == pytest.approx([0.5e-3, 0.0], abs=1e-12)


def test_weight_decay_takes_its_share_of_the_weights_at_every_step() -> None:
    """A gradient of zero leaves decay alone: 1 - rate * decay per step."""
    import keras
    import tensorflow as tf

    from trainables.networks.optimizers import Optimizer, OptimizerKind

    for name in ("adam", "adagrad", "rmsprop", "sgd"):
        weight = keras.Variable([2.0, -4.0])
        optimizer = Optimizer(OptimizerKind(name, 0.0, 0.5), [weight], "float32")
        optimizer.keras.learning_rate.assign(0.1)
        optimizer.keras.apply([tf.zeros(2)], [weight])
        np.testing.assert_allclose(weight.numpy(), [1.9, -3.8], rtol=1e-6)


def test_a_smoothed_and_weighted_loss_is_what_its_formula_says() -> None:
    import tensorflow as tf

    from trainables.networks.losses import Loss

    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], np.float32))
    labels, smoothing, weights = np.array([0, 2]), 0.3, (0.5, 1.0, 2.0)
    trained_on, reported = Loss(smoothing, weights)(labels, tf.constant(logits))
    targets = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    own = -(targets * logits).sum(axis=1)  # [n]
    assert float(trained_on) == pytest.approx((own * [0.5, 2.0]).mean(), rel=1e-5)
    assert float(reported) == pytest.approx(-(math.log(0.7) + math.log(0.3)) / 2, rel=1e-5)


def test_balanced_classes_of_equal_size_train_as_unweighted_ones(
    folder: Path, networks: Any
) -> None:
    from trainables.networks.losses import balanced

    assert balanced(np.array([0, 0, 0, 1]), 2) == (4 / 6, 2.0)
    assert balanced(np.array([0, 0, 2]), 3) == (0.75, 0.0, 1.5)
    plain, weighted = trained(folder, networks), trained(folder, networks, BALANCED)
    np.testing.assert_allclose(weighted.test, plain.test, atol=1e-5)
