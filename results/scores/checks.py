"""Whether what a trial's files hold fits the run's photos and the trial's record.

    check_shapes(record, predictions, {"train": (24, 2), "validation": (12, 2)}, folder)

A folder is the trial's; a refusal names it, and says how to train the trial again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from results.ledger.arrays import Probabilities, kept_by_epoch
from results.ledger.records import Predictions, TrialRecord
from results.ledger.remedies import train_again
from results.scores import choosing
from results.scores.metrics import Labels, accuracy
from search_spaces.metrics import ACCURACY, metric_words
from search_spaces.refusals import EnvironmentRefusal

AGREEMENT = 1e-6
"""How far a record's accuracy may lie from that of its predictions: float32's last digits."""


def check_shapes(
    record: TrialRecord,
    predictions: Predictions,
    shapes: Mapping[str, tuple[int, int]],
    folder: Path,
) -> None:
    """Check that predictions are of the run's photos and classes, and of the record's epochs.

    Args:
        shapes: of `train` and `validation`.

    Raises:
        EnvironmentRefusal: they are not.
    """
    for part, shape in shapes.items():
        check_shape(part, getattr(predictions, part), shape, folder)
    by_epoch, shape = predictions.validation_by_epoch, shapes["validation"]
    none_kept = not len(by_epoch) and not kept_by_epoch(record.config.epochs, *shape)
    epochs = 0 if none_kept else len(record.epochs)
    check_shape("validation_by_epoch", by_epoch, (epochs, *shape), folder)


def check_shape(
    name: str, probabilities: Probabilities, shape: tuple[int, ...], folder: Path
) -> None:
    """Check one array of them.

    Raises:
        EnvironmentRefusal: it has another shape.
    """
    if probabilities.shape != shape:
        raise _unusable(
            f"predictions of {name} must have the shape {shape}, got {probabilities.shape}", folder
        )


def check_scores(
    record: TrialRecord, validation: Probabilities, labels: Labels, metric: str, folder: Path
) -> None:
    """Check that a record's accuracy, and its score by the run's metric, are its predictions'.

    Args:
        validation: [n, C].
        labels: [n].

    Raises:
        EnvironmentRefusal: they are not.
    """
    recorded, measured = record.validation_accuracy, accuracy(validation, labels)
    if recorded is None or abs(measured - recorded) > AGREEMENT:
        raise _unusable(
            f"the record says validation accuracy {recorded}, its predictions say {measured:.6f}",
            folder,
        )
    if metric == ACCURACY:
        return
    score = choosing.score(metric, validation, labels)
    if record.validation_score is None or abs(score - record.validation_score) > AGREEMENT:
        raise _unusable(
            f"the record says score {record.validation_score} by {metric_words(metric)}, "
            f"its predictions say {score:.6f}",
            folder,
        )


def _unusable(what: str, folder: Path) -> EnvironmentRefusal:
    return EnvironmentRefusal(what, where=str(folder), fix=train_again(folder))
