"""Random weights: they keep what tells pictures apart, and are the same wherever they are drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import NAMES, backbone_named
from search_spaces.config import FLOAT32, MIXED_FLOAT16
from trainables.networks.weight_files import resolve

pytestmark = pytest.mark.slow

DIGEST = """
import hashlib
from search_spaces.backbones import backbone_named
from trainables.networks.backbones import random_backbone
values = random_backbone(backbone_named("MobileNetV3Large"), 5).get_weights()
print(hashlib.sha256(b"".join(value.tobytes() for value in values)).hexdigest())
"""


def drawn(name: str, *, seed: int = 5, size: int = 75, precision: str = FLOAT32) -> Any:
    """The weights that a backbone of a run starts from, without those of its head."""
    from trainables.networks.backbones import build

    weights = resolve("random", (name,), cache_dir=Path(), seed=seed)
    full = build(name, image_size=size, classes=2, weights=weights, precision=precision)
    initial = full.initial[: full.backbone_layers]
    return full, [value for values in initial for value in values]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_what_tells_pictures_apart_is_no_smaller_than_a_twentieth_of_what_they_share(
    name: str,
) -> None:
    from trainables.networks.initialisation import made_up_pictures
    from trainables.networks.scaling import scaled

    full, _ = drawn(name)
    model = full.part((0,), (full.backbone_layers - 1,))
    pictures = scaled(made_up_pictures(6), backbone_named(name).native_scaling)
    features = np.asarray(model(pictures, training=False))  # [N, ..., C]
    assert 0.05 < np.sqrt(np.square(features).mean()) < 20
    apart, shared = features.std(axis=0).mean(), np.abs(features.mean(axis=0)).mean()
    assert apart > shared / 20


def test_the_same_seed_draws_the_same_weights_and_another_seed_others() -> None:
    _, first = drawn("VGG16")
    assert same(drawn("VGG16")[1], first)
    assert not same(drawn("VGG16", seed=6)[1], first)


@pytest.fixture(scope="module")
def efficientnets() -> list[Any]:
    """Weights drawn for float32 and the size that they are drawn at."""
    return list(drawn("EfficientNetB0")[1])


@pytest.mark.parametrize(
    ("size", "precision"), [(32, FLOAT32), (75, MIXED_FLOAT16), (48, MIXED_FLOAT16)]
)
def test_neither_the_image_size_nor_the_precision_moves_a_weight(
    size: int, precision: str, efficientnets: list[Any]
) -> None:
    assert same(drawn("EfficientNetB0", size=size, precision=precision)[1], efficientnets)


def test_neither_onednn_nor_the_number_of_threads_moves_a_weight() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn, "TF_NUM_INTRAOP_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()[-1]
        for onednn, threads in (("0", "1"), ("1", "1"), ("1", "2"))
    }
    assert len(digests) == 1


@pytest.mark.parametrize("activation", ["relu", "swish", "gelu"])
def test_a_mirrored_pair_passes_an_activation_as_it_is(activation: str) -> None:
    import keras

    from trainables.networks.initialisation import initialise

    first = keras.layers.Conv2D(4, 3, activation=activation)
    second = keras.layers.Conv2D(6, 3)
    photo = keras.Input((75, 75, 3))
    base = keras.Model(photo, second(first(photo)))
    initialise(base, scaling="tf", seed=1)
    pictures = np.random.default_rng(2).normal(size=(2, 75, 75, 3)).astype("float32")
    plus, minus = np.asarray(base(pictures)), np.asarray(base(-pictures))
    np.testing.assert_allclose(plus, -minus, atol=1e-4)
    np.testing.assert_array_equal(plus[..., ::2], -plus[..., 1::2])


def test_made_up_pictures_are_those_of_their_seed_and_within_range() -> None:
    from trainables.networks.initialisation import made_up_pictures

    pictures = made_up_pictures(1)
    assert pictures.shape[1:] == (75, 75, 3)
    assert pictures.min() >= 0
    assert pictures.max() <= 255
    assert (made_up_pictures(1) == pictures).all()
    assert (made_up_pictures(2) != pictures).any()
