"""The two parts of a network that run: frozen layers, and the trained part.

A network is built once in a process and set back for every trial: building it and tracing its step
takes seconds, setting it back takes a fraction of one. The gradient's trace depends on the loss and
the head's Dropout, not on the optimizer, so each optimizer only traces its own update; the number
that float16 scales the loss by changes from step to step and is an input of the gradient.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainables.networks.backbones import FullNetwork, weights_of
from trainables.networks.compiled import CompiledFunction
from trainables.networks.cuts import PHOTO, Cut
from trainables.networks.losses import CROSS_ENTROPY, Loss
from trainables.networks.optimizers import Optimizer, OptimizerKind, sgd_momentum
from trainables.networks.scaling import scaled

_OPTIMIZERS_KEPT = 8
"""Of one network: each has slots as large as the trained weights, and a search varies its kind."""


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
        self._optimizers: dict[OptimizerKind, tuple[Optimizer, CompiledFunction]] = {}
        self._by_loss: dict[tuple[Loss, float | None], CompiledFunction] = {}
        self._seconds_of_dropped = 0.0
        self._built_rates: dict[str, float] = {}
        self.classes = int(full.layers[full.graph.output].output.shape[-1])
        self.trained = {node: full.layers[node] for node in cut.trained}
        self._predict = CompiledFunction(
            self._logits, [read.signature(full)], jit_compile=jit_compile
        )

    def reset(
        self,
        *,
        optimizer: str,
        learning_rate: float,
        seed: int,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        dropout: float | None = None,
        loss: Loss = CROSS_ENTROPY,
    ) -> None:
        """Set everything back: pretrained weights, a seeded head, a fresh optimizer.

        Args:
            momentum: of `sgd`.
            dropout: rate of the head's Dropout layers; None for the one they were built with.
        """
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
        self._gradients = self._gradients_of(loss, self._set_dropout(dropout))
        kind = OptimizerKind(optimizer, sgd_momentum(optimizer, momentum), weight_decay)
        chosen, self._update = self._optimizer_of(kind)
        chosen.reset()
        self._optimizer = chosen.keras
        self._optimizer.learning_rate.assign(learning_rate)
        self._learning_rate = learning_rate

    def set_learning_rate(self, learning_rate: float) -> None:
        """From the next step on."""
        if learning_rate != self._learning_rate:  # an assignment costs as much as a small step
            self._optimizer.learning_rate.assign(learning_rate)
            self._learning_rate = learning_rate

    @property
    def seconds_tracing(self) -> float:
        """Of all calls so far, those that had to be traced or compiled."""
        updates = [update for _, update in self._optimizers.values()]
        functions = (self._predict, *self._by_loss.values(), *updates)
        return self._seconds_of_dropped + sum(function.seconds_tracing for function in functions)

    def step(
        self, inputs: Sequence[NDArray[Any]], labels: NDArray[np.int64]
    ) -> tuple[float, NDArray[np.float32]]:
        """Train on one batch.

        Args:
            inputs: one [n, ...] array per source.
            labels: [n].

        Returns:
            The mean cross-entropy in nats, without smoothing and weights, and the probabilities
            [n, C], both from before the update.
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

    def load(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Put back what `weights` gave."""
        for node, layer in self.trained.items():
            _assign(node, layer, weights)

    def start_head(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Start from the trained head of another trial of the same backbone and head.

        Args:
            weights: as `weights` gave them for a trial of the head alone; others are passed over.

        Raises:
            KeyError: an array of this head is missing.
        """
        for node, layer in self.trained.items():
            if node >= self._full.backbone_layers:
                _assign(node, layer, weights)

    def _logits(self, inputs: list[Any], training: bool = False) -> Any:
        tensors = self._read.network_inputs(inputs)
        if self._frozen is not None:
            tensors = as_list(self._frozen(tensors, training=False))
        return as_list(self._live(tensors, training=training))[0]

    def _set_dropout(self, rate: float | None) -> float | None:
        """Give the head's Dropout layers a rate; None if the head has none."""
        head = self._full.layers[self._full.backbone_layers :]
        layers = [layer for layer in head if isinstance(layer, keras.layers.Dropout)]
        for layer in layers:
            self._built_rates.setdefault(layer.name, layer.rate)
            layer.rate = self._built_rates[layer.name] if rate is None else rate
        return layers[0].rate if layers else None

    def _gradients_of(self, loss: Loss, dropout: float | None) -> CompiledFunction:
        """The gradient's trace: smoothing, class weights and Dropout's rate are constants of it."""

        def loss_and_gradients(inputs: list[Any], labels: Any, scale: Any) -> tuple[Any, Any, Any]:
            """Cross-entropy and probabilities as they are, gradients multiplied by `scale`."""
            with tf.GradientTape() as tape:
                logits = self._logits(inputs, training=True)
                trained_on, reported = loss(labels, logits)
                scaled = trained_on * scale
            return reported, tf.nn.softmax(logits), tape.gradient(scaled, self._variables)

        key = (loss, dropout)
        if key not in self._by_loss:
            labels, scale = tf.TensorSpec((None,), "int64"), tf.TensorSpec((), "float32")
            self._by_loss[key] = CompiledFunction(
                loss_and_gradients,
                [self._read.signature(self._full), labels, scale],
                jit_compile=self._jit_compile,
            )
        return self._by_loss[key]

    def _optimizer_of(self, kind: OptimizerKind) -> tuple[Optimizer, CompiledFunction]:
        """An optimizer and its update; the one that was not used for longest makes room."""
        if kind in self._optimizers:
            self._optimizers[kind] = self._optimizers.pop(kind)  # now the latest
            return self._optimizers[kind]
        while len(self._optimizers) >= _OPTIMIZERS_KEPT:
            _, dropped = self._optimizers.pop(next(iter(self._optimizers)))
            self._seconds_of_dropped += dropped.seconds_tracing
        optimizer = Optimizer(kind, self._variables, self._full.precision)
        update = CompiledFunction(
            lambda gradients: optimizer.keras.apply(gradients, self._variables),
            [[tf.TensorSpec(variable.shape, variable.dtype) for variable in self._variables]],
            jit_compile=self._jit_compile,
        )
        self._optimizers[kind] = (optimizer, update)
        return optimizer, update


def _assign(node: int, layer: Any, weights: Mapping[str, NDArray[Any]]) -> None:
    for index, variable in enumerate(weights_of(layer)):
        variable.assign(weights[f"{node}/{index}"])


def _tensors(arrays: Sequence[NDArray[Any]]) -> list[Any]:
    return [tf.convert_to_tensor(array) for array in arrays]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
