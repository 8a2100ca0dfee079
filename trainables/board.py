"""What TensorBoard shows of a trial: curves, configuration, and the HParams tab.

    tensorboard --logdir runs/<name>/tensorboard

One event folder per trial, named as the trial (`Xception/t07`). Curves have an x-axis in epochs;
the HParams metrics are those of the best epoch, as everywhere else.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorboard.plugins.hparams import api as hparams

from results.records import FAILED, EpochRecord, TrialRecord
from results.store import RunFolder
from search_spaces.backbones import NAMES, SCALINGS
from search_spaces.config import OPTIMIZERS, TrialConfig

_SHOWN = ("backbone", "unfreeze", "scaling", "optimizer", "learning_rate", "batch_size")
_METRICS = {
    "best/validation_accuracy": "validation accuracy",
    "best/validation_loss": "validation loss",
    "best/test_accuracy": "test accuracy",
    "best/epoch": "best epoch",
}


class TrialBoard:
    """Writes one trial's events; what a killed attempt left behind is removed."""

    def __init__(self, root: Path, trial: str, config: TrialConfig) -> None:
        folder = root / trial
        shutil.rmtree(folder, ignore_errors=True)
        self._writer = tf.summary.create_file_writer(str(folder))
        with self._writer.as_default(step=0):
            values = {name: getattr(config, name) for name in _SHOWN}
            hparams.hparams(values, trial_id=trial)
            tf.summary.text("configuration", f"```\n{json.dumps(config.to_dict(), indent=2)}\n```")
        self._writer.flush()

    def epoch(self, record: EpochRecord) -> None:
        """Add one point to each curve."""
        with self._writer.as_default(step=record.epoch):
            for part in ("train", "validation"):
                for figure in ("loss", "accuracy"):
                    tf.summary.scalar(f"{figure}/{part}", getattr(record, f"{part}_{figure}"))
            tf.summary.scalar("learning_rate", record.learning_rate)
        self._writer.flush()

    def finish(self, record: TrialRecord) -> None:
        """Add the best epoch's figures, if there are any, and close."""
        if record.status != FAILED:
            values = (
                record.validation_accuracy,
                record.validation_loss,
                record.test_accuracy,
                record.best_epoch,
            )
            with self._writer.as_default(step=record.best_epoch):
                for name, value in zip(_METRICS, values, strict=True):
                    tf.summary.scalar(name, value)
        self._writer.close()


def describe_experiment(root: Path) -> None:
    """Tell the HParams tab once what varies and what is measured."""
    domains = {
        "backbone": hparams.Discrete(list(NAMES)),
        "scaling": hparams.Discrete(list(SCALINGS)),
        "optimizer": hparams.Discrete(list(OPTIMIZERS)),
    }
    with tf.summary.create_file_writer(str(root)).as_default(step=0):
        hparams.hparams_config(
            hparams=[hparams.HParam(name, domains.get(name)) for name in _SHOWN],
            metrics=[hparams.Metric(tag, display_name=name) for tag, name in _METRICS.items()],
        )


def draw_results(folder: RunFolder) -> None:
    """Add what the report found: the ensemble as a run of its own, and confusion matrices."""
    summary = folder.read_summary()
    classes = summary["data"]["classes"]
    best = {one["best"]["trial"]: one["best"] for one in summary["backbones"] if one["best"]}
    for trial, method in best.items():
        with tf.summary.create_file_writer(str(folder.tensorboard / trial)).as_default():
            image = confusion_image(method["scores"]["confusion"])
            _draw_confusion(image, classes, step=method["best_epoch"])
    if summary["ensemble"]:
        _draw_ensemble(folder, summary["ensemble"], classes)


def _draw_ensemble(folder: RunFolder, ensemble: dict[str, Any], classes: list[str]) -> None:
    target = folder.tensorboard / "ensemble"
    shutil.rmtree(target, ignore_errors=True)
    with tf.summary.create_file_writer(str(target)).as_default(step=0):
        tf.summary.text("members", "\n".join(f"- {one}" for one in ensemble["members"]))
        for epoch in ensemble["history"]:
            for part in ("train", "validation"):
                for figure in ("loss", "accuracy"):
                    value = epoch[f"{part}_{figure}"]
                    tf.summary.scalar(f"{figure}/{part}", value, step=epoch["epoch"])
        for part in ("validation", "test"):
            tf.summary.scalar(f"best/{part}_accuracy", ensemble[f"{part}_accuracy"])
        _draw_confusion(confusion_image(ensemble["scores"]["confusion"]), classes, step=0)


def _draw_confusion(image: NDArray[np.uint8], classes: list[str], *, step: int) -> None:
    legend = ", ".join(f"{label} {name}" for label, name in enumerate(classes))
    text = f"Test photos: rows are the true class, columns the predicted one. {legend}"
    tf.summary.image("confusion matrix", image[None], step=step, description=text)


def confusion_image(confusion: list[list[int]], *, cell: int = 40) -> NDArray[np.uint8]:
    """A confusion matrix as a picture, darker for a larger share of the true class.

    Args:
        confusion: [true][predicted] counts.
        cell: pixels per side of one cell.

    Returns:
        [C * cell, C * cell, 3] uint8.
    """
    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    light, dark = np.array([247.0, 251.0, 255.0]), np.array([8.0, 48.0, 107.0])
    colours = light + shares[..., None] * (dark - light)
    return np.kron(colours, np.ones((cell, cell, 1))).astype(np.uint8)
