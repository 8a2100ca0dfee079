"""Golden numbers: Wilson and McNemar against published examples, and the paper's own counts."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.scores import choosing, metrics
from results.scores.metrics import Outcome
from search_spaces import paper
from tests.results.helpers import counted

NAMES = tuple(paper.PUBLISHED)


def paper_labels(name: str) -> metrics.Labels:
    supports = [row.support for row in paper.PUBLISHED[name].classes]
    return np.repeat(np.arange(2, dtype=np.int64), supports)


@pytest.mark.parametrize(("correct", "photos"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_counts_that_are_no_proportion(correct: int, photos: int) -> None:
    with pytest.raises(ValueError, match="must hold"):
        metrics.wilson(correct, photos)


@pytest.mark.parametrize("shape", [(0, 2), (3, 2), (4,)])
def test_scores_refuse_arrays_that_do_not_match(shape: tuple[int, ...]) -> None:
    labels = np.zeros(0 if shape[0] == 0 else 4, dtype=np.int64)
    for score in (metrics.accuracy, metrics.cross_entropy):
        with pytest.raises(ValueError, match="are needed"):
            score(np.ones(shape, dtype=np.float32), labels)


def test_a_report_of_no_photos_is_refused() -> None:
    none = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="at least one photo"):
        metrics.classification_report(none, none, names=("cat", "dog"))


def test_mcnemar_refuses_answers_to_different_photos() -> None:
    with pytest.raises(ValueError, match="same photos"):
        metrics.mcnemar(np.ones(3, dtype=bool), np.ones(4, dtype=bool))


@pytest.mark.parametrize(
    ("correct", "photos", "low", "high"),
    [  # Newcombe 1998, Table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_newcombes_published_intervals(
    correct: int, photos: int, low: float, high: float
) -> None:
    interval = metrics.wilson(correct, photos)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(deadline=None)
def test_wilson_agrees_with_its_formula_and_holds_the_proportion(counts: tuple[int, int]) -> None:
    interval = metrics.wilson(*counts)
    correct, photos = counts
    z, share = NormalDist().inv_cdf(0.975), correct / photos
    centre = share + z * z / (2 * photos)
    reach = z * math.sqrt(share * (1 - share) / photos + z * z / (4 * photos * photos))
    scale = 1 + z * z / photos
    assert interval.low == pytest.approx((centre - reach) / scale, abs=1e-12)
    assert interval.high == pytest.approx((centre + reach) / scale, abs=1e-12)
    assert interval.low <= share <= interval.high


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # Newcombe 1998, Table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_a_difference_has_newcombes_published_intervals(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    interval = metrics.newcombe(*first, *second)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)
    mirrored = metrics.newcombe(*second, *first)
    assert (mirrored.low, mirrored.high) == pytest.approx((-interval.high, -interval.low))


def test_a_difference_of_no_photos_is_refused() -> None:
    with pytest.raises(ValueError, match="must hold"):
        metrics.newcombe(1, 2, 0, 0)


@given(st.integers(0, 400), st.integers(0, 400))
@settings(deadline=None)
def test_mcnemar_agrees_with_the_exact_binomial_test(first: int, second: int) -> None:
    discordant = first + second
    tail = sum(math.comb(discordant, count) for count in range(min(first, second) + 1))
    exact = min(Fraction(1), Fraction(2 * tail, 2**discordant))
    assert metrics.mcnemar_p(first, second) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


def test_mcnemar_survives_counts_beyond_floats() -> None:
    assert metrics.mcnemar_p(3000, 3000) == 1.0
    assert metrics.mcnemar_p(0, 3000) == 0.0


def test_mcnemar_counts_only_photos_on_which_two_disagree() -> None:
    first = np.array([True, True, True, False, False])
    second = np.array([True, False, False, True, False])
    assert metrics.mcnemar(first, second) == metrics.McNemar(2, 1, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_the_papers_counts_give_the_papers_accuracies(name: str) -> None:
    labels, published = paper_labels(name), paper.PUBLISHED[name]
    answers = counted(labels, published.correct)
    assert metrics.accuracy(answers, labels) == published.correct / 800 == published.test_accuracy


def test_the_papers_percentages_are_those_of_its_tables_11_and_13() -> None:
    percentages = {
        name: f"{published.test_accuracy:.3%}" for name, published in paper.PUBLISHED.items()
    }
    assert percentages == {
        "EfficientNetB0": "49.375%",
        "InceptionV3": "88.500%",
        "InceptionResNetV2": "96.375%",
        "ResNet50": "62.375%",
        "VGG16": "93.375%",
        "Xception": "95.875%",
        "Ensemble": "97.625%",
    }


@pytest.mark.parametrize("name", NAMES)
def test_some_matrix_with_the_papers_count_gives_its_rounded_report(name: str) -> None:
    labels, published = paper_labels(name), paper.PUBLISHED[name]
    nearest = min(_distance(labels, name, first) for first in _possible(labels, published.correct))
    assert nearest <= 0.0051


def _possible(labels: metrics.Labels, correct: int) -> range:
    zeros = int((labels == 0).sum())
    return range(max(0, correct - (len(labels) - zeros)), min(zeros, correct) + 1)


def _distance(labels: metrics.Labels, name: str, first: int) -> float:
    """How far our report lies from the paper's, `first` photos of class 0 being right."""
    published = paper.PUBLISHED[name]
    zeros, second = int((labels == 0).sum()), published.correct - first
    predicted = np.ones_like(labels)
    predicted[:first] = 0
    predicted[zeros + second :] = 0
    rows = metrics.classification_report(predicted, labels, names=paper.CLASSES).classes
    return max(
        abs(ours - theirs)
        for row, wanted in zip(rows, published.classes, strict=True)
        for ours, theirs in (
            (row.precision, wanted.precision),
            (row.recall, wanted.recall),
            (row.f1, wanted.f1),
        )
    )


def test_a_class_that_is_never_predicted_has_zeros_and_no_warning() -> None:
    labels = np.array([0, 1, 1], dtype=np.int64)
    report = metrics.classification_report(np.zeros_like(labels), labels, names=("a", "b", "c"))
    assert [row.support for row in report.classes] == [1, 2, 0]
    assert [row.precision for row in report.classes] == [pytest.approx(1 / 3), 0.0, 0.0]
    assert report.accuracy == pytest.approx(1 / 3)
    assert report.weighted.support == 3


def test_a_class_without_photos_is_in_no_mean_as_in_what_is_chosen_by() -> None:
    labels = np.array([0, 0, 1, 1], dtype=np.int64)
    predicted = np.array([0, 2, 1, 1], dtype=np.int64)
    report = metrics.classification_report(predicted, labels, names=("a", "b", "c"))
    sure = np.eye(3, dtype=np.float32)[predicted]
    assert report.macro.f1 == pytest.approx(choosing.macro_f1(sure, labels))
    assert report.macro.recall == pytest.approx(choosing.balanced_accuracy(sure, labels))
    assert [row.f1 for row in report.classes] == pytest.approx([2 / 3, 1, 0])
    assert report.macro.support == 4
    assert report.weighted.f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_matrix_has_true_classes_in_rows_even_if_one_never_occurs() -> None:
    labels, predicted = np.array([0, 0, 1]), np.array([0, 1, 1])
    assert metrics.confusion(predicted, labels, classes=3) == ((1, 1, 0), (0, 1, 0), (0, 0, 0))


def test_cross_entropy_of_a_probability_that_underflowed_is_large_and_never_infinite() -> None:
    answers = np.array([[0.0, 1.0], [0.5, 0.5]], dtype=np.float32)
    labels = np.array([0, 1], dtype=np.int64)
    expected = (-np.log(float(np.finfo(np.float32).tiny)) - np.log(0.5)) / 2  # 87.3 and 0.7
    assert metrics.cross_entropy(answers, labels) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("correct", "published", "outcome"),
    [
        (767, 767, Outcome.NOT_TOLD_APART),
        (782, 767, Outcome.ABOVE),
        (781, 767, Outcome.NOT_TOLD_APART),
        (700, 767, Outcome.BELOW),
        (800, 800, Outcome.NOT_TOLD_APART),
    ],
)
def test_a_verdict_says_on_which_side_the_measured_value_lies(
    correct: int, published: int, outcome: Outcome
) -> None:
    found = against(correct, published)
    assert found.outcome == outcome
    assert found.difference == metrics.newcombe(correct, 800, published, 800)
    place = {Outcome.ABOVE: "lies above 0", Outcome.BELOW: "lies below 0"}.get(outcome, "holds 0")
    assert found.reason.endswith(f"from the published {published} of 800 {place}")


@pytest.mark.parametrize("accuracy", [0.6, 0.89, 0.96])
def test_equal_accuracies_are_told_apart_in_at_most_six_percent_of_draws(accuracy: float) -> None:
    drawn = np.random.default_rng(7).binomial(800, accuracy, size=(1500, 2))
    pairs, counts = np.unique(np.sort(drawn, axis=1), axis=0, return_counts=True)
    alarms = [against(*map(int, pair)).outcome != Outcome.NOT_TOLD_APART for pair in pairs]
    share = float(np.dot(alarms, counts) / counts.sum())
    assert 0.03 < share <= 0.06  # a published value taken as certain gives 0.16


def against(correct: int, published: int) -> metrics.Verdict:
    return metrics.verdict(
        correct=correct, photos=800, published_correct=published, published_photos=800
    )


def test_a_doubt_makes_a_verdict_not_comparable_and_says_why() -> None:
    found = metrics.verdict(
        correct=1,
        photos=2,
        published_correct=1,
        published_photos=2,
        doubts=("other photos", "other"),
    )
    assert found == metrics.Verdict(Outcome.NOT_COMPARABLE, "other photos; other", None)
