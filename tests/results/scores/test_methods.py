"""Methods and ensembles held against the paper: its own counts, and what is not comparable."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from results.ledger.arrays import Probabilities
from results.ledger.runs import SPLITS, Split, WeightsSource
from results.ledger.store import RunFolder
from results.scores import metrics
from results.scores.summary import summarise
from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES
from tests.results.helpers import PAPER_SIZES, Trial, counted, make_run, make_split

TWO = (
    Trial("VGG16", 0, skill=0.7),
    Trial("VGG16", 1, skill=0.8, changes={"scaling": "native", "optimizer": "sgd"}),
    Trial("Xception", 0, skill=0.9),
)


SIZES = {"train": 120, "validation": 40, "test": 40}


def paper_run(tmp_path: Path, **changes: Any) -> RunFolder:
    """Every baseline with the paper's own count of right answers on 800 test photos."""
    split = make_split(2, PAPER_SIZES)
    labels = split.labels[split.indices("test")]
    trials = [
        Trial(name, 0, test=counted(labels, paper.PUBLISHED[name].correct)) for name in PAPER_NAMES
    ]
    return make_run(tmp_path, trials, split=split, **changes)


def test_the_papers_counts_give_its_accuracies_and_are_not_told_apart(tmp_path: Path) -> None:
    summary = summarise(paper_run(tmp_path))
    for backbone in summary.backbones:
        baseline = backbone.baseline
        assert baseline.test_accuracy == paper.PUBLISHED[backbone.name].test_accuracy
        assert baseline.scores is not None
        assert baseline.scores.correct == paper.PUBLISHED[backbone.name].correct
        assert baseline.verdict is not None
        assert baseline.verdict.outcome == metrics.Outcome.NOT_TOLD_APART


def test_a_baseline_that_lacked_memory_for_its_batch_is_not_the_papers(tmp_path: Path) -> None:
    trials = [Trial("VGG16", 0, batch_halved=True), Trial("Xception", 0)]
    halved, whole = summarise(make_run(tmp_path, trials, sizes=PAPER_SIZES)).backbones
    assert halved.baseline.config is not None
    assert halved.baseline.config.batch_size == 16
    assert halved.baseline.verdict is not None
    assert halved.baseline.verdict.outcome == metrics.Outcome.NOT_COMPARABLE
    assert "VGG16/baseline was trained with half the batch" in halved.baseline.verdict.reason
    assert whole.baseline.verdict is not None
    assert "half the batch" not in whole.baseline.verdict.reason


def test_a_backbone_that_the_paper_has_not_is_held_against_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(paper.PUBLISHED, "VGG16")
    trials = (Trial("VGG16", 0, changes={"epochs": 4}), Trial("VGG16", 1), Trial("Xception", 0))
    vgg16, xception = summarise(make_run(tmp_path, trials)).backbones
    for method in (vgg16.baseline, vgg16.best):
        assert method is not None
        assert method.scores is not None
        assert (method.published_test_accuracy, method.verdict) == (None, None)
    assert xception.baseline.verdict is not None


def test_an_unfinished_backbone_that_the_paper_has_not_has_no_published_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(paper.PUBLISHED, "VGG16")
    [vgg16] = summarise(make_run(tmp_path, (), unfinished=("VGG16/baseline",))).backbones
    assert (vgg16.baseline.published_test_accuracy, vgg16.baseline.verdict) == (None, None)


def test_backbones_that_the_catalogue_has_not_come_last(tmp_path: Path) -> None:
    unfinished = ("Zeta/baseline", "Alpha/baseline", "VGG16/baseline")
    summary = summarise(make_run(tmp_path, (Trial("Xception", 0),), unfinished=unfinished))
    assert [row.name for row in summary.backbones] == ["VGG16", "Xception", "Alpha", "Zeta"]
    assert [row.baseline.published_test_accuracy for row in summary.backbones[2:]] == [None, None]
    assert not summary.complete


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"demonstration": True}, "a demonstration"),
        ({"weights": "random"}, "other weights (random)"),
        (
            {"weights_source": WeightsSource.UNKNOWN},
            "weights not known to be ImageNet's (EfficientNetB0)",
        ),
        ({"image_size": 96}, "image size 96 (the paper's is not stated; ours is 150)"),
        ({"precision": "mixed_bfloat16"}, "precision mixed_bfloat16, not float32"),
        ({"cache_dtype": "float16"}, "features stored as float16, not float32"),
    ],
)
def test_other_weights_sizes_and_precisions_are_not_comparable(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    made = {name: changes[name] for name in ("demonstration", "weights") if name in changes}
    folder = paper_run(tmp_path, **made)
    change_run(folder, {name: value for name, value in changes.items() if name not in made})
    verdict = summarise(folder).backbones[0].baseline.verdict
    assert verdict == metrics.Verdict(metrics.Outcome.NOT_COMPARABLE, reason)


def change_run(folder: RunFolder, changes: dict[str, Any]) -> None:
    """Put other settings, another image size or another source of weights into `run.json`."""
    run, changes = folder.read_run(), dict(changes)
    sources = dict.fromkeys(run.weights_source, changes.pop("weights_source", WeightsSource.KERAS))
    size = changes.pop("image_size", run.data.image_size)
    if run.weights == "random":
        sources = {}
    folder.write_run(
        dataclasses.replace(
            run,
            weights_source=sources,
            data=dataclasses.replace(run.data, image_size=size),
            settings=dataclasses.replace(run.settings, **changes),
        )
    )


def test_weights_of_a_run_that_did_not_record_their_source_are_not_known(tmp_path: Path) -> None:
    folder = paper_run(tmp_path)
    folder.write_run(dataclasses.replace(folder.read_run(), weights_source={}))
    verdict = summarise(folder).backbones[0].baseline.verdict
    assert verdict is not None
    assert verdict.reason == "weights not known to be ImageNet's (EfficientNetB0)"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"optimizer": "sgd", "learning_rate": 1e-3}, metrics.Outcome.NOT_TOLD_APART),
        ({"epochs": 4}, metrics.Outcome.NOT_COMPARABLE),
        ({"batch_size": 16}, metrics.Outcome.NOT_COMPARABLE),
    ],
)
def test_a_searched_trial_may_differ_in_what_was_searched_and_in_nothing_else(
    tmp_path: Path, changes: dict[str, Any], outcome: metrics.Outcome
) -> None:
    split = make_split(2, PAPER_SIZES)
    answers = counted(split.labels[split.indices("test")], paper.PUBLISHED["VGG16"].correct)
    trials = (
        Trial("VGG16", 0, skill=0.5),
        Trial("VGG16", 1, skill=1.0, changes=changes, test=answers),
    )
    best = summarise(make_run(tmp_path, trials, split=split)).backbones[0].best
    assert best is not None
    assert best.verdict is not None
    assert (best.trial, best.verdict.outcome) == ("VGG16/t01", outcome)


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
    assert found.redrawn.verdict.outcome != metrics.Outcome.NOT_COMPARABLE
    assert found.redrawn.photos == sum(found.redrawn.per_class) == 800
    assert found.redrawn.seen > found.redrawn.photos / 2
    assert set(found.members) == {"InceptionResNetV2/baseline", "Xception/baseline"}


def test_an_ensemble_that_learnt_random_labels_by_heart_is_better_on_the_redrawn_photos(
    tmp_path: Path,
) -> None:
    """Two nearest neighbours on random features: all of the training photos right, no others."""
    random, split = np.random.default_rng(0), make_split(2, SIZES)
    labels = split.labels
    members = []
    for name in ("VGG16", "Xception"):
        features = random.random((len(labels), 8))
        train, validation, test = (_nearest(features, split, part) for part in SPLITS)
        members.append(Trial(name, 0, train=train, validation=validation, test=test))
    found = summarise(make_run(tmp_path, members, split=split)).ensemble
    assert found is not None
    assert found.train_accuracy == 1.0
    assert found.redrawn.accuracy > found.test_accuracy + 0.1
    assert found.redrawn.seen > found.redrawn.photos / 2


def _nearest(features: NDArray[np.float64], split: Split, part: str) -> Probabilities:
    """[n, C] by the label of the nearest training photo."""
    train, asked = split.indices("train"), split.indices(part)
    distances = np.linalg.norm(features[asked][:, None] - features[train][None], axis=2)
    labels = split.labels[train][distances.argmin(axis=1)]
    return np.stack([labels == 0, labels == 1], axis=1).astype(np.float32)


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


@pytest.mark.parametrize(
    ("classes", "doubted"),
    [(("rose", "tulip"), True), (("dog", "cat"), True), (("Cats", "Dogs"), False)],
)
def test_only_cats_and_dogs_are_held_against_the_paper(
    tmp_path: Path, classes: tuple[str, str], doubted: bool
) -> None:
    trials = [Trial("Xception", 0)]
    [found] = summarise(make_run(tmp_path, trials, classes=classes, sizes=PAPER_SIZES)).backbones
    assert found.baseline.verdict is not None
    reason = found.baseline.verdict.reason
    assert (f"other photos ({' and '.join(classes)})" in reason) == doubted
