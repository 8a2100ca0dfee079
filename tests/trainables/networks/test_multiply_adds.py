"""Multiply-adds of layers, by hand, and of whole backbones, as they are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainables.small_networks import point, training_data

pytestmark = pytest.mark.slow


def built(layer: Any, *shape: int) -> Any:
    import keras

    layer(keras.Input(shape))
    return layer


def test_layers_without_a_kernel_count_nothing() -> None:
    from keras import layers

    from trainables.networks.backbones import multiply_adds

    for layer in (layers.BatchNormalization(), layers.MaxPooling2D(), layers.ReLU()):
        assert multiply_adds(built(layer, 8, 8, 3)) == 0


def test_each_kernel_element_counts_once_per_position_of_the_output() -> None:
    from keras import layers

    from trainables.networks.backbones import multiply_adds

    assert multiply_adds(built(layers.Dense(5), 7)) == 7 * 5
    conv = layers.Conv2D(4, 3, strides=2, padding="same")
    assert multiply_adds(built(conv, 8, 6, 3)) == (4 * 3) * (3 * 3 * 3 * 4)
    depthwise = layers.DepthwiseConv2D(3, padding="same")
    assert multiply_adds(built(depthwise, 8, 8, 6)) == 64 * 9 * 6
    separable = layers.SeparableConv2D(10, 3, padding="same")
    assert multiply_adds(built(separable, 8, 8, 6)) == 64 * (9 * 6 + 6 * 10)


def test_a_grouped_convolution_has_a_smaller_kernel() -> None:
    from keras import layers

    from trainables.networks.backbones import multiply_adds

    assert multiply_adds(built(layers.Conv2D(4, 1, groups=2), 5, 5, 4)) == 25 * (2 * 4)


@pytest.mark.parametrize(
    ("name", "published"),
    [("VGG16", 15.35e9), ("ResNet50", 3.86e9), ("EfficientNetB0", 0.39e9)],
)
def test_a_backbone_at_224_pixels_has_as_many_as_published(
    name: str, published: float, tmp_path: Path
) -> None:
    from trainables.training.network_cache import NetworkCache

    data = training_data(tmp_path, size=224, points={}, counts=(1, 1, 1))
    full = NetworkCache().full_network(point(name, size=224), data)
    found = full.multiply_adds(range(full.backbone_layers))
    assert found == pytest.approx(published, rel=0.02)
