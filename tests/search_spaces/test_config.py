"""Points and boxes: what does not fit is refused in one line, the rest comes back as it was."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.ledger.serialise import from_json
from search_spaces import paper
from search_spaces.backbones import CATALOGUE, GROUPS, NAMES, SCALINGS, backbone_named
from search_spaces.config import OPTIMIZERS, TrialConfig, TrialId
from search_spaces.refusals import UsageRefusal, whole_number
from search_spaces.space import (
    DEFAULT_SEARCH,
    DIMENSIONS,
    Categorical,
    LogUniform,
    SearchSpace,
    parse_backbones,
    parse_search,
)

BASELINE = paper.baseline("Xception")


@st.composite
def points(draw: st.DrawFn) -> TrialConfig:
    entry = draw(st.sampled_from(CATALOGUE))
    return TrialConfig(
        backbone=entry.name,
        unfreeze=draw(st.sampled_from(entry.points)),
        scaling=draw(st.sampled_from(SCALINGS)),
        optimizer=draw(st.sampled_from(OPTIMIZERS)),
        learning_rate=draw(st.floats(1e-12, 10)),
        batch_size=draw(st.integers(1, 1024)),
        epochs=draw(st.integers(1, 1000)),
        image_size=draw(st.integers(entry.smallest_image, 600)),
        seed=draw(st.integers(0, 2**40)),
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backbone", "VGG19"),
        ("unfreeze", "block5_conv1"),
        ("unfreeze", ""),
        ("scaling", "imagenet"),
        ("optimizer", "lion"),
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("batch_size", 0),
        ("batch_size", 1.5),
        ("epochs", True),
        ("epochs", "10"),
        ("image_size", 70),
        ("seed", -1),
        ("weight_decay", -1e-3),
        ("weight_decay", math.nan),
        ("momentum", 1.0),
        ("label_smoothing", 1),
        ("dropout", 1.0),
        ("dropout", True),
        ("head", "flat"),
        ("warmup", -1),
        ("warmup", 0.5),
        ("schedule", "step"),
    ],
)
def test_a_point_outside_its_bounds_is_refused_and_the_field_named(field: str, value: Any) -> None:
    with pytest.raises(UsageRefusal) as refused:
        dataclasses.replace(BASELINE, **{field: value})
    assert refused.value.where == field


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda values: values.pop("seed"), "seed"),
        (lambda values: values.update(nesterov=True), "nesterov"),
        (lambda values: values.clear(), "backbone"),
    ],
    ids=["missing", "unknown", "empty"],
)
def test_a_configuration_with_other_fields_is_refused(change: Any, named: str) -> None:
    values = BASELINE.to_dict()
    change(values)
    with pytest.raises(ValueError, match=f"no TrialConfig: .*{named}"):
        from_json(TrialConfig, values)


@pytest.mark.parametrize("rates", [(0.0, 1e-2), (-1e-3, 1e-2), (1e-2, 1e-3), (math.nan, 1e-2)])
def test_a_box_without_an_inside_is_refused(rates: tuple[float, float]) -> None:
    with pytest.raises(UsageRefusal, match="low <= high"):
        SearchSpace(ranges={"learning_rate": rates}).dimensions("xception")


@pytest.mark.parametrize(
    "values", [{}, {"optimizer": "sgd", "scaling": "unit"}, {"learning_rate": 1e-3, "scaling": "u"}]
)
def test_a_point_with_other_dimensions_than_the_box_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(UsageRefusal, match="search space"):
        SearchSpace(varied=("learning_rate", "optimizer")).configured(BASELINE, values)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "all"),
        (" , ,", "all"),
        ("vgg16,", "each side of a comma"),
        ("vgg16,,xception", "each side of a comma"),
        ("xception,VGG17", "VGG16"),
        ("xception;vgg16", "Xception"),
    ],
)
def test_backbones_that_do_not_exist_are_refused(text: str, hint: str) -> None:
    with pytest.raises(UsageRefusal, match="--backbones") as refused:
        parse_backbones(text)
    assert hint in str(refused.value)


@pytest.mark.parametrize("text", ["", ",", "lr", "learning_rate,nesterov", "learning rate"])
def test_dimensions_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(UsageRefusal, match="--search"):
        parse_search(text)


@pytest.mark.parametrize("value", [0, -1, 1.0, "3", None, True, math.nan, [1]])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(UsageRefusal, match="at least 1"):
        whole_number(value, at_least=1, where="--trials")


@given(st.text(max_size=30))
def test_any_text_is_read_as_backbones_in_the_catalogues_order_or_refused(text: str) -> None:
    try:
        names = parse_backbones(text)
    except UsageRefusal:
        return
    assert names == tuple(name for name in NAMES if name in names) != ()


@pytest.mark.parametrize("text", ["VGG16,VGG16", "vgg16, Xception ,VGG16", "all,ALL"])
def test_a_backbone_named_twice_is_refused(text: str) -> None:
    with pytest.raises(UsageRefusal, match="twice"):
        parse_backbones(text)


def test_a_dimension_named_twice_is_refused() -> None:
    with pytest.raises(UsageRefusal, match="'optimizer' twice"):
        parse_search("optimizer,scaling,optimizer")


@given(st.lists(st.sampled_from(NAMES), min_size=1, unique=True), st.data())
def test_named_backbones_come_once_and_in_the_catalogues_order(
    names: list[str], data: st.DataObject
) -> None:
    cases = st.sampled_from([str.upper, str.lower, str.title, lambda name: f"  {name} "])
    text = ",".join(data.draw(cases)(name) for name in names)
    assert parse_backbones(text) == tuple(name for name in NAMES if name in names)


@given(st.lists(st.sampled_from(DIMENSIONS), min_size=1, unique=True))
def test_named_dimensions_come_once_and_in_their_fixed_order(names: list[str]) -> None:
    assert parse_search(",".join(names)) == tuple(name for name in DIMENSIONS if name in names)


def test_all_names_the_papers_six_and_modern_the_others_in_any_case() -> None:
    assert parse_backbones("all") == parse_backbones(" ALL ") == GROUPS["all"]
    assert parse_backbones("Modern") == GROUPS["modern"]


def test_groups_and_names_mix() -> None:
    assert parse_backbones("modern,vgg16") == ("VGG16", *GROUPS["modern"])
    assert parse_backbones("modern, all,xception") == NAMES


@given(points())
def test_a_point_comes_back_from_json_with_its_key(point: TrialConfig) -> None:
    back = from_json(TrialConfig, json.loads(json.dumps(point.to_dict())))
    assert back == point
    assert back.key == point.key
    assert len(point.key) == 16


@given(points(), points())
def test_points_have_the_same_key_only_if_they_are_equal(
    one: TrialConfig, other: TrialConfig
) -> None:
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("backbone", "InceptionV3"),
        ("unfreeze", "head"),
        ("scaling", "native"),
        ("optimizer", "sgd"),
        ("learning_rate", 5.000001e-5),
        ("batch_size", 33),
        ("epochs", 11),
        ("image_size", 151),
        ("seed", 43),
        ("weight_decay", 1e-4),
        ("momentum", 0.8),
        ("label_smoothing", 0.1),
        ("dropout", 0.25),
        ("head", "pooled"),
        ("warmup", 1),
        ("schedule", "cosine"),
    ],
)
def test_every_field_is_in_the_key(field: str, value: Any) -> None:
    start = dataclasses.replace(
        BASELINE, unfreeze="head" if field == "backbone" else "block14_sepconv1"
    )
    assert dataclasses.replace(start, **{field: value}).key != start.key


def test_a_box_has_one_dimension_per_name_in_the_fixed_order() -> None:
    box = SearchSpace(varied=DIMENSIONS).dimensions("InceptionV3")
    assert tuple(one.name for one in box) == DIMENSIONS
    assert box[0] == LogUniform("learning_rate", 1e-6, 1e-2)
    assert box[2] == Categorical("unfreeze", backbone_named("InceptionV3").points)
    assert {one.name for one in box} < {field.name for field in dataclasses.fields(TrialConfig)}


def test_what_is_not_searched_keeps_the_baselines_value() -> None:
    space = SearchSpace(varied=("learning_rate",))
    point = space.configured(BASELINE, {"learning_rate": 1e-3})
    assert point == dataclasses.replace(BASELINE, learning_rate=1e-3)
    assert SearchSpace().varied == DEFAULT_SEARCH == DIMENSIONS[:4]


@pytest.mark.parametrize(
    "name",
    [
        *("", "Xception", "Xception/t1", "Xception/07", "a/b/t01"),
        *("Xception/t07-s0", "Xception/t07-s", "Xception/t07-s01", "Xception/-s1"),
    ],
)
def test_what_is_no_trials_name_is_refused(name: str) -> None:
    with pytest.raises(UsageRefusal, match="BACKBONE/t07"):
        TrialId.parse(name)


@pytest.mark.parametrize(
    ("number", "repeat", "name"),
    [
        (0, 0, "VGG16/baseline"),
        (7, 0, "VGG16/t07"),
        (123, 0, "VGG16/t123"),
        (0, 1, "VGG16/baseline-s1"),
        (7, 12, "VGG16/t07-s12"),
    ],
)
def test_a_trials_name_is_its_backbone_number_and_repeat(
    number: int, repeat: int, name: str
) -> None:
    assert TrialId("VGG16", number, repeat).name == name
    assert TrialId.parse(name) == TrialId("VGG16", number, repeat)
