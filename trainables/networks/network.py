"""The trained part of a network, built once in a process and set back for every trial.

Building a network and tracing its step takes seconds, setting it back takes a fraction of one. The
gradient's trace does not depend on the optimizer, so each optimizer only traces its own update; the
number that float16 scales the loss by changes from step to step and is an input of the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from search_spaces.config import MIXED_FLOAT16
from trainables.networks.backbones import Whole, weights_of
from trainables.networks.compiled import Compiled
from trainables.networks.cuts import Cut
from trainables.networks.prefix import as_list, input_signature, network_inputs

_OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adam": keras.optimizers.Adam,
    "adagrad": keras.optimizers.Adagrad,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
}


class Network:
    """Layers from some inputs to the logits; frozen ones in inference mode, the others trained.

    Attributes:
        trained: the layers that are trained, by node.
    """

    def __init__(
        self,
        whole: Whole,
        cut: Cut,
        sources: tuple[int, ...],
        kind: str,
        dtype: str,
        *,
        jit_compile: bool = False,
    ) -> None:
        self._whole = whole
        self._live = whole.part(cut.required, (whole.graph.output,))
        self._frozen = whole.part(sources, cut.required) if sources != cut.required else None
        self._sources = sources
        self._kind = kind
        self._jit_compile = jit_compile
        self._one = tf.ones(())
        self._variables = self._live.trainable_variables
        self._optimizers: dict[str, tuple[Any, list[Any], Compiled]] = {}
        self.trained = {node: whole.layers[node] for node in cut.trained}
        signature = input_signature(whole, sources, dtype)
        labels = tf.TensorSpec((None,), "int64")
        scale = tf.TensorSpec((), "float32")
        self._gradients = Compiled(
            self._loss_and_gradients, [signature, labels, scale], jit_compile=jit_compile
        )
        self._predict = Compiled(self._logits, [signature], jit_compile=jit_compile)

    def reset(self, *, optimizer: str, learning_rate: float, seed: int) -> None:
        """Set everything back: pretrained weights, a seeded head, a fresh optimizer."""
        self._whole.restore()
        head = self._whole.layers[self._whole.backbone_layers :]
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
        return sum(one.seconds for one in (self._gradients, self._predict, *updates))

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
        scale = self._optimizer.scale_loss(self._one)
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
        tensors = network_inputs(inputs, self._sources, self._kind)
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

    def _optimizer_named(self, name: str) -> tuple[Any, list[Any], Compiled]:
        if name not in self._optimizers:
            optimizer = _OPTIMIZERS[name]()
            if self._whole.precision == MIXED_FLOAT16:
                optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
            optimizer.build(self._variables)
            update = Compiled(
                lambda gradients: optimizer.apply(gradients, self._variables),
                [[tf.TensorSpec(one.shape, one.dtype) for one in self._variables]],
                jit_compile=self._jit_compile,
            )
            # Slots start with one value throughout, so that value is all there is to keep.
            fresh = [variable.numpy().flat[0] for variable in optimizer.variables]
            self._optimizers[name] = (optimizer, fresh, update)
        return self._optimizers[name]


def _tensors(arrays: Sequence[NDArray[Any]]) -> list[Any]:
    return [tf.convert_to_tensor(array) for array in arrays]
