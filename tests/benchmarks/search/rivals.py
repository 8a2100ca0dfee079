"""What people use today, on the default space: Ray Tune with ASHA and OptunaSearch, and KerasTuner.

    python -m tests.benchmarks.search.rivals ray TASK.json DATASET.h5 EVENTS TRIALS
    python -m tests.benchmarks.search.rivals keras_tuner TASK.json DATASET.h5 EVENTS

Both train the plain Keras script's network on its tf.data pipeline (`plain_ray_keras`). The task's
one point is the baseline, whose epochs, sizes and seed hold for all trials. EVENTS is a file that
gets a line per validated epoch, with the time, and one per trial with its test accuracy, for which
the best epoch's weights are restored.

KerasTuner runs as its documentation has it for several workers: a chief that owns the Hyperband
oracle, and worker processes.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search_spaces.config import TrialConfig
from search_spaces.space import Categorical, SearchSpace
from tests.benchmarks import plain_ray_keras as plain
from tests.benchmarks.task import Task

SPACE = SearchSpace()
_IDENTITY = "KERASTUNER_TUNER_ID"
_CLASSES = 2


def main(words: list[str]) -> None:
    """Run one of the two."""
    name, task_path, *rest = words
    task = Task.read(Path(task_path))
    if name == "ray":
        dataset, events, trials = rest
        ray_sweep(task, dataset, events, int(trials))
    elif _IDENTITY in os.environ:
        keras_tuner_process(task, Path(rest[0]), rest[1], Path(rest[2]))
    else:
        keras_tuner_sweep(words, task.concurrent)


def note(events: str, trial: str, **figures: float) -> None:
    """Add a line; lines of several processes do not mix."""
    line = json.dumps({"time": time.time(), "trial": trial, **figures}) + "\n"
    with Path(events).open("a") as file:
        file.write(line)


def ray_sweep(task: Task, dataset: str, events: str, trials: int) -> None:
    """OptunaSearch and ASHAScheduler with their defaults, over actors that are reused."""
    with plain.ray_instance(task) as results_folder:
        from ray import tune
        from ray.tune.schedulers import ASHAScheduler
        from ray.tune.search.optuna import OptunaSearch

        from sweep.schedule.optuna_trials import distributions

        [base] = task.points.values()
        told = {"metric": "accuracy", "mode": "max"}
        space = distributions(SPACE, base.backbone)
        results = tune.Tuner(
            tune.with_resources(ray_trial(task, dataset, events), {"cpu": task.cpus}),
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(space=space, seed=task.seed, **told),
                scheduler=ASHAScheduler(max_t=base.epochs, **told),
                num_samples=trials,
                max_concurrent_trials=task.concurrent,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(storage_path=str(results_folder), verbose=0),
        ).fit()
        if results.num_errors:
            raise RuntimeError(f"a trial failed: {results.errors[0]}")


def ray_trial(task: Task, dataset: str, events: str) -> type:
    """The trainable: a step is an epoch. A class, since an actor that Ray stops in the middle of a
    function cannot be reused."""
    from ray import tune

    class PlainTrial(tune.Trainable):  # type: ignore[misc]
        def setup(self, config: dict[str, Any]) -> None:
            plain.configure(task)
            self._begin(config)

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            self._begin(new_config)
            return True

        def save_checkpoint(self, checkpoint_dir: str) -> None:
            """Nothing is kept, though Ray asks: it would only cost time."""

        def _begin(self, config: dict[str, Any]) -> None:
            import keras

            keras.backend.clear_session()
            self._trial = PlainFit(point(task, config), task, Path(dataset))

        def step(self) -> dict[str, Any]:
            accuracy = self._trial.epoch()
            note(events, self.trial_id, accuracy=accuracy)
            done = self._trial.epochs == self._trial.config.epochs
            if done:
                note(events, self.trial_id, test=self._trial.test())
            return {"accuracy": accuracy, "done": done}

    return PlainTrial


class PlainFit:
    """A trial of the plain script that is trained epoch by epoch.

    Attributes:
        epochs: that are trained.
    """

    def __init__(self, config: TrialConfig, task: Task, dataset: Path) -> None:
        self.config, self.epochs = config, 0
        self._photos = plain.Photos(config, task, dataset)
        self._train, self._validation = map(self._photos.batches, ("train", "validation"))
        self._model = plain.compiled(config, task, classes=self._photos.classes)
        self._best: tuple[float, list[Any]] = (-1.0, [])

    def epoch(self) -> float:
        """Train one; return its validation accuracy, and keep the best one's weights."""
        history = self._model.fit(
            self._train, validation_data=self._validation, epochs=1, verbose=0
        ).history
        self.epochs += 1
        [accuracy] = history["val_accuracy"]
        if accuracy > self._best[0]:
            self._best = (accuracy, self._model.get_weights())
        return float(accuracy)

    def test(self) -> float:
        """Accuracy of the best epoch's weights on the test photos."""
        self._model.set_weights(self._best[1])
        return self._photos.test_accuracy(self._model)


def point(task: Task, values: Mapping[str, Any]) -> TrialConfig:
    """The baseline with searched values put in."""
    [base] = task.points.values()
    return SPACE.configured(base, values)


def keras_tuner_sweep(words: list[str], workers: int) -> None:
    """Start a chief and its workers; done when these are."""
    folder = tempfile.mkdtemp(prefix="kt-")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        **os.environ,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": f"{port}",
    }
    command = [sys.executable, "-m", "tests.benchmarks.search.rivals", *words, folder]
    names = ["chief", *(f"worker-{number}" for number in range(workers))]
    running = [subprocess.Popen(command, env={**shared, _IDENTITY: name}) for name in names]
    try:
        codes = [one.wait() for one in running[1:]]
    finally:
        for one in running:  # the chief sleeps for up to 20 s after the last trial
            one.kill()
            one.wait()
        shutil.rmtree(folder, ignore_errors=True)
    if any(codes):
        raise RuntimeError(f"a worker of KerasTuner ended with {codes}")


def keras_tuner_process(task: Task, dataset: Path, events: str, folder: Path) -> None:
    """The chief, or one worker: the same script, as KerasTuner wants it."""
    plain.configure(task)

    import keras_tuner

    [base] = task.points.values()

    class HyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
        def build(self, hp: Any) -> Any:
            chosen = point(task, _values(hp, base.backbone))
            return plain.compiled(chosen, task, classes=_CLASSES)

        def fit(self, hp: Any, model: Any, *positional: Any, **named: Any) -> Any:
            chosen = point(task, _values(hp, base.backbone))
            return fitted(model, chosen, task, dataset, events, named)

    tuner = keras_tuner.Hyperband(
        HyperModel(),
        objective=keras_tuner.Objective("val_accuracy", "max"),
        max_epochs=base.epochs,
        seed=task.seed,
        directory=str(folder),
        project_name="live",
        overwrite=os.environ[_IDENTITY] == "chief",
    )
    tuner.search(verbose=0)


def _values(hp: Any, backbone: str) -> dict[str, Any]:
    return {
        one.name: hp.Choice(one.name, [str(choice) for choice in one.choices])
        if isinstance(one, Categorical)
        else hp.Float(one.name, one.low, one.high, sampling="log")
        for one in SPACE.dimensions(backbone)
    }


def fitted(
    model: Any, chosen: TrialConfig, task: Task, dataset: Path, events: str, named: dict[str, Any]
) -> Any:
    """Train by the plain script's pipeline, from and to the epoch that KerasTuner says."""
    import keras

    name = f"{chosen.key}-{named.get('initial_epoch', 0)}"
    photos = plain.Photos(chosen, task, dataset)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=chosen.epochs, restore_best_weights=True
    )
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _, logs: note(events, name, accuracy=logs["val_accuracy"])
    )
    history = model.fit(
        photos.batches("train"),
        validation_data=photos.batches("validation"),
        **{**named, "callbacks": [*named["callbacks"], best, told]},
    )
    note(events, name, test=photos.test_accuracy(model))
    return history


if __name__ == "__main__":
    main(sys.argv[1:])
