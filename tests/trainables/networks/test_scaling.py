"""Scaled pixels have the same bits wherever they are scaled: alone, in tf.data, in a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

KINDS = ("unit", "raw", "tf", "caffe", "torch")


@pytest.mark.parametrize("kind", KINDS)
def test_traced_and_untraced_scaling_agree_bit_for_bit(kind: str) -> None:
    import tensorflow as tf

    from trainables.networks.scaling import scaled

    every: Any = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    alone = np.asarray(scaled(every, kind))
    traced = tf.function(lambda photos: scaled(photos, kind))(every).numpy()
    read = tf.data.Dataset.from_tensors(every).map(lambda photos: scaled(photos, kind))
    np.testing.assert_array_equal(alone, traced)
    np.testing.assert_array_equal(alone, next(iter(read)).numpy())


def test_unit_scaling_has_the_bits_of_keras_rescaling() -> None:
    import keras

    from trainables.networks.scaling import scaled

    every = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    theirs = np.asarray(keras.layers.Rescaling(1 / 255)(every))
    np.testing.assert_array_equal(np.asarray(scaled(every, "unit")), theirs)
