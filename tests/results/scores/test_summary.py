"""A summary of every kind of run: empty, partial, failed, small and large."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.arrays import Probabilities
from results.ledger.files import read_json, write_json
from results.ledger.records import Status
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from results.scores import metrics
from results.scores.summary import read_summary, summarise
from search_spaces import paper
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from tests.results.helpers import SMALL, Trial, counted, make_run, make_split

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
    other = make_split(2, {**SMALL, "validation": 11})
    folder.write_split(other, paper.CLASSES)
    with pytest.raises(EnvironmentRefusal, match="predictions of validation must have the shape"):
        summarise(folder)


def test_a_record_that_contradicts_its_predictions_is_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    record = folder.read_record("VGG16/t01")
    assert record is not None
    assert record.validation_accuracy is not None
    moved = record.validation_accuracy + 0.25
    folder.write_record(dataclasses.replace(record, validation_accuracy=moved))
    with pytest.raises(EnvironmentRefusal, match="record says validation accuracy"):
        summarise(folder)


@pytest.mark.parametrize("content", ["[]", "{", '{"VGG16": 3}', '{"VGG16": {"optimizer": 1.0}}'])
def test_importances_that_are_damaged_or_of_an_earlier_version_are_refused(
    tmp_path: Path, content: str
) -> None:
    folder = make_run(tmp_path, TWO)
    folder.importances_json.write_text(content)
    with pytest.raises(EnvironmentRefusal, match=r"importances\.json.*--resume"):
        summarise(folder)


def test_importances_of_another_version_are_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    write_json(folder.importances_json, {"VGG16": {"optimizer": "x"}})
    with pytest.raises(EnvironmentRefusal, match="another version"):
        summarise(folder)


def test_an_empty_run_has_no_scores_and_is_not_complete(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, (), unfinished=("VGG16/baseline", "Xception/baseline")))
    assert not summary.complete
    assert [one.name for one in summary.backbones] == ["VGG16", "Xception"]
    assert {one.baseline.status for one in summary.backbones} == {Status.UNFINISHED}
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
    assert dataclasses.astuple(summary.trials) == (4, 3, 0, 0, 0)


def test_a_trial_stopped_early_may_win(tmp_path: Path) -> None:
    trials = (
        Trial("VGG16", 0, skill=0.5),
        Trial("VGG16", 1, Status.STOPPED_EARLY, skill=1.0, epochs=1),
    )
    summary = summarise(make_run(tmp_path, trials))
    best = summary.backbones[0].best
    assert best is not None
    assert (best.trial, best.status) == ("VGG16/t01", Status.STOPPED_EARLY)
    assert summary.trials.stopped_early == 1


def test_a_baseline_cut_by_the_time_budget_counts_and_is_not_held_against_the_paper(
    tmp_path: Path,
) -> None:
    trials = (Trial("VGG16", 0, Status.OUT_OF_TIME, epochs=1), Trial("VGG16", 1))
    summary = summarise(make_run(tmp_path, trials))
    verdict = summary.backbones[0].baseline.verdict
    assert verdict is not None
    assert verdict.difference is None
    assert "VGG16/baseline was cut by the time budget" in verdict.reason
    assert (summary.trials.out_of_time, summary.trials.finished) == (1, 2)
    assert summary.complete


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


def test_summary_json_has_the_promised_names(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    write_json(folder.summary_json, to_json(summarise(folder)))
    assert read_summary(folder) == summarise(folder)
    written = read_json(folder.summary_json)
    promised = {
        ".": "complete demonstration data weights trials backbones ensemble seconds",
        "data": "name digest classes counts",
        "data.counts": "train validation test",
        "trials": "planned completed failed stopped_early out_of_time",
        "backbones.0": "name baseline best",
        "backbones.0.baseline": "trial validation_accuracy test_accuracy published_test_accuracy",
        "backbones.0.best": "trial config validation_accuracy test_accuracy best_epoch",
        "ensemble": "members validation_accuracy test_accuracy published_test_accuracy",
        "seconds": "prepare features training other",
    }
    for place, names in promised.items():
        found: Any = written
        for step in place.split(".") if place != "." else []:
            found = found[int(step)] if step.isdigit() else found[step]
        assert set(names.split()) <= set(found), place


def test_a_summary_is_the_same_each_time(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO)
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    write_json(first, to_json(summarise(folder)))
    write_json(second, to_json(summarise(folder)))
    assert first.read_bytes() == second.read_bytes()
