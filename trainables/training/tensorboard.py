"""What TensorBoard shows of a trial: curves, configuration, and the HParams tab.

    tensorboard --logdir runs/<name>/tensorboard

One event folder per trial, named as the trial (`Xception/t07`). Curves have an x-axis in epochs;
the HParams metrics are those of the best epoch, as everywhere else.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from results.ledger.records import EpochRecord, Status, TrialRecord
from search_spaces.backbones import NAMES
from search_spaces.config import TrialConfig, TrialId
from search_spaces.space import DIMENSIONS, Categorical, SearchSpace

_LOG = logging.getLogger(__name__)

_SHOWN = ("backbone", *DIMENSIONS)
_METRICS = {
    "best/validation_accuracy": "validation accuracy",
    "best/validation_loss": "validation loss",
    "best/epoch": "best epoch",
}


class TrialLog:
    """Writes one trial's events; what a killed attempt left behind is removed.

    A log that cannot be written falls silent after one warning: it decides no trial.
    """

    def __init__(self, root: Path, trial: str, config: TrialConfig) -> None:
        self._writer: Any = None
        with self._silenced():
            shutil.rmtree(root / trial, ignore_errors=True)
            self._writer = tf.summary.create_file_writer(str(root / trial))
            self._configuration(trial, config)

    def _configuration(self, trial: str, config: TrialConfig) -> None:
        text = json.dumps(config.to_dict(), indent=2)
        with self._writer.as_default(step=0):
            if not TrialId.parse(trial).repeat:  # no part of the search, so none of its table
                hparams.hparams({name: getattr(config, name) for name in _SHOWN}, trial_id=trial)
            tf.summary.text("configuration", f"```\n{text}\n```")
        self._writer.flush()

    def epoch(self, record: EpochRecord) -> None:
        """Add one point to each curve."""
        with self._silenced(), self._writer.as_default(step=record.epoch):
            for part in ("train", "validation"):
                for figure in ("loss", "accuracy"):
                    tf.summary.scalar(f"{figure}/{part}", getattr(record, f"{part}_{figure}"))
            if record.validation_score is not None:
                tf.summary.scalar("score/validation", record.validation_score)
            tf.summary.scalar("learning_rate", record.learning_rate)
            self._writer.flush()

    def finish(self, record: TrialRecord) -> None:
        """Add the best epoch's validation figures, if there are any, and close.

        Test figures are added to the report's methods alone: see `tensorboard_results`.
        """
        with self._silenced():
            if record.status != Status.FAILED:
                with self._writer.as_default(step=record.best_epoch):
                    tf.summary.scalar("best/validation_accuracy", record.validation_accuracy)
                    tf.summary.scalar("best/validation_loss", record.validation_loss)
                    if record.validation_score is not None:
                        tf.summary.scalar("best/validation_score", record.validation_score)
                    tf.summary.scalar("best/epoch", record.best_epoch)
            self._writer.close()

    @contextmanager
    def _silenced(self) -> Iterator[None]:
        try:
            yield
        except Exception as fault:  # TensorFlow raises many kinds; none of them is the trial's
            _LOG.warning("TensorBoard is not written: %s", fault)
            self._writer = tf.summary.create_noop_writer()


def describe_experiment(root: Path) -> None:
    """Tell the HParams tab once what varies and what is measured; without it, one line in the log.

    Called by the training process of a run's first trial, which has TensorFlow loaded anyway.
    """
    domains = {"backbone": hparams.Discrete(list(NAMES))}
    for dimension in SearchSpace(varied=DIMENSIONS).dimensions(NAMES[0]):
        # Unfreeze points are each backbone's own, and numbers are examples: these stay open.
        choices = dimension.choices if isinstance(dimension, Categorical) else (0,)
        if dimension.name != "unfreeze" and all(isinstance(choice, str) for choice in choices):
            domains[dimension.name] = hparams.Discrete([str(choice) for choice in choices])
    try:
        with tf.summary.create_file_writer(str(root)).as_default(step=0):
            hparams.hparams_config(
                hparams=[hparams.HParam(name, domains.get(name)) for name in _SHOWN],
                metrics=[hparams.Metric(tag, display_name=name) for tag, name in _METRICS.items()],
            )
    except Exception as fault:  # TensorFlow raises many kinds; none of them is the trial's
        _LOG.warning("TensorBoard's HParams tab has no description: %s", fault)
