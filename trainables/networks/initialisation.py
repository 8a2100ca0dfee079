"""Random weights whose features tell photos apart: what `--weights random` is.

Keras' own draw suits a network that is trained from its first layer on. Frozen it teaches nothing:
every rectifier adds the same positive mean to all photos, and without learnt statistics nothing
takes it off or keeps the scale, so that what distinguishes two photos at the end of Xception has a
deviation of 1e-6 beside a mean of 1e-5. Here

- channels come in pairs of opposite sign, ordered so that they survive a concatenation: from
  `act(a)` and `act(-a)` the next kernel reads their difference, which for ReLU, swish and GELU is
  `a` itself. No mean builds up, and the network starts out nearly linear, however deep
  ("looks linear": D. Balduzzi et al., "The Shattered Gradients Problem", ICML 2017);
- each kernel is multiplied so that its layer's outputs are of one size, layer by layer (D. Mishkin
  and J. Matas, "All you need is a good init", ICLR 2016), on seeded, made-up pictures: the last
  layers' of 1, those before of `_INSIDE`.

No photo of a run is looked at: the weights follow from the backbone and the seed alone, so whoever
needs them draws them again. They are scaled for pixels in the backbone's own scaling. Factors are
powers of two, so that other last bits of a sum (threads, oneDNN, another processor) do not move
them, and whatever a network's image size and precision, they are computed at one size, in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from trainables.networks.scaling import scaled

PICTURE_SIZE = 75
"""Pixels: the least that every backbone of the catalogue accepts."""
_PICTURES = 16
_GRID = 8
"""Cells of a picture's coarse grid, along each side."""
_INSIDE = 0.125
"""Root mean square of outputs: small, so that gates, sigmoids of the features that they multiply,
stay near a half, and swish near a line; for ReLU it makes no difference."""


def initialise(base: Any, *, scaling: str, seed: int) -> None:
    """Pair and scale the kernels of a freshly drawn backbone, in the order of its graph.

    Args:
        base: a Keras model without its top, float32, of `PICTURE_SIZE`, built with `weights=None`.
        scaling: the kind that the backbone expects of photos, see `scaling`.
        seed: of the pictures.
    """
    with keras.device("cpu"):  # a GPU may round products to ten bits
        pictures = scaled(made_up_pictures(seed), scaling)
        values = {id(base.inputs[0]): keras.ops.convert_to_tensor(pictures)}
        last = _last_layers(base)
        for operation in base.operations[1:]:
            call = operation._inbound_nodes[0]
            arguments, named = call.arguments.fill_in(values)
            [output] = call.output_tensors
            size = 1.0 if operation in last else _INSIDE
            values[id(output)] = _initialised(operation, arguments, named, size)


def made_up_pictures(seed: int) -> NDArray[np.float32]:
    """Smooth random patches, dark ones oftener: [16, 75, 75, 3], whole numbers from 0 to 255."""
    coarse = np.random.default_rng(seed).random((_PICTURES, _GRID, _GRID, 3)) ** 2
    places = np.linspace(0, _GRID - 1, PICTURE_SIZE)
    # Bilinear: a row holds the shares of a pixel's two nearest cells.
    shares = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(_GRID)))
    smooth = np.einsum("yi,xj,nijc->nyxc", shares, shares, coarse)
    return np.asarray(np.rint(255 * smooth), np.float32)


def _last_layers(base: Any) -> set[Any]:
    """Layers with kernels from which the output is reached without meeting another."""
    last: set[Any] = set()
    waiting = [base.outputs[0]]
    while waiting:
        operation = waiting.pop()._keras_history.operation
        if _kernels(operation):
            last.add(operation)
        else:
            waiting += operation._inbound_nodes[0].input_tensors
    return last


def _initialised(
    operation: Any, arguments: Sequence[Any], named: dict[str, Any], size: float
) -> Any:
    """Set a layer's kernels so that what they give has a root mean square near `size`.

    Returns:
        The layer's outputs.
    """
    if isinstance(operation, keras.Sequential):
        [tensor] = arguments
        for layer in operation.layers:
            tensor = _initialised(layer, (tensor,), {}, size)
        return tensor
    kernels = _kernels(operation)
    if not kernels:
        return operation(*arguments, **named)
    for kernel, is_depthwise in kernels:
        kernel.assign(_mirrored(kernel.numpy(), depthwise=is_depthwise))
    activation, operation.activation = operation.activation, keras.activations.linear
    output = operation(*arguments, **named)
    operation.activation = activation
    last, _ = kernels[-1]
    mean_square = np.square(keras.ops.convert_to_numpy(output).astype(np.float64)).mean()
    factor = 2.0 ** round(math.log2(size / math.sqrt(mean_square)))
    last.assign(last * factor)
    return activation(output * factor)  # biases are 0, and powers of two exact


def _kernels(layer: Any) -> list[tuple[Any, bool]]:
    """A layer's kernels in the order of their use, and whether each keeps channels apart."""
    grouped = isinstance(layer, keras.layers.DepthwiseConv2D) or getattr(layer, "groups", 1) > 1
    kinds = {"depthwise_kernel": True, "pointwise_kernel": False, "kernel": grouped}
    return [(getattr(layer, name), kind) for name, kind in kinds.items() if hasattr(layer, name)]


def _mirrored(kernel: NDArray[np.float32], *, depthwise: bool) -> NDArray[np.float32]:
    """Make channels 2i and 2i + 1 opposites, of outputs and, where these are pairs, of inputs.

    Args:
        kernel: [..., inputs, outputs]; changed. Colours are three, and no pairs.
        depthwise: the two channels of a pair are treated alike.
    """
    *_, inputs, outputs = kernel.shape
    if depthwise:
        by_channel = kernel.reshape(-1, inputs * outputs)
        by_channel[:, 1::2] = by_channel[:, ::2]
        return kernel
    if outputs % 2 == 0:
        kernel[..., 1::2] = -kernel[..., ::2]
    if inputs % 2 == 0:
        kernel[..., 1::2, :] = -kernel[..., ::2, :]
    return kernel
