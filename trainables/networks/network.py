"""The two parts of a network that run: frozen layers, and the trained part.

A network is built once in a process and set back for every trial: building it and tracing its step
takes seconds, setting it back takes a fraction of one. The gradient's trace does not depend on the
optimizer, so each optimizer only traces its own update; the number that float16 scales the loss by
changes from step to step and is an input of the gradient.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from search_spaces.config import MIXED_FLOAT16
from trainables.networks.backbones import FullNetwork, weights_of
from trainables.networks.cuts import PHOTO, Cut
from trainables.networks.scaling import scaled

_OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adam": keras.optimizers.Adam,
    "adagrad": keras.optimizers.Adagrad,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
}


@dataclass(frozen=True)
class InputFormat:
    """What a part of a network reads, and in which form.

    Attributes:
        nodes: the layers whose outputs are read; `PHOTO` for the photos themselves.
        scaling: kind of scaling of the photos, if they are read.
        dtype: of stored outputs; photos are uint8.
    """

    nodes: tuple[int, ...]
    scaling: str
    dtype: str = "float32"

    def signature(self, full: FullNetwork) -> list[Any]:
        """One TensorSpec per node for any number of photos."""
        return [
            tf.TensorSpec(
                (None, *full.layers[node].output.shape[1:]),
                "uint8" if node == PHOTO else self.dtype,
            )
            for node in self.nodes
        ]

    def network_inputs(self, batch: list[Any]) -> list[Any]:
        """Stored outputs as float32, photos scaled."""
        return [
            scaled(tensor, self.scaling) if node == PHOTO else tf.cast(tensor, "float32")
            for tensor, node in zip(batch, self.nodes, strict=True)
        ]


class CompiledFunction:
    """A `tf.function` whose calls that trace or compile are timed apart from those that only run.

    It takes a list of tensors, and others; only their first dimension may vary. It traces at its
    first call. Compiled by XLA, it is compiled again for every number of photos, so a rest batch
    costs as much as the first; TensorFlow does not count that as a trace.

    Attributes:
        seconds_tracing: of the calls so far that traced or compiled, what they ran included.
    """

    def __init__(
        self, function: Callable[..., Any], signature: list[Any], *, jit_compile: bool
    ) -> None:
        self.seconds_tracing = 0.0
        self._function = tf.function(function, input_signature=signature, jit_compile=jit_compile)
        self._jit_compile = jit_compile
        self._known_sizes: set[int] = set()

    def __call__(self, tensors: list[Any], *others: Any) -> Any:
        size = int(tensors[0].shape[0]) if self._jit_compile else 0
        if size in self._known_sizes:
            return self._function(tensors, *others)
        started = time.perf_counter()
        outputs = self._function(tensors, *others)
        self.seconds_tracing += time.perf_counter() - started
        self._known_sizes.add(size)
        return outputs


class FrozenLayers:
    """Frozen layers from some stored tensors, or the photos, to others, in inference mode."""

    def __init__(
        self,
        full: FullNetwork,
        read: InputFormat,
        wanted: tuple[int, ...],
        *,
        jit_compile: bool = False,
    ) -> None:
        model = full.part(read.nodes, wanted)
        self._seconds = 0.0
        self._photos = 0

        def run(batch: list[Any]) -> list[Any]:
            outputs = as_list(model(read.network_inputs(batch), training=False))
            # Mixed precision computes in a half type, bfloat16 among them, which NumPy has not.
            return [tf.cast(output, "float32") for output in outputs]

        self._run = CompiledFunction(run, [read.signature(full)], jit_compile=jit_compile)

    @property
    def seconds_tracing(self) -> float:
        """Of the calls so far, those that had to be traced or compiled."""
        return self._run.seconds_tracing

    @property
    def seconds_per_photo(self) -> float:
        """Of the calls so far that neither traced nor compiled; 0 without any."""
        return self._seconds / self._photos if self._photos else 0.0

    def __call__(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of the wanted layers for one batch, each [n, ...] float32."""
        started, traced_before = time.perf_counter(), self.seconds_tracing
        outputs = [output.numpy() for output in self._run(_tensors(batch))]
        if self.seconds_tracing == traced_before:
            self._seconds += time.perf_counter() - started
            self._photos += len(batch[0])
        return outputs


class Network:
    """Layers from some inputs to the logits; frozen ones in inference mode, the others trained.

    Attributes:
        trained: the layers that are trained, by node.
        classes: how many logits.
    """

    def __init__(
        self,
        full: FullNetwork,
        cut: Cut,
        read: InputFormat,
        *,
        jit_compile: bool = False,
    ) -> None:
        self._full = full
        self._live = full.part(cut.required, (full.graph.output,))
        self._frozen = full.part(read.nodes, cut.required) if read.nodes != cut.required else None
        self._read = read
        self._jit_compile = jit_compile
        self._unit_loss = tf.ones(())
        self._variables = self._live.trainable_variables
        self._optimizers: dict[str, tuple[Any, list[Any], CompiledFunction]] = {}
        self.classes = int(full.layers[full.graph.output].output.shape[-1])
        self.trained = {node: full.layers[node] for node in cut.trained}
        signature = read.signature(full)
        labels = tf.TensorSpec((None,), "int64")
        scale = tf.TensorSpec((), "float32")
        self._gradients = CompiledFunction(
            self._loss_and_gradients, [signature, labels, scale], jit_compile=jit_compile
        )
        self._predict = CompiledFunction(self._logits, [signature], jit_compile=jit_compile)

    def reset(self, *, optimizer: str, learning_rate: float, seed: int) -> None:
        """Set everything back: pretrained weights, a seeded head, a fresh optimizer."""
        self._full.restore()
        head = self._full.layers[self._full.backbone_layers :]
        for offset, layer in enumerate(head):
            if isinstance(layer, keras.layers.Dense):
                kernel = keras.initializers.GlorotUniform(seed=seed + offset)(layer.kernel.shape)
                layer.kernel.assign(kernel)
                layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
        for node, layer in self.trained.items():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([seed + node, 0])
        self._optimizer, fresh, self._update = self._optimizer_named(optimizer)
        for variable, value in zip(self._optimizer.variables, fresh, strict=True):
            variable.assign(np.full(variable.shape, value, variable.dtype))
        self._optimizer.learning_rate.assign(learning_rate)

    @property
    def seconds_tracing(self) -> float:
        """Of all calls so far, those that had to be traced or compiled."""
        updates = [update for _, _, update in self._optimizers.values()]
        functions = (self._gradients, self._predict, *updates)
        return sum(function.seconds_tracing for function in functions)

    def step(
        self, inputs: Sequence[NDArray[Any]], labels: NDArray[np.int64]
    ) -> tuple[float, NDArray[np.float32]]:
        """Train on one batch.

        Args:
            inputs: one [n, ...] array per source.
            labels: [n].

        Returns:
            The mean loss in nats and the probabilities [n, C], both from before the update.
        """
        scale = self._optimizer.scale_loss(self._unit_loss)
        loss, probabilities, gradients = self._gradients(_tensors(inputs), labels, scale)
        self._update(gradients)
        return float(loss), probabilities.numpy()

    def predict(self, inputs: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """Probabilities [n, C] in inference mode."""
        return np.asarray(tf.nn.softmax(self._predict(_tensors(inputs))).numpy(), np.float32)

    def weights(self) -> dict[str, NDArray[Any]]:
        """Copies of the trained layers' arrays, named `node/index`."""
        return {
            f"{node}/{index}": variable.numpy()
            for node, layer in self.trained.items()
            for index, variable in enumerate(weights_of(layer))
        }

    def load(self, weights: dict[str, NDArray[Any]]) -> None:
        """Put back what `weights` gave."""
        for node, layer in self.trained.items():
            for index, variable in enumerate(weights_of(layer)):
                variable.assign(weights[f"{node}/{index}"])

    def _logits(self, inputs: list[Any], training: bool = False) -> Any:
        tensors = self._read.network_inputs(inputs)
        if self._frozen is not None:
            tensors = as_list(self._frozen(tensors, training=False))
        return as_list(self._live(tensors, training=training))[0]

    def _loss_and_gradients(
        self, inputs: list[Any], labels: Any, scale: Any
    ) -> tuple[Any, Any, Any]:
        """The loss and the probabilities as they are, the gradients multiplied by `scale`."""
        with tf.GradientTape() as tape:
            logits = self._logits(inputs, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
            scaled = loss * scale
        return loss, tf.nn.softmax(logits), tape.gradient(scaled, self._variables)

    def _optimizer_named(self, name: str) -> tuple[Any, list[Any], CompiledFunction]:
        if name not in self._optimizers:
            optimizer = _OPTIMIZERS[name]()
            if self._full.precision == MIXED_FLOAT16:
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(self._variables)
            update = CompiledFunction(
                lambda gradients: optimizer.apply(gradients, self._variables),
                [[tf.TensorSpec(variable.shape, variable.dtype) for variable in self._variables]],
                jit_compile=self._jit_compile,
            )
            # Slots start with one value throughout, so that value is all there is to keep.
            fresh = [variable.numpy().flat[0] for variable in optimizer.variables]
            self._optimizers[name] = (optimizer, fresh, update)
        return self._optimizers[name]


def _tensors(arrays: Sequence[NDArray[Any]]) -> list[Any]:
    return [tf.convert_to_tensor(array) for array in arrays]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
