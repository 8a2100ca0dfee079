"""A summary of every kind of run: empty, partial, failed, small, large, with the paper's counts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results import metrics
from results.files import write_json
from results.method_types import UNFINISHED
from results.records import STOPPED_EARLY, Probabilities
from results.store import RunFolder
from results.summary import summarise, write_summary
from search_spaces import paper
from search_spaces.backbones import NAMES
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from tests.results.helpers import PAPER_SIZES, SMALL, Trial, counted, make_run, make_split

TWO = (
    Trial("VGG16", 0, skill=0.7),
    Trial("VGG16", 1, skill=0.8, changes={"scaling": "native", "optimizer": "sgd"}),
    Trial("Xception", 0, skill=0.9),
)


def ten() -> tuple[str, ...]:
    return tuple(f"digit {number}" for number in range(10))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageRefusal, match="no run here"):
        summarise(RunFolder(tmp_path))


def test_predictions_of_other_photos_are_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    other = make_split(2, {**SMALL, "test": 15})
    folder.write_split(other, paper.CLASSES)
    with pytest.raises(EnvironmentRefusal, match="must have the shape"):
        summarise(folder)


def test_a_record_that_contradicts_its_predictions_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    record = folder.read_record("VGG16/t01")
    assert record is not None
    assert record.test_accuracy is not None
    folder.write_record(dataclasses.replace(record, test_accuracy=record.test_accuracy - 0.25))
    with pytest.raises(EnvironmentRefusal, match="record says test accuracy"):
        summarise(folder)


@pytest.mark.parametrize("content", ["[]", "{", '{"VGG16": 3}', '{"VGG16": {"optimizer": "x"}}'])
def test_damaged_importances_are_refused(tmp_path: Path, content: str) -> None:
    folder = make_run(tmp_path, TWO)
    folder.importances_json.write_text(content)
    with pytest.raises(EnvironmentRefusal, match="damaged"):
        summarise(folder)


def test_an_empty_run_has_no_scores_and_is_not_complete(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, (), unfinished=("VGG16/baseline", "Xception/baseline")))
    assert not summary.complete
    assert [one.name for one in summary.backbones] == ["VGG16", "Xception"]
    assert {one.baseline.status for one in summary.backbones} == {UNFINISHED}
    assert summary.ensemble is None
    assert (summary.ensembles, summary.pairs, summary.rows) == ((), (), ())
    assert (summary.mistakes.method, summary.mistakes.wrong) == ("", 0)


def test_a_failed_backbone_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    failed = (Trial("ResNet50", 0, "failed"), Trial("ResNet50", 1, "failed"))
    summary = summarise(make_run(tmp_path, (*TWO, *failed)))
    resnet = summary.backbones[0]
    assert (resnet.name, resnet.best, resnet.gain, resnet.failed) == ("ResNet50", None, None, 2)
    assert resnet.baseline.error == "loss became nan"
    assert resnet.baseline.verdict is None
    assert summary.complete
    assert summary.trials.failed == 2
    assert summary.ensemble is not None


def test_a_failed_baseline_leaves_a_best_without_a_gain(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, "failed"), Trial("VGG16", 1))
    backbone = summarise(make_run(tmp_path, trials)).backbones[0]
    assert backbone.best is not None
    assert backbone.best.trial == "VGG16/t01"
    assert backbone.gain is None


def test_one_trial_is_its_own_best_and_gains_nothing(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, (Trial("Xception", 0),)))
    backbone = summary.backbones[0]
    assert backbone.best == backbone.baseline
    assert backbone.gain is not None
    assert (backbone.gain.validation, backbone.gain.test, backbone.gain.pair) == (0.0, 0.0, None)
    assert summary.ensemble is None
    assert summary.mistakes.method == "Xception/baseline"


def test_a_partial_run_counts_what_is_missing(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, TWO, unfinished=("Xception/t01",)))
    assert not summary.complete
    assert dataclasses.astuple(summary.trials) == (4, 3, 0, 0)


def test_a_trial_stopped_early_may_win(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, skill=0.5), Trial("VGG16", 1, STOPPED_EARLY, skill=1.0, epochs=1))
    summary = summarise(make_run(tmp_path, trials))
    best = summary.backbones[0].best
    assert best is not None
    assert (best.trial, best.status) == ("VGG16/t01", STOPPED_EARLY)
    assert summary.trials.stopped_early == 1


@pytest.mark.parametrize("classes", [paper.CLASSES, ten()])
def test_any_number_of_classes_gets_reports_and_matrices(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    sizes = {"train": 60, "validation": 30, "test": 40}
    summary = summarise(make_run(tmp_path, TWO, classes=classes, sizes=sizes))
    best = summary.backbones[0].best
    assert best is not None
    assert best.scores is not None
    assert [row.name for row in best.scores.report.classes] == list(classes)
    assert np.array(best.scores.confusion).shape == (len(classes), len(classes))
    assert np.trace(np.array(best.scores.confusion)) == best.scores.correct


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_equal_accuracy_is_decided_by_loss_not_by_test(
    tmp_path: Path, order: tuple[int, int]
) -> None:
    split = make_split(2, SMALL)
    validation = split.labels[split.indices("validation")]
    sure = counted(validation, 10)
    unsure = ((sure + 0.5) / 2).astype(np.float32)
    worse_on_test = counted(split.labels[split.indices("test")], 3)
    trials = [
        Trial("VGG16", order[0], validation=sure, test=worse_on_test),
        Trial("VGG16", order[1], validation=unsure, skill=1.0),
    ]
    best = summarise(make_run(tmp_path, trials, split=split)).backbones[0].best
    assert best is not None
    wanted = min(trials, key=lambda trial: metrics.cross_entropy(_validation(trial), validation))
    assert best.trial == wanted.name


def _validation(trial: Trial) -> Probabilities:
    assert trial.validation is not None
    return trial.validation


def test_equal_scores_are_decided_by_the_lower_number(tmp_path: Path) -> None:
    split = make_split(2, SMALL)
    same = counted(split.labels[split.indices("validation")], 9)
    trials = [Trial("VGG16", number, validation=same) for number in (3, 1, 2)]
    best = summarise(make_run(tmp_path, trials, split=split)).backbones[0].best
    assert best is not None
    assert best.trial == "VGG16/t01"


def paper_run(tmp_path: Path, **changes: Any) -> RunFolder:
    """Every baseline with the paper's own count of right answers on 800 test photos."""
    split = make_split(2, PAPER_SIZES)
    labels = split.labels[split.indices("test")]
    trials = [Trial(name, 0, test=counted(labels, paper.PUBLISHED[name].correct)) for name in NAMES]
    return make_run(tmp_path, trials, split=split, **changes)


def test_the_papers_counts_give_its_accuracies_and_lie_inside(tmp_path: Path) -> None:
    summary = summarise(paper_run(tmp_path))
    for backbone in summary.backbones:
        baseline = backbone.baseline
        assert baseline.test_accuracy == paper.PUBLISHED[backbone.name].test_accuracy
        assert baseline.scores is not None
        assert baseline.scores.correct == paper.PUBLISHED[backbone.name].correct
        assert baseline.verdict is not None
        assert baseline.verdict.outcome == metrics.INSIDE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"demonstration": True}, "a demonstration"),
        ({"weights": "random"}, "other weights (random)"),
    ],
)
def test_other_weights_and_demonstrations_are_not_comparable(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    verdict = summarise(paper_run(tmp_path, **changes)).backbones[0].baseline.verdict
    assert verdict == metrics.Verdict(metrics.NOT_COMPARABLE, reason)


def test_other_photos_and_other_settings_are_not_comparable(tmp_path: Path) -> None:
    trial = Trial("VGG16", 0, changes={"epochs": 4})
    verdict = summarise(make_run(tmp_path, (trial,))).backbones[0].baseline.verdict
    assert verdict is not None
    assert verdict.reason == (
        "other photos (2 classes, 16 for test); other settings (epochs 4, not 10)"
    )


def test_the_honest_ensemble_is_not_comparable_but_the_redrawn_one_is(tmp_path: Path) -> None:
    trials = [Trial(name, 0, skill=0.97) for name in paper.ENSEMBLE_MEMBERS]
    found = summarise(make_run(tmp_path, trials, sizes=PAPER_SIZES)).ensemble
    assert found is not None
    assert "re-drawn split" in found.verdict.reason
    assert found.redrawn.verdict.outcome != metrics.NOT_COMPARABLE
    assert found.redrawn.photos == sum(found.redrawn.per_class) == 800
    assert found.redrawn.seen > found.redrawn.photos / 2
    assert set(found.members) == {"InceptionResNetV2/baseline", "Xception/baseline"}


def test_the_ensembles_curves_are_as_long_as_its_longest_member(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, epochs=5), Trial("Xception", 0, epochs=2))
    found = summarise(make_run(tmp_path, trials)).ensemble
    assert found is not None
    assert [epoch.epoch for epoch in found.history] == [1, 2, 3, 4, 5]


def test_only_the_papers_rule_is_marked_as_looking_at_test(tmp_path: Path) -> None:
    rows = summarise(paper_run(tmp_path)).ensembles
    assert [(row.rule, row.uses_test) for row in rows] == [
        ("best two by validation", False),
        ("best two by test (the paper's rule)", True),
        ("the best of every backbone", False),
        ("greedy selection on validation", False),
        ("the paper's two, as documented", False),
    ]
    assert rows[1].members == ("InceptionResNetV2/baseline", "Xception/baseline")


def test_the_scaling_comparison_prefers_the_baselines_twin(tmp_path: Path) -> None:
    twin = Trial("VGG16", 2, skill=0.6, changes={"scaling": "native"})
    observed = summarise(make_run(tmp_path / "a", TWO)).scaling
    controlled = summarise(make_run(tmp_path / "b", (*TWO, twin))).scaling
    assert [(row.also_differs, row.observational) for row in observed] == [(("optimizer",), True)]
    assert [(row.native_trial, row.observational) for row in controlled] == [("VGG16/t02", False)]


def test_pairs_are_all_that_the_text_compares(tmp_path: Path) -> None:
    pairs = summarise(make_run(tmp_path, TWO)).pairs
    assert [pair.why for pair in pairs] == ["gain", "scaling", "winners", "ensemble", "ensemble"]
    assert all(0 <= pair.test.p <= 1 for pair in pairs)


def test_labels_that_two_backbones_contradict_are_suspects(tmp_path: Path) -> None:
    split = make_split(2, SMALL)
    labels = split.labels[split.indices("test")]
    surely = counted(labels, 15)
    trials = [Trial(name, 0, test=surely, skill=1.0) for name in ("VGG16", "Xception")]
    mistakes = summarise(make_run(tmp_path, trials, split=split)).mistakes
    row = int(split.indices("test")[15])
    assert (mistakes.method, mistakes.wrong) == ("ensemble", 1)
    assert [one.photo for one in mistakes.worst] == [row]
    suspects = [one for one in mistakes.suspects if one.split == "test"]
    assert [(one.photo, set(one.trials)) for one in suspects] == [
        (row, {"VGG16/baseline", "Xception/baseline"})
    ]


def test_costs_add_up_and_photos_saved_are_those_that_features_replaced(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, epochs=3), Trial("VGG16", 1, epochs=2, stored=("photos",)))
    summary = summarise(make_run(tmp_path, trials))
    assert dataclasses.astuple(summary.seconds) == (1.5, 4.0, 6.0, 2.0)
    assert summary.photos.plain == (3 + 2) * (24 + 12) + 2 * 16
    assert summary.photos.saved == 3 * (24 + 12) + 16 - 2 * 52
    assert summary.photos.prefix == 104


def test_importances_are_taken_over_when_the_sweep_wrote_them(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO, importances={"VGG16": {"optimizer": 1}})
    assert summarise(folder).importances == {"VGG16": {"optimizer": 1.0}}


def test_summary_json_has_the_promised_names(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    write_summary(folder, summarise(folder))
    written = json.loads(folder.summary_json.read_text())
    promised = {
        ".": "complete demonstration data weights trials backbones ensemble seconds",
        "data": "name digest classes counts",
        "data.counts": "train validation test",
        "trials": "planned completed failed stopped_early",
        "backbones.0": "name baseline best",
        "backbones.0.baseline": "trial validation_accuracy test_accuracy published_test_accuracy",
        "backbones.0.best": "trial config validation_accuracy test_accuracy best_epoch",
        "ensemble": "members validation_accuracy test_accuracy published_test_accuracy",
        "seconds": "prepare features training other",
    }
    for place, names in promised.items():
        found = written
        for step in place.split(".") if place != "." else []:
            found = found[int(step)] if step.isdigit() else found[step]
        assert set(names.split()) <= set(found), place


def test_a_summary_is_the_same_each_time(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_json(first, summarise(folder).to_dict())
    write_json(second, summarise(folder).to_dict())
    assert first.read_bytes() == second.read_bytes()
