"""Many batches in one call of one compiled function, so that the host waits once for all of them.

A step of a small head takes the device less time than Python takes to start it and to read what it
gave. The loops are made of the very functions that do one batch, so they give the same bits.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from trainables.networks.compiled import CompiledFunction

_SIZE = tf.TensorSpec((), "int32")


def training_loop(
    gradients: CompiledFunction, update: CompiledFunction, optimizer: Any, signature: list[Any]
) -> CompiledFunction:
    """Steps one after another.

    Args:
        gradients: of a batch, its labels [n] and the loss's scale: the mean loss, probabilities
            [n, C], and what `update` takes.
        optimizer: Keras', whose rate and loss scale every step has anew.
        signature: of a batch.

    Returns:
        A function of the photos' inputs, their labels [N], photos per batch, and the rate of each
        step [S]: the losses [S], and how many photos were answered right, before each update.
    """

    def run(inputs: list[Any], labels: Any, size: Any, rates: Any) -> tuple[Any, Any]:
        def step(number: Any, losses: Any, right: Any) -> tuple[Any, Any, Any]:
            batch = [_batch(rows, number, size) for rows in inputs]
            truth = _batch(labels, number, size)
            optimizer.learning_rate.assign(rates[number])
            scale = optimizer.scale_loss(tf.ones(()))
            loss, probabilities, scaled = gradients.traced(batch, truth, scale)
            update.traced(scaled)
            right += tf.math.count_nonzero(tf.argmax(probabilities, axis=1) == truth)
            return number + 1, losses.write(number, loss), right

        steps = tf.shape(rates)[0]
        start = (0, tf.TensorArray("float32", steps), tf.zeros((), "int64"))
        _, losses, right = _loop(steps, step, start)
        return losses.stack(), right

    labels, rates = tf.TensorSpec((None,), "int64"), tf.TensorSpec((None,), "float32")
    return CompiledFunction(run, [signature, labels, _SIZE, rates], jit_compile=False)


def answering_loop(
    logits: CompiledFunction, classes: int, signature: list[Any]
) -> CompiledFunction:
    """Probabilities [N, C] of the photos' inputs, so many photos per batch."""

    def run(inputs: list[Any], size: Any) -> Any:
        def answer(number: Any, answers: Any) -> tuple[Any, Any]:
            batch = [_batch(rows, number, size) for rows in inputs]
            return number + 1, answers.write(number, tf.nn.softmax(logits.traced(batch)))

        batches = (tf.shape(inputs[0])[0] + size - 1) // size
        answers = tf.TensorArray(
            "float32", batches, infer_shape=False, element_shape=(None, classes)
        )
        return _loop(batches, answer, (0, answers))[1].concat()

    return CompiledFunction(run, [signature, _SIZE], jit_compile=False)


def _batch(rows: Any, number: Any, size: Any) -> Any:
    return rows[number * size : (number + 1) * size]


def _loop(count: Any, body: Any, start: tuple[Any, ...]) -> Any:
    def goes_on(number: Any, *_: Any) -> Any:
        return number < count

    return tf.while_loop(goes_on, body, start, parallel_iterations=1)
