"""Random weights: they keep what tells pictures apart, and are the same wherever they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search_spaces.backbones import backbone_named
from trainables.networks.weight_files import resolve

pytestmark = pytest.mark.slow

SIZE = 75


@pytest.mark.parametrize("name", ["VGG16", "Xception", "MobileNetV3Large"])
def test_the_last_features_of_a_random_backbone_differ_between_pictures(name: str) -> None:
    from trainables.networks.backbones import build
    from trainables.networks.initialisation import made_up_pictures
    from trainables.networks.scaling import scaled

    weights = resolve("random", (name,), cache_dir=Path(), seed=3)
    full = build(name, image_size=SIZE, classes=2, weights=weights)
    model = full.part((0,), (full.backbone_layers - 1,))
    pictures = made_up_pictures(SIZE, seed=4)
    features = np.asarray(
        model(scaled(pictures, backbone_named(name).native_scaling), training=False)
    )
    assert np.isfinite(features).all()
    assert 0.2 < features.std() < 5
    assert features.std(axis=0).mean() > 0.05


def test_the_same_seed_draws_the_same_weights_and_another_seed_others() -> None:
    from trainables.networks.backbones import build

    def drawn(seed: int) -> list[bytes]:
        weights = resolve("random", ("VGG16",), cache_dir=Path(), seed=seed)
        full = build("VGG16", image_size=32, classes=2, weights=weights)
        return [value.tobytes() for values in full.initial for value in values]

    first = drawn(1)
    assert drawn(1) == first
    assert drawn(2) != first


def test_made_up_pictures_are_those_of_their_seed_and_within_range() -> None:
    from trainables.networks.initialisation import made_up_pictures

    pictures = made_up_pictures(40, seed=1)
    assert pictures.shape[1:] == (40, 40, 3)
    assert pictures.min() >= 0
    assert pictures.max() <= 255
    assert (made_up_pictures(40, seed=1) == pictures).all()
    assert (made_up_pictures(40, seed=2) != pictures).any()
