"""What validation chooses by: the metrics' definitions, and that everything follows the chosen."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from results.report import sheets_methods, sheets_run
from results.report.csv_files import write_tables
from results.report.terminal import short_story
from results.scores import choosing
from results.scores.summary import summarise
from search_spaces.metrics import ACCURACY, METRICS, metric_words, signed
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import Trial, make_run, make_split

SIZES = {"train": 20, "validation": 100, "test": 100}
RARE = dataclasses.replace(
    make_split(2, SIZES), labels=np.asarray(np.arange(220) % 10 == 0, dtype=np.int64)
)
"""One photo in ten is of the second class."""

LABELS = RARE.labels[RARE.indices("validation")]


def sure(named: NDArray[np.int64], share: float = 0.9, classes: int = 2) -> NDArray[np.float32]:
    """[N, C] probabilities that give `share` to the named class."""
    found = np.full((len(named), classes), (1 - share) / (classes - 1), dtype=np.float32)
    found[np.arange(len(named)), named] = share
    return found


def test_auc_of_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="two classes"):
        choosing.auc(sure(np.zeros(4, dtype=np.int64)), np.zeros(4, dtype=np.int64))


@pytest.mark.parametrize("metric", METRICS)
def test_no_photos_are_refused(metric: str) -> None:
    with pytest.raises(ValueError):
        choosing.score(metric, np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize("metric", METRICS)
def test_a_better_classifier_has_the_higher_score(metric: str) -> None:
    labels = np.arange(30, dtype=np.int64) % 3
    worse = labels.copy()
    worse[:6] = (worse[:6] + 1) % 3
    right, wrong = (choosing.score(metric, sure(one, 0.8, 3), labels) for one in (labels, worse))
    assert right > wrong


def test_every_name_has_a_function_and_accuracy_is_the_default_one() -> None:
    assert tuple(choosing.CHOICES) == METRICS
    assert METRICS[0] == ACCURACY


def test_the_metrics_are_those_of_scikit_learn() -> None:
    from sklearn import metrics as sklearn

    random = np.random.default_rng(1)
    labels = random.integers(0, 4, 60).astype(np.int64)
    raw = random.random((60, 4)).astype(np.float32)
    probabilities = (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)
    predicted = probabilities.argmax(axis=1)
    found = {name: choosing.CHOICES[name](probabilities, labels) for name in METRICS}
    assert found["balanced_accuracy"] == pytest.approx(
        sklearn.balanced_accuracy_score(labels, predicted)
    )
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(labels, predicted, average="macro"))
    assert found["auc"] == pytest.approx(
        sklearn.roc_auc_score(labels, probabilities.astype(np.float64), multi_class="ovr"), abs=1e-6
    )
    assert found["log_loss"] == pytest.approx(sklearn.log_loss(labels, probabilities), abs=1e-6)


def test_auc_of_two_classes_is_that_of_the_second() -> None:
    labels = np.array([0, 0, 1, 1], dtype=np.int64)
    second = np.array([0.1, 0.4, 0.35, 0.8], dtype=np.float32)
    assert choosing.auc(np.stack([1 - second, second], axis=1), labels) == 0.75


def test_a_class_without_photos_is_left_out_of_the_means() -> None:
    labels = np.array([0, 0, 1, 1], dtype=np.int64)
    named = np.array([0, 2, 1, 1], dtype=np.int64)
    probabilities = sure(named, classes=3)
    assert choosing.balanced_accuracy(probabilities, labels) == 0.75
    assert choosing.macro_f1(probabilities, labels) == pytest.approx((2 / 3 + 1) / 2)
    assert choosing.auc(probabilities, labels) == pytest.approx((0.75 + 1) / 2)


@pytest.mark.parametrize(
    ("metric", "best"),
    [("accuracy", "VGG16/baseline"), ("balanced_accuracy", "VGG16/t01"), ("auc", "VGG16/t01")],
)
def test_the_best_the_ensemble_and_what_is_recommended_follow_the_metric(
    metric: str, best: str, tmp_path: Path
) -> None:
    blind = np.zeros(100, dtype=np.int64)  # always the larger class: 90 % of the photos
    balanced = LABELS.copy()
    balanced[np.flatnonzero(LABELS == 0)[:15]] = 1  # 85 % right, every rare photo among them
    trials = [
        Trial("VGG16", 0, validation=sure(blind)),
        Trial("VGG16", 1, validation=sure(balanced)),
        Trial("Xception", 0, validation=sure(np.ones(100, dtype=np.int64))),
    ]
    summary = summarise(make_run(tmp_path, trials, split=RARE, metric=metric))
    assert summary.metric == metric
    assert summary.winner is not None
    assert summary.winner.trial == summary.recommended == best
    assert summary.ensemble is not None
    assert summary.ensemble.members[0] == best


@pytest.mark.parametrize("metric", METRICS)
def test_tables_show_the_metric_beside_accuracy(metric: str, tmp_path: Path) -> None:
    trials = [Trial("VGG16", 0), Trial("VGG16", 1, skill=0.9), Trial("Xception", 0)]
    folder = make_run(tmp_path, trials, sizes=SIZES, metric=metric)
    summary = summarise(folder)
    write_tables(folder, summary)
    assert short_story(summary)
    name = f"validation_{metric}"
    for sheet in (
        *(sheets_methods.leaderboard(summary), sheets_methods.methods(summary)),
        *(sheets_run.trials(summary), sheets_methods.best(summary)),
    ):
        keys = [column.key for column in sheet.columns]
        assert keys.count(name) == (sheet.name != "best" or metric != ACCURACY), sheet.name
        if metric != ACCURACY:
            shown = [row.values[keys.index(name)] for row in sheet.rows]
            assert all((value or 0) >= 0 for value in shown), "the metric's value, not the score"
    title = sheets_methods.best(summary).title
    assert (metric_words(metric) in title) == (metric != ACCURACY)


def test_a_record_whose_score_is_not_that_of_its_predictions_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)], sizes=SIZES, metric="auc")
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    folder.write_record(dataclasses.replace(record, validation_score=0.123))
    with pytest.raises(EnvironmentRefusal, match=r"score 0\.123 by AUC"):
        summarise(folder)


def test_log_loss_is_minimised_and_shown_as_it_is() -> None:
    labels = np.array([0, 1], dtype=np.int64)
    loss = choosing.CHOICES["log_loss"](sure(labels), labels)
    assert choosing.score("log_loss", sure(labels), labels) == -loss < 0
    assert signed("log_loss", -loss) == loss
