"""The opponent: the script that Ray Tune's and Keras' documentation lead to, written with care.

    python -m tests.benchmarks.plain_ray_keras LIST.json DATASET.h5 OUT.json

Every trial is a Ray Tune function trainable in a process of its own, Ray's default. It imports
TensorFlow, builds `keras.applications.X` with the paper's head, sets `layer.trainable = False` for
the frozen part, compiles, and calls `model.fit` over a tf.data pipeline: photos that are decoded
already, shuffled, batched, scaled in parallel, prefetched. It validates every epoch, keeps the best
epoch's weights in memory (`EarlyStopping` with `restore_best_weights` and endless patience), and
predicts the test photos once. No checkpoints, no loggers, no TensorBoard, no debugging.

Frozen Dropout is switched off: the trials are ours, and in them what is frozen is deterministic.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from results.ledger.files import write_json
from search_spaces import heads
from search_spaces.backbones import HEAD, backbone_named
from search_spaces.config import TrialConfig
from search_spaces.heads import HeadLayer
from tests.benchmarks.task import Task


def main(words: list[str]) -> None:
    """Train a list of trials and write what came out of each."""
    task_path, dataset, out = (Path(word).absolute() for word in words)
    write_json(out, {"trials": sweep(Task.read(task_path), dataset)})


@contextmanager
def ray_instance(task: Task) -> Iterator[Path]:
    """Ray of a sweep's size for the time of the block, and a folder for its results."""
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", TUNE_DISABLE_AUTO_CALLBACK_LOGGERS="1")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")

    import ray

    temporary = Path(tempfile.mkdtemp(prefix="rays-"))
    try:
        ray.init(
            num_cpus=task.concurrent * task.cpus,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=str(temporary),
        )
        yield temporary / "results"
    finally:
        ray.shutdown()
        shutil.rmtree(temporary, ignore_errors=True)


def sweep(task: Task, dataset: Path) -> dict[str, dict[str, Any]]:
    """Run the trials by Ray Tune; return each one's last report."""
    with ray_instance(task) as results_folder:
        from ray import tune

        trainable = tune.with_parameters(trial, task=task, dataset=str(dataset))
        results = tune.Tuner(
            tune.with_resources(trainable, {"cpu": task.cpus}),
            param_space={"name": tune.grid_search(list(task.points))},
            tune_config=tune.TuneConfig(max_concurrent_trials=task.concurrent),
            run_config=tune.RunConfig(storage_path=str(results_folder), verbose=0),
        ).fit()
        if results.num_errors:
            raise RuntimeError(f"a plain trial failed: {results.errors[0]}")
        return {one.config["name"]: one.metrics["outcome"] for one in results}


def trial(config: dict[str, Any], *, task: Task, dataset: str) -> None:
    """The body of one trial; reports every epoch's validation accuracy, and the outcome last."""
    started = time.perf_counter()

    from ray import tune

    outcome = train(
        task.points[config["name"]],
        task,
        Path(dataset),
        lambda accuracy: tune.report({"validation_accuracy": accuracy}),
        started,
    )
    tune.report({"validation_accuracy": max(outcome["accuracies"]), "outcome": outcome})


def configure(task: Task) -> None:
    """Threads of a trial, on the processor alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    import tensorflow as tf

    # Threads between operations are left to TensorFlow, so that prefetching has one.
    tf.config.threading.set_intra_op_parallelism_threads(task.cpus)
    tf.config.set_visible_devices([], "GPU")


class Photos:
    """A trial's decoded photos, divided by the task's seed.

    Attributes:
        classes: how many there are.
    """

    def __init__(self, point: TrialConfig, task: Task, dataset: Path) -> None:
        from trainables.photos.dataset import open_dataset
        from trainables.photos.splits import split

        self._point, self._data = point, open_dataset(dataset)
        self._split = split(self._data, seed=task.seed)
        self.classes = len(self._data.record.classes)

    def batches(self, part: str) -> Any:
        """The photos of `train`, `validation` or `test` as a network reads them."""
        data, rows = self._data, self._split.indices(part)
        return batches(data.photos(), data.labels, rows, self._point, shuffled=part == "train")

    def test_accuracy(self, model: Any) -> float:
        """Share of the test photos that a model names right."""
        answers = model.predict(self.batches("test"), verbose=0).argmax(axis=1)
        return float((answers == self._data.labels[self._split.indices("test")]).mean())


def compiled(point: TrialConfig, task: Task, *, classes: int) -> Any:
    """A point's network, ready to train."""
    import keras

    model = build(point, classes=classes, task=task)
    model.compile(
        optimizer=optimizer(point),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def train(point: TrialConfig, task: Task, dataset: Path, report: Any, started: float) -> Any:
    """Train one point; return its figures and where its seconds went."""
    configure(task)

    import keras

    imported = time.perf_counter()
    photos = Photos(point, task, dataset)
    model = compiled(point, task, classes=photos.classes)
    built = time.perf_counter()
    ends: list[float] = []
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=point.epochs, restore_best_weights=True
    )

    def epoch_ended(_: int, logs: dict[str, float]) -> None:
        ends.append(time.perf_counter())
        report(logs["val_accuracy"])

    told = keras.callbacks.LambdaCallback(on_epoch_end=epoch_ended)
    history = model.fit(
        photos.batches("train"),
        validation_data=photos.batches("validation"),
        epochs=point.epochs,
        callbacks=[best, told],
        verbose=0,
    ).history
    fitted = time.perf_counter()
    test_accuracy = photos.test_accuracy(model)
    return {
        "accuracies": [float(one) for one in history["val_accuracy"]],
        "losses": [float(one) for one in history["loss"]],
        "test_accuracy": test_accuracy,
        "import": imported - started,
        "build": built - imported,
        "epochs": [end - start for start, end in zip([built, *ends], ends, strict=False)],
        "test": time.perf_counter() - fitted,
        "total": time.perf_counter() - started,
    }


def build(point: TrialConfig, *, classes: int, task: Task) -> Any:
    """The backbone with the paper's head, frozen before the unfreeze point; seeds as in ours."""
    import keras

    from trainables.networks.backbones import random_backbone

    entry = backbone_named(point.backbone)
    keras.utils.set_random_seed(task.seed)
    shape = (point.image_size, point.image_size, 3)
    make = getattr(keras.applications, entry.name)
    base = make(include_top=False, weights=None, input_shape=shape)
    if task.weights == "random":
        base.set_weights(random_backbone(entry, task.seed).get_weights())
    else:
        base.load_weights(Path(task.weights) / f"{entry.name.lower()}_notop.weights.h5")
    frozen = base.layers
    if point.unfreeze != HEAD:
        frozen = base.layers[: [one.name for one in base.layers].index(point.unfreeze)]
    for layer in frozen:
        layer.trainable = False
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    tensor = base.output
    for offset, layer in enumerate(entry.head):
        tensor = head_layer(layer, seed=point.seed + offset)(tensor)
    first = keras.initializers.GlorotUniform(seed=point.seed + len(entry.head))
    logits = keras.layers.Dense(classes, kernel_initializer=first)(tensor)
    return keras.Model(base.input, logits)


def head_layer(layer: HeadLayer, *, seed: int) -> Any:
    """The Keras layer for a layer of the catalogue's heads, with a seed of its own."""
    from keras import initializers, layers

    match layer:
        case heads.GlobalAveragePooling():
            return layers.GlobalAveragePooling2D()
        case heads.Flatten():
            return layers.Flatten()
        case heads.BatchNormalization():
            return layers.BatchNormalization()
        case heads.Dropout(rate):
            return layers.Dropout(rate, seed=seed)
        case heads.Dense(units):
            first = initializers.GlorotUniform(seed=seed)
            return layers.Dense(units, activation="relu", kernel_initializer=first)


def optimizer(point: TrialConfig) -> Any:
    """Keras' own defaults at the point's rate; `sgd` with Nesterov momentum, as in ours."""
    from keras import optimizers

    rate = point.learning_rate
    if point.optimizer == "sgd":
        return optimizers.SGD(rate, momentum=0.9, nesterov=True)
    classes = {"adam": optimizers.Adam, "adagrad": optimizers.Adagrad}
    return classes.get(point.optimizer, optimizers.RMSprop)(rate)


def batches(photos: Any, labels: Any, rows: Any, point: TrialConfig, *, shuffled: bool) -> Any:
    """[n, S, S, 3] scaled photos and [n] labels, batch by batch, prepared ahead of the network."""
    import tensorflow as tf

    from trainables.networks.scaling import scaled

    kind = point.scaling_kind
    data = tf.data.Dataset.from_tensor_slices((photos[rows], labels[rows]))
    if shuffled:
        data = data.shuffle(len(rows), seed=point.seed)
    return (
        data.batch(point.batch_size)
        .map(lambda pixels, label: (scaled(pixels, kind), label), tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
