"""The catalogue is data: every entry's own names agree with each other."""

from __future__ import annotations

import pytest

from search_spaces.backbones import (
    CATALOGUE,
    GROUPS,
    HEAD,
    NAMES,
    SCALINGS,
    Backbone,
    NativeScaling,
    backbone_named,
)
from search_spaces.heads import BatchNormalization, Dense, Flatten, GlobalAveragePooling
from search_spaces.refusals import UsageRefusal

each_backbone = pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)


@pytest.mark.parametrize("name", ["", "VGG19", "head", "all"])
def test_a_backbone_outside_the_catalogue_is_refused(name: str) -> None:
    with pytest.raises(UsageRefusal, match="--backbones"):
        backbone_named(name)


def test_the_catalogue_names_each_backbone_once_and_all_are_the_six_of_the_paper() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert sorted(GROUPS["all"]) == [
        "EfficientNetB0",
        "InceptionResNetV2",
        "InceptionV3",
        "ResNet50",
        "VGG16",
        "Xception",
    ]


@each_backbone
def test_a_backbone_is_found_by_its_name_in_any_case(entry: Backbone) -> None:
    assert backbone_named(entry.name.upper()) is entry
    assert backbone_named(entry.name.lower()) is entry


@each_backbone
def test_points_are_different_names_from_the_head_to_the_earliest(entry: Backbone) -> None:
    assert entry.points[0] == HEAD
    assert len(set(entry.points)) == len(entry.points)
    assert all(point == point.strip() and point for point in entry.points)


@each_backbone
def test_no_point_is_a_name_that_keras_numbers_by_what_was_built_before(entry: Backbone) -> None:
    numbered = ("conv2d", "batch_normalization", "activation", "add", "concatenate", "dropout")
    assert [
        point for point in entry.points if point.rstrip("0123456789").rstrip("_") in numbered
    ] == []


@each_backbone
def test_the_papers_point_is_searched_with_at_least_two_earlier_ones(entry: Backbone) -> None:
    place = entry.points.index(entry.baseline_unfreeze)
    assert place > 0
    assert len(entry.points) - 1 - place >= 2


@each_backbone
def test_a_head_is_made_of_known_layers_and_starts_from_a_vector(entry: Backbone) -> None:
    kinds = [type(layer) for layer in entry.head]
    assert sum(kind in (GlobalAveragePooling, Flatten) for kind in kinds) == 1
    before = kinds[: next(at for at, kind in enumerate(kinds) if kind is not BatchNormalization)]
    assert Dense not in before


@each_backbone
def test_scaling_and_sizes_are_of_a_known_kind(entry: Backbone) -> None:
    assert entry.native_scaling in tuple(NativeScaling)
    assert entry.smallest_image >= 32
    assert len(bytes.fromhex(entry.weights.md5 or entry.weights.sha256 or "")) in (16, 32)
    assert entry.weights.file.endswith((".h5", ".weights.h5"))


def test_the_papers_scaling_comes_first() -> None:
    assert SCALINGS == ("unit", "native")
