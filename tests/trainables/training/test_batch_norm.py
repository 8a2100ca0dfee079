"""BatchNormalization of unfrozen blocks: updated as documented, or left as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.config import TrialConfig
from tests.trainables.small_networks import NO_ROOM, PLENTY, point, training_data

pytestmark = pytest.mark.slow

SIZE = 75
POINT = "block14_sepconv2"
KINDS = ("gamma", "beta", "moving_mean", "moving_variance")
WHOLE = 32


def config_of(batch_norm: str) -> TrialConfig:
    sized = {"unfreeze": POINT, "batch_size": WHOLE, "optimizer": "sgd"}
    return point("Xception", size=SIZE, batch_norm=batch_norm, **sized)


def trained(folder: Path, batch_norm: str, networks: Any, max_bytes: int = PLENTY) -> Any:
    from trainables.training.train import train

    counts = (WHOLE, WHOLE, WHOLE)
    data = training_data(folder, size=SIZE, max_bytes=max_bytes, points={}, counts=counts)
    return train(config_of(batch_norm), data, report=lambda _: None, networks=networks)


def moved(networks: Any, folder: Path, result: Any) -> tuple[set[str], bool]:
    """Which arrays of BatchNormalization a trial moved, and whether it moved others."""
    data = training_data(folder, size=SIZE, points={})
    full = networks.full_network(config_of("updated"), data)
    norms = full.batch_norms(full.cut(POINT))
    assert norms
    found: set[str] = set()
    others = False
    for name, value in result.weights.items():
        node, index = map(int, name.split("/"))
        if node >= full.backbone_layers:
            continue
        if not np.array_equal(value, full.initial[node][index]):
            if node in norms:
                found.add(KINDS[index])
            else:
                others = True
    return found, others


def test_statistics_move_where_they_are_updated_and_stay_where_they_are_frozen(
    networks: Any, tmp_path: Path
) -> None:
    """On one network's layers, by turns, as a sweep does."""
    before = trained(tmp_path, "updated", networks)
    frozen = trained(tmp_path, "frozen", networks)
    again = trained(tmp_path, "updated", networks)
    assert moved(networks, tmp_path, before) == (set(KINDS), True)
    assert moved(networks, tmp_path, frozen) == (set(), True)
    for name, value in before.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)
    assert frozen.epochs[0].train_loss != before.epochs[0].train_loss
    still = before.anatomy.parameters_trained - frozen.anatomy.parameters_trained
    assert still == frozen.anatomy.parameters_frozen - before.anatomy.parameters_frozen == 4 * 2048


def test_a_step_with_frozen_statistics_sees_what_inference_sees(
    networks: Any, tmp_path: Path
) -> None:
    """No Dropout in this head: the first loss is that of the answers before the step."""
    from results.scores.metrics import cross_entropy
    from trainables.features.fill import frozen_inputs

    data = training_data(tmp_path, size=SIZE, points={})
    full = networks.full_network(config_of("frozen"), data)
    cut = full.cut(POINT)
    inputs = frozen_inputs(full, cut, data, "unit")
    losses = []
    for freezes in (True, False):
        network = networks.network(full, cut, inputs.format, freezes_batch_norm=freezes)
        network.reset(optimizer="sgd", learning_rate=1e-3, seed=1)
        read, labels = [array[:WHOLE] for array in inputs.arrays], data.split.labels[:WHOLE]
        answers = cross_entropy(network.predict(read), labels)
        losses.append((network.step(read, labels)[0], answers))
    assert losses[0][0] == pytest.approx(losses[0][1], rel=1e-5)
    assert losses[1][0] != pytest.approx(losses[1][1], rel=1e-3)


def test_cached_and_recomputed_training_agree_with_frozen_statistics(
    networks: Any, tmp_path: Path
) -> None:
    cached = trained(tmp_path / "cached", "frozen", networks)
    recomputed = trained(tmp_path / "none", "frozen", networks, NO_ROOM)
    assert (cached.anatomy.recomputed, recomputed.anatomy.stored) == (0, ("photos",))
    pairs = zip(cached.epochs, recomputed.epochs, strict=True)
    for one, other in pairs:
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-5)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
