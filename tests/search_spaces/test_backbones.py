"""The catalogue is data: every entry's own names agree with each other."""

from __future__ import annotations

import pytest

from search_spaces.backbones import CATALOGUE, HEAD, NAMES, SCALINGS, Backbone, backbone_named
from search_spaces.refusals import UsageRefusal

each_backbone = pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)


@pytest.mark.parametrize("name", ["", "VGG19", "head", "all"])
def test_a_backbone_outside_the_catalogue_is_refused(name: str) -> None:
    with pytest.raises(UsageRefusal, match="--backbones"):
        backbone_named(name)


def test_the_catalogue_has_the_six_of_the_paper_each_once() -> None:
    assert sorted(NAMES) == [
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
    place = entry.points.index(entry.paper_point)
    assert place > 0
    assert len(entry.points) - 1 - place >= 2


@each_backbone
def test_a_head_is_made_of_known_layers_and_starts_from_a_vector(entry: Backbone) -> None:
    kinds = [layer.partition(":")[0] for layer in entry.head]
    assert set(kinds) <= {"gap", "flatten", "batch_norm", "dense", "dropout"}
    assert sum(kind in ("gap", "flatten") for kind in kinds) == 1
    assert "dense" not in kinds[: next(at for at, one in enumerate(kinds) if one != "batch_norm")]


@each_backbone
def test_scaling_and_sizes_are_of_a_known_kind(entry: Backbone) -> None:
    assert entry.native_scaling in ("raw", "tf", "caffe")
    assert entry.smallest_image >= 32
    assert entry.layers > len(entry.points)


def test_the_papers_scaling_comes_first() -> None:
    assert SCALINGS == ("unit", "native")
