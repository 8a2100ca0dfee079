"""Cached training against recomputed training and Keras' own, one process per backbone (G0).

    python -m tests.benchmarks.equality NAME SPEC.json OUT.json

Recomputed is ours with a feature store without room. Keras' side is the plain script's model and
its `train_on_batch` on photos in the order in which ours reads them, with Dropout masks seeded as
ours; 96 + 32 + 32 photos make whole batches of 32, so that the last bit may be asked for. A
difference in the last bit grows from step to step; how fast is told by Keras against itself, on
photos that are a millionth brighter.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.benchmarks.probes import Spec, main, point, training_data
from tests.benchmarks.task import Task


def equality(spec: Spec) -> dict[str, float]:
    """Relative differences of losses: `recomputed` and `keras` over all epochs; `first`: of the
    first step, before any update; `control`: of Keras against itself."""
    from trainables.train import train

    config = point(spec)
    data = training_data(spec, "features", (config.unfreeze,))
    ours = train(config, data, lambda _: None)
    roomless = training_data(spec, "no-features", (config.unfreeze,), room=0)
    again = train(config, roomless, lambda _: None)
    mine = [one.train_loss for one in ours.epochs]
    theirs, first = _keras_losses(config, data, spec, brighter=1.0)
    control, _ = _keras_losses(config, data, spec, brighter=1.000001)
    return {
        "recomputed": _apart(mine, [one.train_loss for one in again.epochs]),
        "first": _apart([_first_loss(config, data, ours)], [first]),
        "keras": _apart(mine, theirs),
        "control": _apart(theirs, control),
    }


def _apart(some: Sequence[float], others: Sequence[float]) -> float:
    return max(abs(one - other) / abs(other) for one, other in zip(some, others, strict=True))


def _first_loss(config: Any, data: Any, result: Any) -> float:
    """The loss of our first batch, from the probabilities that training saw before its update."""
    labels = data.split.labels[data.split.indices("train")]
    places = _order(config, len(labels), epoch=1)[: config.batch_size]
    seen = result.predictions.train_by_epoch[0][places, labels[places]]
    return float(-np.log(seen.astype(np.float64)).mean())


def _order(config: Any, rows: int, *, epoch: int) -> Any:
    return np.random.default_rng((config.seed, epoch)).permutation(rows)


def _keras_losses(
    config: Any, data: Any, spec: Spec, *, brighter: float
) -> tuple[list[float], float]:
    """Per epoch the mean loss of Keras' own training, and the loss of its first step."""
    model = _plain_model(config, data, spec)
    steps = [_epoch(model, config, data, epoch, brighter) for epoch in range(1, config.epochs + 1)]
    return [sum(one) / len(one) for one in steps], steps[0][0]


def _plain_model(config: Any, data: Any, spec: Spec) -> Any:
    import keras

    from tests.benchmarks import plain_ray_keras as plain

    task = Task({}, "random", spec["seed"], 1, 1, False, "", "")
    model = plain.build(config, classes=data.classes, task=task)
    for node, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([config.seed + node, 0])
    model.compile(
        optimizer=plain.optimizer(config),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def _epoch(model: Any, config: Any, data: Any, epoch: int, brighter: float) -> list[float]:
    """The losses of the steps of one epoch; all batches are whole."""
    from trainables.scaling import scaled

    rows = data.split.indices("train")
    order, losses = _order(config, len(rows), epoch=epoch), []
    for start in range(0, len(order), config.batch_size):
        batch = rows[order[start : start + config.batch_size]]
        model.reset_metrics()  # else the loss is a running mean in float32
        photos = scaled(data.photos[batch], "unit") * brighter
        losses.append(float(model.train_on_batch(photos, data.split.labels[batch])))
    return losses


if __name__ == "__main__":
    main(sys.argv[1:], {"equality": equality})
