"""Many batches in one call of one compiled function, so that the host waits once for all of them.

A step of a small head takes the device less time than Python takes to start it and to read what it
gave. The loops are made of the very functions that do one batch, so they give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from trainables.networks.compiled import CompiledFunction

_SIZE = tf.TensorSpec((), "int32")


@dataclass(frozen=True)
class Reading:
    """How a loop gets its batches.

    Attributes:
        signature: of all that it is called with.
        batch: of what it is called with, a batch's number and the photos per batch: the batch.
    """

    signature: list[Any]
    batch: Callable[[list[Any], Any, Any], list[Any]]


def in_order(signature: list[Any]) -> Reading:
    """Of photos that come with the call, one batch after the other.

    Args:
        signature: of a batch.
    """

    def batch(photos: list[Any], number: Any, size: Any) -> list[Any]:
        return [_batch(rows, number, size) for rows in photos]

    return Reading(signature, batch)


def by_place(tables: list[Any], signature: list[Any]) -> Reading:
    """Of tables that are on the device already; the call's last tensor says which rows, [n] int64.

    Args:
        tables: their signature; a table may hold a batch's numbers in a wider type.
        signature: of a batch.
    """

    def batch(inputs: list[Any], number: Any, size: Any) -> list[Any]:
        *given, places = inputs
        rows = _batch(places, number, size)
        return [
            tf.cast(tf.gather(table, rows), spec.dtype)
            for table, spec in zip(given, signature, strict=True)
        ]

    return Reading([*tables, tf.TensorSpec((None,), "int64")], batch)


def training_loop(
    gradients: CompiledFunction, update: CompiledFunction, optimizer: Any, reading: Reading
) -> CompiledFunction:
    """Steps one after another.

    Args:
        gradients: of a batch, its labels [n] and the loss's scale: the mean loss, probabilities
            [n, C], and what `update` takes.
        optimizer: Keras', whose rate and loss scale every step has anew.

    Returns:
        A function of what `reading` takes, the photos' labels [N], photos per batch, and the rate
        of each step [S]: the losses [S], and how many photos were answered right, before each
        update.
    """

    def run(inputs: list[Any], labels: Any, size: Any, rates: Any) -> tuple[Any, Any]:
        def step(number: Any, losses: Any, right: Any) -> tuple[Any, Any, Any]:
            batch = reading.batch(inputs, number, size)
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
    return CompiledFunction(run, [reading.signature, labels, _SIZE, rates], jit_compile=False)


def answering_loop(logits: CompiledFunction, classes: int, reading: Reading) -> CompiledFunction:
    """Probabilities [N, C] of photos, so many per batch."""

    def run(inputs: list[Any], size: Any) -> Any:
        def answer(number: Any, answers: Any) -> tuple[Any, Any]:
            batch = reading.batch(inputs, number, size)
            return number + 1, answers.write(number, tf.nn.softmax(logits.traced(batch)))

        batches = (tf.shape(inputs[-1])[0] + size - 1) // size
        answers = tf.TensorArray(
            "float32", batches, infer_shape=False, element_shape=(None, classes)
        )
        return _loop(batches, answer, (0, answers))[1].concat()

    return CompiledFunction(run, [reading.signature, _SIZE], jit_compile=False)


def _batch(rows: Any, number: Any, size: Any) -> Any:
    return rows[number * size : (number + 1) * size]


def _loop(count: Any, body: Any, start: tuple[Any, ...]) -> Any:
    def goes_on(number: Any, *_: Any) -> Any:
        return number < count

    return tf.while_loop(goes_on, body, start, parallel_iterations=1)
