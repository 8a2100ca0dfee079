"""Numbers of one classifier and of two, as pure functions of arrays.

N photos, C classes. Probabilities are [N, C], rows sum to 1; labels are [N] whole numbers below C.
A metric is a function of probabilities and labels. scikit-learn and scipy are loaded when they are
needed, so that training never loads them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from results.ledger.arrays import Probabilities

LEVEL = 0.95
SMALLEST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""The floor inside the cross-entropy, 1.2e-38: a softmax in float32 can underflow to 0, and only
that must not become an infinite loss. Keras' floor of 1e-7 is for its own losses of probabilities;
training computes the loss from logits and has no floor at all."""

Labels = NDArray[np.int64]
"""[N] int64, indices into the class names."""

Correct = NDArray[np.bool_]
"""[N] bool, True where the most probable class is the true one."""

Metric = Callable[[Probabilities, Labels], float]


class Outcome(StrEnum):
    """How a measured accuracy lies to a published one.

    Above and below: the 95 % interval of the difference, measured minus published, excludes 0.
    """

    ABOVE = "above"
    BELOW = "below"
    NOT_TOLD_APART = "not told apart"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class Interval:
    """Where a proportion (0..1) or a difference of two (-1..1) lies at 95 % confidence."""

    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """A measured accuracy held against a published one.

    Attributes:
        reason: in words.
        difference: measured minus published; None where they are not comparable.
    """

    outcome: Outcome
    reason: str
    difference: Interval | None = None


@dataclass(frozen=True)
class ClassScores:
    """A row of a classification report; fractions, higher is better, 0 where undefined."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Report:
    """A classification report (the paper's Tables 5 to 10 and 12), unrounded.

    Attributes:
        classes: one row per class, by label.
        accuracy: fraction of photos.
        macro, weighted: mean over the classes that have photos, plain and by support.
    """

    classes: tuple[ClassScores, ...]
    accuracy: float
    macro: ClassScores
    weighted: ClassScores


@dataclass(frozen=True)
class McNemar:
    """Two classifiers on the same photos (McNemar 1947).

    Attributes:
        first_only, second_only: photos that only the first, only the second has right.
        p: exact two-sided p-value of "both err equally often".
    """

    first_only: int
    second_only: int
    p: float


def right(probabilities: Probabilities, labels: Labels) -> Correct:
    """Where the most probable class is the true one: [N] bool; a tie goes to the lower label."""
    _matching(probabilities, labels)
    return np.asarray(probabilities.argmax(axis=1) == labels, dtype=np.bool_)


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Fraction of photos whose most probable class is the true one.

    Raises:
        ValueError: there are no photos, or the arrays do not match.
    """
    correct = right(probabilities, labels)
    return int(correct.sum()) / len(correct)


def cross_entropy(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of -log of the true class's probability, in nats; lower is better.

    Raises:
        ValueError: there are no photos, or the arrays do not match.
    """
    _matching(probabilities, labels)
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(true, SMALLEST_PROBABILITY, 1.0)).mean())


def confusion(predicted: Labels, labels: Labels, *, classes: int) -> tuple[tuple[int, ...], ...]:
    """Counts [C][C]: row the true class, column the predicted one."""
    from sklearn.metrics import confusion_matrix

    matrix = confusion_matrix(labels, predicted, labels=np.arange(classes))
    return tuple(tuple(int(count) for count in row) for row in matrix)


def classification_report(predicted: Labels, labels: Labels, *, names: Sequence[str]) -> Report:
    """Precision, recall and F1 per class and on average.

    Args:
        predicted, labels: [N] indices into `names`.
        names: [C] class names, which need not all occur.

    Raises:
        ValueError: there are no photos.
    """
    from sklearn.metrics import precision_recall_fscore_support as scores

    if len(labels) == 0:
        raise ValueError("a report needs at least one photo")

    def average(kind: str) -> ClassScores:
        # A class without photos would count as 0, and nothing can be said of it.
        precision, recall, f1, _ = scores(
            labels, predicted, labels=np.unique(labels), average=kind, zero_division=0.0
        )
        return _row(kind, precision, recall, f1, len(labels))

    rows = scores(labels, predicted, labels=np.arange(len(names)), zero_division=0.0)
    return Report(
        classes=tuple(_row(*row) for row in zip(names, *rows, strict=True)),
        accuracy=int((predicted == labels).sum()) / len(labels),
        macro=average("macro"),
        weighted=average("weighted"),
    )


def wilson(correct: int, photos: int) -> Interval:
    """The 95 % score interval of a proportion (Wilson 1927), without continuity correction.

    Raises:
        ValueError: `0 <= correct <= photos` and `photos >= 1` do not hold.
    """
    from scipy.stats import binomtest

    if not 0 <= correct <= photos or photos < 1:
        raise ValueError(f"0 <= correct <= photos must hold, photos >= 1; got {correct}, {photos}")
    ends = binomtest(correct, photos).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Interval(low=float(ends.low), high=float(ends.high))


def newcombe(first: int, first_photos: int, second: int, second_photos: int) -> Interval:
    """The 95 % interval of a difference of two independent proportions, first minus second.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10), without
    continuity correction: it joins the Wilson intervals of both.

    Args:
        first, second: how many answers are right, and of how many photos.

    Raises:
        ValueError: as `wilson`.
    """
    one, other = wilson(first, first_photos), wilson(second, second_photos)
    share, other_share = first / first_photos, second / second_photos
    difference = share - other_share
    return Interval(
        low=difference - math.hypot(share - one.low, other.high - other_share),
        high=difference + math.hypot(one.high - share, other_share - other.low),
    )


def mcnemar(first: Correct, second: Correct) -> McNemar:
    """The exact test on two classifiers' right answers to the same photos, [N] bool each.

    Raises:
        ValueError: the arrays have different lengths.
    """
    if first.shape != second.shape:
        raise ValueError(f"the same photos are needed, got {first.shape} and {second.shape}")
    first_only = int((first & ~second).sum())
    second_only = int((second & ~first).sum())
    return McNemar(first_only, second_only, mcnemar_p(first_only, second_only))


def mcnemar_p(first_only: int, second_only: int) -> float:
    """Two-sided exact binomial p-value at one half of the discordant counts; 1 without any."""
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0


def verdict(
    *,
    correct: int,
    photos: int,
    published_correct: int,
    published_photos: int,
    doubts: Sequence[str] = (),
) -> Verdict:
    """Hold a measured count against a published one, of other photos.

    Args:
        doubts: reasons why the two cannot be compared; with any, they are not.
    """
    if doubts:
        return Verdict(Outcome.NOT_COMPARABLE, "; ".join(doubts))
    difference = newcombe(correct, photos, published_correct, published_photos)
    outcome, zero = Outcome.NOT_TOLD_APART, "holds 0"
    if difference.low > 0:
        outcome, zero = Outcome.ABOVE, "lies above 0"
    elif difference.high < 0:
        outcome, zero = Outcome.BELOW, "lies below 0"
    published = f"the published {published_correct} of {published_photos}"
    return Verdict(
        outcome, f"the 95 % interval of the difference from {published} {zero}", difference
    )


METRICS: Mapping[str, Metric] = {}
"""What a method is scored by besides accuracy, loss and report: a function and its name here, and a
column of `method.scores.more.test_NAME` where it is to be shown."""


def _row(name: str, precision: float, recall: float, f1: float, support: int) -> ClassScores:
    return ClassScores(name, float(precision), float(recall), float(f1), int(support))


def _matching(probabilities: Probabilities, labels: Labels) -> None:
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or len(labels) == 0:
        raise ValueError(
            f"probabilities [N, C] and labels [N] with N >= 1 are needed, "
            f"got {probabilities.shape} and {labels.shape}"
        )
