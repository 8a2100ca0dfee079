"""How pixels become a network's input: the paper's X/255, or what each backbone was trained with.

    unit    X / 255                          0 .. 1, the paper's for all six
    raw     X                                0 .. 255, the network rescales inside
    tf      X / 127.5 - 1                    -1 .. 1, the Inceptions and Xception
    caffe   BGR(X) - (103.939, 116.779, 123.68)    ResNet50 and VGG16
    torch   (X / 255 - mean) / deviation     of ImageNet's red, green and blue; DenseNet121

Written with `keras.ops` only, so that the same function scales a batch and is part of an exported
model, without a Lambda layer. Divisions are written as Keras' `Rescaling` computes them, times the
reciprocal: TensorFlow makes that of a division in a traced function, and it does not outside one,
so that a division would give other last bits here and there.
"""

from __future__ import annotations

from typing import Any

import keras

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
IMAGENET_MEAN_RGB = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION_RGB = (0.229, 0.224, 0.225)
"""As Keras' `imagenet_utils.preprocess_input` has them, of pixels 0 to 255 and 0 to 1."""


def scaled(photos: Any, kind: str) -> Any:
    """Scale RGB photos.

    Args:
        photos: [N, H, W, 3], 0..255, any number type, tensor or Keras tensor.
        kind: see the module's table.

    Returns:
        [N, H, W, 3] float32.
    """
    pixels = keras.ops.cast(photos, "float32")
    if kind == "raw":
        return pixels
    if kind == "unit":
        return pixels * (1 / 255)
    if kind == "tf":
        return pixels * (1 / 127.5) - 1.0
    if kind == "caffe":
        return keras.ops.flip(pixels, axis=-1) - keras.ops.convert_to_tensor(
            IMAGENET_MEAN_BGR, dtype="float32"
        )
    if kind == "torch":
        mean, deviation = (
            keras.ops.convert_to_tensor(values, dtype="float32")
            for values in (IMAGENET_MEAN_RGB, [1 / part for part in IMAGENET_DEVIATION_RGB])
        )
        return (pixels * (1 / 255) - mean) * deviation
    raise ValueError(f"unknown kind of scaling {kind!r}")
