"""Builds a backbone with its head as one Keras graph, loads its weights, and describes its graph.

The order of layers (and so their index) is Keras' own: `model.layers`, then those of the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from search_spaces.backbones import HEAD, Backbone, backbone_named
from search_spaces.config import FLOAT32
from search_spaces.heads import (
    PAPER_HEAD,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling,
    HeadLayer,
    head_of,
)
from trainables.networks.cuts import Cut, Graph, cut_at
from trainables.networks.initialisation import PICTURE_SIZE, initialise
from trainables.networks.scaling import IMAGENET_DEVIATION_RGB
from trainables.networks.weights import Weights, load


@dataclass(frozen=True)
class FullNetwork:
    """A backbone and its head, untrained, with the weights that every trial starts from.

    Attributes:
        entry: the catalogue's.
        layers: all layers; the photo's input is layer 0, the logits are the last.
        backbone_layers: how many of them belong to the backbone.
        graph: the same as numbers.
        initial: per layer, its variables' values to start from.
        image_size: pixels.
        precision: what the layers compute in; weights and logits are float32 whatever it is.
        changed: nodes that may have been trained since they were last put back.
    """

    entry: Backbone
    layers: tuple[Any, ...]
    backbone_layers: int
    graph: Graph
    initial: tuple[tuple[NDArray[Any], ...], ...]
    image_size: int
    precision: str
    changed: set[int] = field(default_factory=set)

    def first(self, unfreeze: str) -> int:
        """The node from which on layers are trained at an unfreeze point."""
        if unfreeze == HEAD:
            return self.backbone_layers
        return [layer.name for layer in self.layers].index(unfreeze)

    def cut(self, unfreeze: str) -> Cut:
        """What is stored and what is trained at an unfreeze point."""
        return cut_at(self.graph, self.first(unfreeze))

    def batch_norms(self, cut: Cut) -> tuple[int, ...]:
        """The backbone's BatchNormalization in the trained part, by node."""
        return tuple(
            node
            for node in cut.trained
            if node < self.backbone_layers
            and isinstance(self.layers[node], keras.layers.BatchNormalization)
        )

    def multiply_adds(self, nodes: Iterable[int]) -> int:
        """Of some layers for one photo, forward."""
        return sum(multiply_adds(self.layers[node]) for node in nodes)

    def part(self, sources: tuple[int, ...], wanted: tuple[int, ...]) -> Any:
        """The subgraph between two sets of nodes as a Keras model that shares the layers."""
        inputs = [output_of(self.layers[node]) for node in sources]
        return keras.Model(inputs, [output_of(self.layers[node]) for node in wanted])

    def restore(self, *, to_train: Iterable[int] = ()) -> None:
        """Put the layers in `changed` back to where each trial starts.

        Not all layers: a backbone has hundreds of variables, and to assign them all takes as long
        as some epochs of a head on stored features. Whoever changes a layer names it.

        Args:
            to_train: nodes that the caller is going to change.
        """
        for node in self.changed:
            pairs = zip(variables_of(self.layers[node]), self.initial[node], strict=True)
            for variable, value in pairs:
                variable.assign(value)
        self.changed.clear()
        self.changed.update(to_train)


def build(
    backbone: str,
    *,
    image_size: int,
    classes: int,
    weights: Weights,
    precision: str = FLOAT32,
    head: str = PAPER_HEAD,
) -> FullNetwork:
    """Build a backbone with its head; the head's own first weights are set per trial.

    Args:
        precision: one of `search_spaces.config`.
        head: one of `search_spaces.heads.HEADS`.

    Raises:
        EnvironmentRefusal: the weights file does not fit the backbone, or is not the one hashed.
    """
    entry = backbone_named(backbone)
    with _layers_computing_in(precision):
        if weights.random and (image_size, precision) == (PICTURE_SIZE, FLOAT32):
            base = random_backbone(entry, weights.seed)
        elif weights.random:
            drawn = random_backbone(entry, weights.seed).get_weights()
            base = _bare(entry, image_size, weights.seed)
            base.set_weights(drawn)
        else:
            base = _bare(entry, image_size, weights.seed)
            load(base, entry, weights.files[entry.name], weights.digests[entry.name])
            if entry.divides_by_deviation_twice:
                _divide_again_by_stddev(base)
        logits = base.output
        for layer in head_of(entry.head, head):
            logits = head_layer(layer)(logits)
        # A softmax over float16 logits would round probabilities, and so losses, to three digits.
        logits = keras.layers.Dense(classes, name="head_logits", dtype=FLOAT32)(logits)
    layers = tuple(keras.Model(base.input, logits).operations)
    return FullNetwork(
        entry=entry,
        layers=layers,
        backbone_layers=len(base.operations),
        graph=_graph(layers),
        initial=tuple(tuple(_values(layer)) for layer in layers),
        image_size=image_size,
        precision=precision,
    )


def _bare(entry: Backbone, image_size: int, seed: int) -> Any:
    """A backbone without its top, with Keras' first weights."""
    keras.utils.set_random_seed(seed)
    make = getattr(keras.applications, entry.name)
    return make(include_top=False, weights=None, input_shape=(image_size, image_size, 3))


def random_backbone(entry: Backbone, seed: int) -> Any:
    """A float32 backbone without its top, of `PICTURE_SIZE`, with what `--weights random` names."""
    with _layers_computing_in(FLOAT32):
        base = _bare(entry, PICTURE_SIZE, seed)
        initialise(base, scaling=entry.native_scaling, seed=seed)
    return base


def multiply_adds(layer: Any) -> int:
    """Of one layer for one photo, forward: each kernel element once per position of the output.

    Counted are convolutions and dense layers, which take nearly all of a network's time. A
    strided SeparableConv2D has its depthwise step's output at the same positions.
    """
    kernels = ("kernel", "depthwise_kernel", "pointwise_kernel")
    elements = sum(
        int(np.prod(getattr(layer, name).shape)) for name in kernels if hasattr(layer, name)
    )
    # [N, H, W, C] or [N, C]: whatever is between the first and the last dimension.
    return elements * int(np.prod(output_of(layer).shape[1:-1]))


@contextmanager
def _layers_computing_in(precision: str) -> Iterator[None]:
    """Give new layers a dtype policy: `keras.applications` takes it from the process alone."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def weights_of(layer: Any) -> list[Any]:
    """What a layer learns; a bare operation, such as the sum of two tensors, has nothing."""
    return list(getattr(layer, "weights", ()))


def variables_of(layer: Any) -> list[Any]:
    """A layer's weights and the states of its random numbers."""
    return list(getattr(layer, "variables", ()))


def output_of(layer: Any) -> Any:
    """The tensor that a layer gives in the graph, which of a nested model is not its own output."""
    [tensor] = _first_call(layer).output_tensors
    return tensor


def _first_call(layer: Any) -> Any:
    """Where the layer stands in the backbone's graph; every model made of a part adds another."""
    return layer._inbound_nodes[0]


def _values(layer: Any) -> list[NDArray[Any]]:
    return [variable.numpy() for variable in variables_of(layer)]


def head_layer(layer: HeadLayer) -> Any:
    """The Keras layer for a layer of the catalogue's heads."""
    match layer:
        case GlobalAveragePooling():
            return keras.layers.GlobalAveragePooling2D(name="head_gap")
        case Flatten():
            return keras.layers.Flatten(name="head_flatten")
        case BatchNormalization():
            return keras.layers.BatchNormalization(name="head_batch_norm")
        case Dropout(rate):
            return keras.layers.Dropout(rate, name="head_dropout")
        case Dense(units):
            return keras.layers.Dense(units, activation="relu", name=f"head_dense_{units}")


def _divide_again_by_stddev(base: Any) -> None:
    """Give EfficientNet the input that its ImageNet weights were trained with.

    With `weights="imagenet"` Keras adds a Rescaling by 1/sqrt(stddev) behind the Normalization, and
    with a file it does not. A variance larger by stddev is the same function without a layer more.
    """
    [normalization] = [
        layer for layer in base.layers if isinstance(layer, keras.layers.Normalization)
    ]
    _, variance, *_ = normalization.weights
    variance.assign(variance.numpy() * np.array(IMAGENET_DEVIATION_RGB, variance.dtype))
    normalization.finalize_state()


def _graph(layers: tuple[Any, ...]) -> Graph:
    node_of = {id(layer): node for node, layer in enumerate(layers)}
    return Graph(
        parents=tuple(_parents(layer, node_of) for layer in layers),
        active=tuple(_is_active(layer) for layer in layers),
        row_bytes=tuple(4 * int(np.prod(output_of(layer).shape[1:])) for layer in layers),
        weight_free=tuple(not weights_of(layer) for layer in layers),
    )


def _parents(layer: Any, node_of: dict[int, int]) -> tuple[int, ...]:
    if isinstance(layer, keras.layers.InputLayer):
        return ()
    tensors = _first_call(layer).input_tensors
    return tuple(node_of[id(tensor._keras_history.operation)] for tensor in tensors)


def _is_active(layer: Any) -> bool:
    return bool(weights_of(layer)) or isinstance(layer, keras.layers.Dropout)
