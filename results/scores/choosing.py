"""By what validation chooses: each metric of `search_spaces.metrics` as a function of arrays.

The best epoch, the search, early stopping, the best of a backbone, the ensemble and what is
recommended all follow `score`, of which higher is better. Classes without a photo among `labels`
are left out of every mean over classes: nothing can be said of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from results.ledger.arrays import Probabilities
from results.scores.metrics import Labels, Metric, accuracy, cross_entropy
from search_spaces.metrics import signed


def score(metric: str, probabilities: Probabilities, labels: Labels) -> float:
    """What validation chooses by: higher is better.

    Raises:
        ValueError: there are no photos, the arrays do not match, or AUC is asked of one class.
    """
    return signed(metric, CHOICES[metric](probabilities, labels))


def balanced_accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over the classes of recall: the share of a class's photos that are right."""
    _, true, correct = _counts(probabilities, labels)
    return float((correct / true).mean())


def macro_f1(probabilities: Probabilities, labels: Labels) -> float:
    """Mean over the classes of F1: 2 x correct / (photos predicted as it + photos of it)."""
    predicted, true, correct = _counts(probabilities, labels)
    return float((2 * correct / (predicted + true)).mean())


def auc(probabilities: Probabilities, labels: Labels) -> float:
    """Area under the ROC curve: of two classes by the second's probability, of more the mean over
    the classes, each against the rest.

    Raises:
        ValueError: all photos are of one class.
    """
    from scipy.stats import rankdata

    present = np.unique(labels)
    if len(present) < 2:
        raise ValueError("AUC needs photos of at least two classes")
    positives = [1] if probabilities.shape[1] == 2 else present
    ranks = rankdata(probabilities[:, positives], axis=0)  # [n, classes]; ties share their mean
    is_own = labels[:, None] == np.asarray(positives)
    own, others = is_own.sum(axis=0), (~is_own).sum(axis=0)
    # Mann and Whitney's U over its largest value: the share of pairs that are in the right order.
    above = np.where(is_own, ranks, 0.0).sum(axis=0) - own * (own + 1) / 2
    return float((above / (own * others)).mean())


CHOICES: Mapping[str, Metric] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "auc": auc,
    "log_loss": cross_entropy,
}
"""By name: the metric's own value, as it is shown."""


def _counts(probabilities: Probabilities, labels: Labels) -> tuple[NDArray[np.float64], ...]:
    """Per class that occurs in `labels`: photos predicted as it, photos of it, and correct ones."""
    accuracy(probabilities, labels)  # checks the arrays
    answers = probabilities.argmax(axis=1)
    true, predicted, correct = (
        np.bincount(of, minlength=probabilities.shape[1])
        for of in (labels, answers, labels[answers == labels])
    )
    present = true > 0
    return tuple(counts[present].astype(np.float64) for counts in (predicted, true, correct))
