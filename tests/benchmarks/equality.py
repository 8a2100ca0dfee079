"""Cached training against recomputed training and Keras' own, one process per backbone (G0).

    python -m tests.benchmarks.equality NAME SPEC.json OUT.json

Recomputed is ours with a feature store without room. Keras' side is the plain script's network and
its `fit`, one batch a call, in the order in which ours reads the photos, with Dropout masks seeded
as ours; 96 + 32 + 32 photos make whole batches of 32, so that the last bit may be asked for. What
decides last bits besides is the same on both sides:

    photos     are scaled in the network. Scaled before it, as in the plain script, they are the
               same numbers, but TensorFlow joins the scaling with EfficientNetB0's own.
    batches    come from tf.data and have no fixed size. `train_on_batch` traces for 32 photos, and
               TensorFlow then multiplies by 1/288 where it divides by 288 if it does not know.

A difference in the last bit grows from step to step, because batch statistics of random networks
amplify it; how fast is told by Keras against itself, on photos whose last bit is moved up or down
at random. A common factor would be no measure: batch normalization takes it out again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.probes import Spec, main, point, training_data
from tests.benchmarks.task import Task

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def equality(spec: Spec) -> dict[str, float]:
    """Relative differences of losses: over all epochs of ours `recomputed`, to `keras` and to Keras
    with photos scaled `outside` the network; `first`: to Keras of the first step, before any
    update; `control`: of Keras against itself."""
    from trainables.training.train import train

    config = point(spec)
    data = training_data(spec, "features", (config.unfreeze,))
    ours = train(config, data, lambda _: None)
    roomless = training_data(spec, "no-features", (config.unfreeze,), room=0)
    again = train(config, roomless, lambda _: None)
    mine = [one.train_loss for one in ours.epochs]
    theirs, first = _keras_losses(config, data, spec)
    outside, _ = _keras_losses(config, data, spec, before=lambda photos: photos)
    control, _ = _keras_losses(config, data, spec, before=_last_bits_moved(spec["seed"]))
    return {
        "recomputed": _apart(mine, [one.train_loss for one in again.epochs]),
        "first": _apart([_first_loss(config, data)], [first]),
        "keras": _apart(mine, theirs),
        "outside": _apart(mine, outside),
        "control": _apart(outside, control),
    }


def _last_bits_moved(seed: int) -> Change:
    """Every number to its next one, up or down at random."""
    rng = np.random.default_rng(seed)

    def moved(photos: NDArray[np.float32]) -> NDArray[np.float32]:
        towards = np.where(rng.random(photos.shape) < 0.5, -np.inf, np.inf)
        return np.nextafter(photos, towards.astype(np.float32))

    return moved


def _apart(some: Sequence[float], others: Sequence[float]) -> float:
    return max(abs(one - other) / abs(other) for one, other in zip(some, others, strict=True))


def _first_loss(config: Any, data: Any) -> float:
    """The loss of our first batch, of a network that is set up as `train` does it."""
    from trainables.features.fill import frozen_inputs
    from trainables.training.network_cache import NetworkCache

    networks = NetworkCache()
    full = networks.full_network(config, data)
    cut = full.cut(config.unfreeze)
    inputs = frozen_inputs(full, cut, data, config.scaling_kind)
    network = networks.network(full, cut, inputs.format, jit_compile=data.jit_compile)
    network.reset(optimizer=config.optimizer, learning_rate=config.learning_rate, seed=config.seed)
    rows = data.split.indices("train")
    batch = rows[_order(config, len(rows), epoch=1)[: config.batch_size]]
    loss, _ = network.step([array[batch] for array in inputs.arrays], data.split.labels[batch])
    return loss


def _order(config: Any, rows: int, *, epoch: int) -> Any:
    return np.random.default_rng((config.seed, epoch)).permutation(rows)


def _keras_losses(
    config: Any, data: Any, spec: Spec, *, before: Change | None = None
) -> tuple[list[float], float]:
    """Per epoch the mean loss of Keras' own training, and the loss of its first step.

    Args:
        before: scale the photos before the network, then change them so; None scales inside.
    """
    model = _plain_model(config, data, spec, scaling_inside=before is None)
    steps = [_epoch(model, config, data, epoch, before) for epoch in range(1, config.epochs + 1)]
    return [sum(one) / len(one) for one in steps], steps[0][0]


def _plain_model(config: Any, data: Any, spec: Spec, *, scaling_inside: bool) -> Any:
    import keras

    from tests.benchmarks import plain_ray_keras as plain
    from trainables.networks.scaling import scaled

    task = Task({}, "random", spec["seed"], 1, 1, False, "", "")
    model = plain.build(config, classes=data.classes, task=task)
    for node, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([config.seed + node, 0])
    if scaling_inside:
        photos = keras.Input(model.input.shape[1:], dtype="uint8")
        model = keras.Model(photos, model(scaled(photos, "unit")))
    model.compile(
        optimizer=plain.optimizer(config),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _epoch(model: Any, config: Any, data: Any, epoch: int, before: Change | None) -> list[float]:
    """The losses of the steps of one epoch; all batches are whole."""
    import tensorflow as tf

    from trainables.networks.scaling import scaled

    rows = data.split.indices("train")
    order, losses = _order(config, len(rows), epoch=epoch), []
    for start in range(0, len(order), config.batch_size):
        batch = rows[order[start : start + config.batch_size]]
        photos = data.photos[batch]
        if before is not None:
            photos = before(np.asarray(scaled(photos, "unit")))
        read = tf.data.Dataset.from_tensor_slices((photos, data.split.labels[batch]))
        # A `fit` of one batch, whose mean loss is that batch's.
        told = model.fit(read.batch(config.batch_size), verbose=0).history
        losses.append(float(told["loss"][0]))
    return losses


if __name__ == "__main__":
    main(sys.argv[1:], {"equality": equality})
