"""The two parts of a network that run: frozen layers, and the trained part.

A network is built once in a process and reset for every trial: building it and tracing its step
takes seconds, a reset takes a fraction of one. The gradient's trace depends on the loss and
the head's Dropout, not on the optimizer, so each optimizer only traces its own update, and for a
head alone a loop of both; the number that float16 scales the loss by changes from step to step and
is an input of the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.scores.metrics import right
from trainables.networks.backbones import FullNetwork, weights_of
from trainables.networks.compiled import CompiledFunction
from trainables.networks.cuts import Cut
from trainables.networks.devices import gpu_names
from trainables.networks.frozen import InputFormat, as_list, as_tensors, bytes_of_row
from trainables.networks.loops import answering_loop, by_place, in_order, training_loop
from trainables.networks.losses import CROSS_ENTROPY, Loss
from trainables.networks.optimizers import OptimizerKind, Optimizers, sgd_momentum

CHUNK_BYTES = 16 * 2**20
"""Of input sent with one call of a network that loops: bounds the memory."""
HEAD_BATCHES, DEEP_BATCHES = 128, 16
"""Of one call where the input is on the device already, for a head alone and for others: bounds the
time between two reports of progress."""


class Network:
    """Layers from some inputs to the logits; frozen ones in inference mode, the others trained.

    Args:
        freezes_batch_norm: BatchNormalization of the backbone stays as Keras' `trainable = False`.

    Attributes:
        trained: the layers that are trained, by node.
        classes: how many logits.
        loops: whether it does many batches in one call. That pays where a step is short: a head's
            on stored features, and any on a GPU. Elsewhere it would only be traced once more for
            every optimizer; XLA compiles a loop for every number of batches.
    """

    def __init__(
        self,
        full: FullNetwork,
        cut: Cut,
        read: InputFormat,
        *,
        jit_compile: bool = False,
        freezes_batch_norm: bool = False,
    ) -> None:
        self._full = full
        self._live = full.part(cut.required, (full.graph.output,))
        self._frozen = full.part(read.nodes, cut.required) if read.nodes != cut.required else None
        self._read = read
        self._jit_compile = jit_compile
        self._unit_loss = tf.ones(())
        norms = full.batch_norms(cut) if freezes_batch_norm else ()
        self._frozen_norms = [full.layers[node] for node in norms]
        with _untrained(self._frozen_norms):
            self._variables = self._live.trainable_variables
        self._optimizers = Optimizers(self._variables, full.precision, jit_compile=jit_compile)
        self._by_loss: dict[tuple[Loss, float | None], CompiledFunction] = {}
        self._built_rates: dict[str, float] = {}
        self.classes = int(full.layers[full.graph.output].output.shape[-1])
        self.trained = {node: full.layers[node] for node in cut.trained}
        self._is_stored_head = self._frozen is None and min(cut.trained) >= full.backbone_layers
        self.loops = not jit_compile and (self._is_stored_head or bool(gpu_names()))
        signature = read.signature(full)
        self._predict = CompiledFunction(self._logits, [signature], jit_compile=jit_compile)
        tables = read.table_signature(full)
        self._readings = {False: in_order(signature), True: by_place(tables, signature)}
        self._answers = {
            on_device: answering_loop(self._predict, self.classes, reading)
            for on_device, reading in self._readings.items()
        }

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
        self._full.restore(to_train=self.trained)
        head = self._full.layers[self._full.backbone_layers :]
        for offset, layer in enumerate(head):
            if isinstance(layer, keras.layers.Dense):
                kernel = keras.initializers.GlorotUniform(seed=seed + offset)(layer.kernel.shape)
                layer.kernel.assign(kernel)
                layer.bias.assign(np.zeros(layer.bias.shape, "float32"))
        for node, layer in self.trained.items():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([seed + node, 0])
        gradient = (loss, self._set_dropout(dropout))
        self._gradients = self._gradients_of(*gradient)
        kind = OptimizerKind(optimizer, sgd_momentum(optimizer, momentum), weight_decay)
        built = self._optimizers.of(kind)
        built.optimizer.reset()
        self._update, self._optimizer = built.update, built.optimizer.keras
        for on_device, reading in self._readings.items():
            if (gradient, on_device) not in built.loops:
                loop = training_loop(self._gradients, self._update, self._optimizer, reading)
                built.loops[gradient, on_device] = loop
        self._steps = {way: built.loops[gradient, way] for way in self._readings}
        self._optimizer.learning_rate.assign(learning_rate)
        self._learning_rate = learning_rate

    @property
    def table_bytes_of_photo(self) -> int:
        """What one photo takes in tables on the device."""
        return bytes_of_row(self._read.table_signature(self._full))

    def batches_at_once(self, batch_size: int, *, on_device: bool = False) -> int:
        """How many batches one call of `train` or `predict` is to have."""
        if not self.loops:
            return 1
        if on_device:
            return HEAD_BATCHES if self._is_stored_head else DEEP_BATCHES
        bytes_of_batch = bytes_of_row(self._read.signature(self._full)) * batch_size
        return max(1, CHUNK_BYTES // bytes_of_batch)

    @property
    def seconds_tracing(self) -> float:
        """Of all calls so far, those that had to be traced or compiled."""
        functions = (self._predict, *self._answers.values(), *self._by_loss.values())
        seconds = sum(function.seconds_tracing for function in functions)
        return self._optimizers.seconds_tracing + seconds

    def train(
        self,
        inputs: Sequence[Any],
        labels: NDArray[np.int64],
        batch_size: int,
        rates: Sequence[float],
        places: NDArray[np.int64] | None = None,
    ) -> tuple[list[float], int]:
        """Train on some batches, one after another.

        Args:
            inputs: of the photos of all batches, `batches_at_once` of them at most; or tables on
                the device, if the network loops.
            labels: [n] of the photos.
            rates: the learning rate of each step.
            places: [n] the rows of the tables that the photos are.

        Returns:
            Of each batch the loss as `step` gives it, and how many photos were answered right.
        """
        if self.loops:
            given, steps = _given(inputs, places), self._steps[places is not None]
            losses, correct = steps(given, labels, batch_size, np.array(rates, np.float32))
            self._learning_rate = rates[-1]
            return [float(loss) for loss in losses.numpy()], int(correct)
        [rate] = rates
        if rate != self._learning_rate:  # an assignment costs as much as a small step
            self._optimizer.learning_rate.assign(rate)
            self._learning_rate = rate
        loss, seen = self.step(inputs, labels)
        return [loss], int(right(seen, labels).sum())

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
        loss, probabilities, gradients = self._gradients(as_tensors(inputs), labels, scale)
        self._update(gradients)
        return float(loss), probabilities.numpy()

    def predict(
        self,
        inputs: Sequence[Any],
        batch_size: int | None = None,
        places: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float32]:
        """Probabilities [n, C] in inference mode.

        Args:
            inputs, places: as for `train`.
            batch_size: photos that go through the network together; None for all.
        """
        if batch_size and self.loops:
            answers = self._answers[places is not None]
            return np.asarray(answers(_given(inputs, places), batch_size).numpy(), np.float32)
        return np.asarray(tf.nn.softmax(self._predict(as_tensors(inputs))).numpy(), np.float32)

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
        with _untrained(self._frozen_norms):
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


def _given(inputs: Sequence[Any], places: NDArray[np.int64] | None) -> list[Any]:
    return as_tensors(inputs if places is None else (*inputs, places))


@contextmanager
def _untrained(layers: Sequence[Any]) -> Iterator[None]:
    """Have layers as they are for as long as this lasts, though other networks train them."""
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True


def _assign(node: int, layer: Any, weights: Mapping[str, NDArray[Any]]) -> None:
    for index, variable in enumerate(weights_of(layer)):
        variable.assign(weights[f"{node}/{index}"])
