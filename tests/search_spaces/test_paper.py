"""The paper's figures agree with each other, and the baseline is the documented one."""

from __future__ import annotations

import pytest

from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES, backbone_named
from search_spaces.presets import DEMONSTRATION, PAPER, Preset
from search_spaces.refusals import UsageRefusal

OPTIMIZERS = {
    "EfficientNetB0": "adagrad",
    "InceptionV3": "adagrad",
    "InceptionResNetV2": "adam",
    "ResNet50": "adam",
    "VGG16": "adam",
    "Xception": "adam",
}
"""Tables 2 to 4."""

PERCENT = {
    "EfficientNetB0": 49.375,
    "InceptionV3": 88.5,
    "InceptionResNetV2": 96.375,
    "ResNet50": 62.375,
    "VGG16": 93.375,
    "Xception": 95.875,
    paper.ENSEMBLE: 97.625,
}
"""Tables 11 and 13."""


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"image_size": 70},
        {"seed": -1},
        {"epochs": True},
        {"image_size": 150.0},
    ],
)
def test_a_baseline_of_impossible_sizes_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageRefusal, match=next(iter(wrong))):
        paper.baseline("Xception", **wrong)


@pytest.mark.parametrize(("method", "percent"), PERCENT.items())
def test_counts_of_photos_give_the_published_accuracy(method: str, percent: float) -> None:
    assert 100 * paper.PUBLISHED[method].test_accuracy == pytest.approx(percent, abs=1e-9)


def test_every_backbone_and_the_ensemble_are_published_in_a_table_of_their_own() -> None:
    assert set(paper.PUBLISHED) == {*PAPER_NAMES, paper.ENSEMBLE} == set(PERCENT)
    assert sorted(one.table for one in paper.PUBLISHED.values()) == [5, 6, 7, 8, 9, 10, 12]


@pytest.mark.parametrize("method", paper.PUBLISHED)
def test_a_published_report_covers_the_test_photos_and_fits_its_accuracy(method: str) -> None:
    published = paper.PUBLISHED[method]
    assert sum(one.support for one in published.classes) == paper.TEST_PHOTOS
    # Recall is correct / support, rounded to two digits.
    correct = sum(one.recall * one.support for one in published.classes)
    assert abs(correct - published.correct) <= 0.005 * paper.TEST_PHOTOS


@pytest.mark.parametrize("method", paper.PUBLISHED)
def test_published_f1_follows_from_precision_and_recall(method: str) -> None:
    for row in paper.PUBLISHED[method].classes:
        total = row.precision + row.recall
        f1 = 2 * row.precision * row.recall / total if total else 0.0
        assert row.f1 == pytest.approx(f1, abs=0.011)


def test_the_ensembles_members_are_the_two_best_of_the_paper() -> None:
    ranked = sorted(PAPER_NAMES, key=lambda name: paper.PUBLISHED[name].correct, reverse=True)
    assert set(paper.ENSEMBLE_MEMBERS) == set(ranked[:2])


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_the_baseline_is_the_papers_documented_configuration(name: str) -> None:
    point = paper.baseline(name.lower())
    assert point.to_dict() == {
        "backbone": name,
        "unfreeze": backbone_named(name).baseline_unfreeze,
        "scaling": "unit",
        "optimizer": OPTIMIZERS[name],
        "learning_rate": 5e-5,
        "batch_size": 32,
        "epochs": 10,
        "image_size": 150,
        "seed": 42,
        "weight_decay": 0.0,
        "momentum": 0.9,
        "label_smoothing": 0.0,
        "dropout": 0.5,
        "head": "paper",
        "warmup": 0,
        "schedule": "constant",
        "head_from": 0,
        "views": 1,
        "batch_norm": "updated",
    }


def test_the_papers_tables_name_every_backbone() -> None:
    assert set(paper.TABLE_1) == set(OPTIMIZERS) == set(PAPER_NAMES)


def test_the_papers_preset_has_its_sizes() -> None:
    sizes = (PAPER.image_size, PAPER.epochs, PAPER.batch_size)
    assert sizes == (paper.IMAGE_SIZE, paper.EPOCHS, paper.BATCH_SIZE)


@pytest.mark.parametrize("preset", [PAPER, DEMONSTRATION], ids=["paper", "demonstration"])
def test_a_preset_fits_every_backbone(preset: Preset) -> None:
    for name in PAPER_NAMES:
        paper.baseline(
            name,
            epochs=preset.epochs,
            batch_size=preset.batch_size,
            image_size=preset.image_size,
        )
    assert preset.trials > 0
