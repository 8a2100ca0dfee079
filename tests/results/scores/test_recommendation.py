"""The recommended model: validation chooses it, and says what is wrong with the ensemble."""

from __future__ import annotations

from pathlib import Path

from results.ledger.arrays import Probabilities
from results.scores.method_types import ENSEMBLE
from results.scores.summary import summarise
from results.scores.types import Summary
from tests.results.helpers import Trial, counted, make_run, make_split

SIZES = {"train": 40, "validation": 100, "test": 100}
SPLIT = make_split(2, SIZES)
LABELS = {part: SPLIT.labels[SPLIT.indices(part)] for part in SIZES}


def validated(vgg16: Probabilities, xception: Probabilities, tmp_path: Path) -> Summary:
    """Two backbones with these answers on validation; on test VGG16 is right and Xception wrong."""
    trials = (
        Trial("VGG16", 0, validation=vgg16, test=counted(LABELS["test"], 100)),
        Trial("Xception", 0, validation=xception, test=counted(LABELS["test"], 0)),
    )
    return summarise(make_run(tmp_path, trials, split=SPLIT))


def softened(answers: Probabilities, wrong: slice) -> Probabilities:
    """The same answers, but unsure of some photos, so that an average can outvote them."""
    found = answers.copy()
    found[wrong] = (found[wrong] + 1.5) / 4
    return found


def test_a_run_without_scores_recommends_nothing(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, (Trial("VGG16", 0, "failed"),)))
    assert (summary.recommended, summary.recommended_trials, summary.warnings) == ("", (), ())


def test_one_backbone_recommends_its_best_trial(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, skill=0.6), Trial("VGG16", 1, skill=1.0))
    summary = summarise(make_run(tmp_path, trials, sizes=SIZES))
    assert (summary.recommended, summary.recommended_trials) == ("VGG16/t01", ("VGG16/t01",))
    assert summary.warnings == ()


def test_a_member_at_chance_and_a_worse_average_are_warned_of(tmp_path: Path) -> None:
    labels = LABELS["validation"]
    vgg16 = softened(counted(labels, 95), slice(0, 100))
    summary = validated(vgg16, counted(labels, 55), tmp_path)
    assert summary.ensemble is not None
    assert summary.ensemble.members == ("VGG16/baseline", "Xception/baseline")
    assert summary.recommended == "VGG16/baseline"
    worse, chance = summary.warnings
    assert worse.startswith("On validation the ensemble is worse than VGG16/baseline alone: ")
    assert "accuracy 55.00% against 95.00%" in worse
    assert chance.startswith("Xception/baseline, a member of the ensemble, is not shown to be")
    assert "55.00% are right (45.2% to 64.4% at 95 %)" in chance


def test_the_ensemble_is_recommended_where_validation_is_better_for_it(tmp_path: Path) -> None:
    labels = LABELS["validation"]
    vgg16 = softened(counted(labels, 90), slice(90, 100))
    reversed_order = counted(labels[::-1], 88)[::-1]  # wrong on the first 12
    summary = validated(vgg16, softened(reversed_order, slice(0, 12)), tmp_path)
    assert summary.ensemble is not None
    assert summary.ensemble.validation_accuracy == 1.0
    assert summary.recommended == ENSEMBLE
    assert summary.recommended_trials == summary.ensemble.members
    assert summary.warnings == ()


def test_equal_accuracy_is_decided_by_loss(tmp_path: Path) -> None:
    labels = LABELS["validation"]
    sure, unsure = counted(labels, 90), softened(counted(labels, 90), slice(0, 90))
    summary = validated(sure, unsure, tmp_path)
    assert summary.ensemble is not None
    assert summary.ensemble.validation_accuracy == 0.9
    assert summary.recommended == "VGG16/baseline"
    assert "loss" in summary.warnings[0]


def test_a_tie_goes_to_the_single_trial_without_a_warning(tmp_path: Path) -> None:
    same = counted(LABELS["validation"], 90)
    summary = validated(same, same.copy(), tmp_path)
    assert summary.ensemble is not None
    assert summary.ensemble.scores.validation_loss == summary.rows[0].validation_loss
    assert summary.recommended == "VGG16/baseline"
    assert summary.warnings == ()


def test_test_answers_do_not_recommend(tmp_path: Path) -> None:
    labels = LABELS["validation"]
    summary = validated(counted(labels, 80), counted(labels, 99), tmp_path)
    assert summary.recommended == "Xception/baseline"
    [xception] = [backbone for backbone in summary.backbones if backbone.name == "Xception"]
    assert xception.baseline.test_accuracy == 0.0
