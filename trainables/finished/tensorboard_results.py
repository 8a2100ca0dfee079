"""What TensorBoard shows of a finished run: confusion matrices, mistakes, the ensemble as a run.

The numbers are the report's, read from its `summary.json`.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails
from results.scores.method_types import EnsembleSummary
from results.scores.summary import read_summary
from results.scores.types import Mistake

_MISTAKES = 8
_CELL_PIXELS = 40
_MOST_PIXELS = 1200
"""Of a confusion matrix's side: a thousand classes of 40 pixels each would take gigabytes."""
_SUFFIX = ".results"


def draw_results(folder: RunFolder) -> None:
    """Add what the report found: the ensemble as a run of its own, and confusion matrices."""
    summary = read_summary(folder)
    classes = summary.data.classes
    small = read_thumbnails(folder)
    worst = summary.mistakes.winners
    for events in folder.tensorboard.rglob(f"*{_SUFFIX}"):
        events.unlink()
    for method in (backbone.best for backbone in summary.backbones):
        if method is None or method.scores is None:
            continue
        trial = method.trial
        target = str(folder.tensorboard / trial)
        with tf.summary.create_file_writer(target, filename_suffix=_SUFFIX).as_default():
            image = confusion_image(method.scores.confusion)
            _draw_confusion(image, classes, step=method.best_epoch)
            tf.summary.scalar("best/test_accuracy", method.test_accuracy, method.best_epoch)
            _draw_mistakes(worst.get(trial, ()), small, step=method.best_epoch)
    if summary.ensemble is not None:
        _draw_ensemble(folder, summary.ensemble, classes)


def _draw_ensemble(folder: RunFolder, ensemble: EnsembleSummary, classes: Sequence[str]) -> None:
    target = folder.tensorboard / "ensemble"
    shutil.rmtree(target, ignore_errors=True)
    with tf.summary.create_file_writer(str(target)).as_default(step=0):
        tf.summary.text("members", "\n".join(f"- {trial}" for trial in ensemble.members))
        for epoch in ensemble.history:
            for figure in ("loss", "accuracy"):
                value = getattr(epoch, f"validation_{figure}")
                tf.summary.scalar(f"{figure}/validation", value, step=epoch.epoch)
        for part in ("train", "validation", "test"):
            tf.summary.scalar(f"best/{part}_accuracy", getattr(ensemble, f"{part}_accuracy"))
        _draw_confusion(confusion_image(ensemble.scores.confusion), classes, step=0)


def _draw_confusion(image: NDArray[np.uint8], classes: Sequence[str], *, step: int | None) -> None:
    legend = ", ".join(f"{label} {name}" for label, name in enumerate(classes))
    text = f"Test photos: rows are the true class, columns the predicted one. {legend}"
    tf.summary.image("confusion matrix", image[None], step=step, description=text)


def _draw_mistakes(
    worst: Sequence[Mistake], small: dict[int, NDArray[np.uint8]], *, step: int | None
) -> None:
    shown = [mistake for mistake in worst if mistake.photo in small][:_MISTAKES]
    if shown:
        text = "; ".join(
            f"{mistake.file}: {mistake.true}, taken for {mistake.predicted} "
            f"at {100 * mistake.probability:.0f} %"
            for mistake in shown
        )
        images = np.stack([small[mistake.photo] for mistake in shown])
        tf.summary.image(
            "worst mistakes", images, step=step, max_outputs=_MISTAKES, description=text
        )


def confusion_image(confusion: Sequence[Sequence[int]]) -> NDArray[np.uint8]:
    """A confusion matrix as a picture, darker for a larger share of the true class.

    Args:
        confusion: [true][predicted] counts.

    Returns:
        [S, S, 3] uint8, S a multiple of the classes and, up to that many, at most `_MOST_PIXELS`.
    """
    counts = np.asarray(confusion, np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    light, dark = np.array([247.0, 251.0, 255.0]), np.array([8.0, 48.0, 107.0])
    colours = light + shares[..., None] * (dark - light)
    cell = max(1, min(_CELL_PIXELS, _MOST_PIXELS // len(counts)))
    return np.kron(colours.astype(np.uint8), np.ones((cell, cell, 1), np.uint8))
