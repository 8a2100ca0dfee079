"""What TensorBoard shows of a trial: curves, configuration, and the HParams tab.

    tensorboard --logdir runs/<name>/tensorboard

One event folder per trial, named as the trial (`Xception/t07`). Curves have an x-axis in epochs;
the HParams metrics are those of the best epoch, as everywhere else.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from results.records import FAILED, EpochRecord, TrialRecord
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
