"""Random weights that keep what a picture shows: scaled, as they are drawn, on made-up pictures.

Keras' own draw suits a network that is trained from its first layer on. Used frozen it teaches
nothing: `BatchNormalization` in inference mode divides by its first statistics, which are 1, and at
the end of Xception what distinguishes two photos has a deviation of 5e-6, which no step of a head
can use. Here each kernel is multiplied so that its layer's outputs have one deviation (after
D. Mishkin and J. Matas, "All you need is a good init", ICLR 2016, without the orthogonal draw), and
the last normalisations take the statistics that they see.

The pictures are seeded, made up, and none of a run's photos: the weights follow from the backbone,
the image size and the seed alone, so whoever needs them draws them again. Factors are powers of two
and statistics are rounded, so that another processor, whose sums end in other bits, comes to the
same weights.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

PICTURES = 32
_GRID = 8
"""Cells of a picture's coarse grid, along each side."""
_INSIDE = 0.1
"""Deviation of layers inside: small, since a swish is nearly linear there and loses little."""
_LAST = 1.0
_SIGNIFICANT = 256
"""Steps within a factor of two, to which statistics are rounded."""


def made_up_pictures(size: int, *, seed: int) -> NDArray[np.float32]:
    """Smooth random patches, dark ones oftener: [PICTURES, size, size, 3], 0 to 255."""
    coarse = np.random.default_rng(seed).random((PICTURES, _GRID, _GRID, 3)) ** 2
    smooth = keras.ops.image.resize(255.0 * coarse, (size, size), interpolation="bilinear")
    return np.asarray(keras.ops.convert_to_numpy(smooth), np.float32)


def scale_random_weights(base: Any, pictures: Any) -> None:
    """Scale a backbone's freshly drawn weights, layer by layer in the order of its graph.

    Args:
        base: a Keras model without its top, built with `weights=None`.
        pictures: [N, S, S, 3] float32, scaled as the backbone expects photos.
    """
    values = {id(base.inputs[0]): keras.ops.convert_to_tensor(pictures)}
    last = _last_weighted(base)
    for operation in base.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        call = operation._inbound_nodes[0]
        arguments, named = call.arguments.fill_in(values)
        if isinstance(operation, keras.layers.BatchNormalization) and operation in last:
            _take_statistics(operation, arguments[0])
        output = operation(*arguments, **named)
        kernel = _kernel(operation)
        if kernel is not None:
            wanted = _LAST if operation in last else _INSIDE
            kernel.assign(kernel * _power_of_two(wanted / _deviation(output)))
            output = operation(*arguments, **named)
        values[id(call.output_tensors[0])] = output


def _kernel(operation: Any) -> Any | None:
    """What a layer's output is proportional to before its activation, as its bias is zero."""
    for name in ("pointwise_kernel", "kernel"):
        if hasattr(operation, name):
            return getattr(operation, name)
    return None


def _last_weighted(base: Any) -> set[Any]:
    """Layers with weights from which the output is reached without meeting another."""
    last: set[Any] = set()
    waiting = [base.outputs[0]._keras_history.operation]
    while waiting:
        operation = waiting.pop()
        if getattr(operation, "weights", ()):
            last.add(operation)
        else:
            tensors = operation._inbound_nodes[0].input_tensors
            waiting += [tensor._keras_history.operation for tensor in tensors]
    return last


def _take_statistics(layer: Any, inputs: Any) -> None:
    axes = list(range(len(inputs.shape) - 1))
    mean, variance = keras.ops.moments(keras.ops.cast(inputs, "float32"), axes=axes)
    layer.moving_mean.assign(_rounded(keras.ops.convert_to_numpy(mean)))
    layer.moving_variance.assign(_rounded(keras.ops.convert_to_numpy(variance)))


def _deviation(output: Any) -> float:
    return float(keras.ops.std(keras.ops.cast(output, "float32")))  # squares overflow float16


def _power_of_two(value: float) -> float:
    return 2.0 ** round(math.log2(value))


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    mantissa, exponent = np.frexp(values)
    rounded = np.round(mantissa * _SIGNIFICANT) / _SIGNIFICANT
    return np.ldexp(rounded, exponent).astype(np.float32)
