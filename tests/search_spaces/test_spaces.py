"""Search spaces by name and from a file: what does not fit is refused in one line."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import paper
from search_spaces.backbones import HEAD, NAMES, backbone_named
from search_spaces.refusals import UsageRefusal
from search_spaces.space import DIMENSIONS, Categorical, SearchSpace
from search_spaces.spaces import NAMED_SPACES, parse_space, space_from

BY_NAME = {named.name: named.space for named in NAMED_SPACES}


def test_an_unknown_space_is_refused_and_the_nearest_offered() -> None:
    with pytest.raises(UsageRefusal, match=r"Did you mean wide\?"):
        parse_space("wied")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "at least one dimension"),
        ("[optimizer", "TOML"),
        ("learning_rate = 1e-3", "a table is needed"),
        ("[learning_rat]", r"Did you mean learning_rate\?"),
        ("[optimizer]\n[Optimizer]", "again"),
        ("[epochs]", "no search dimension"),
        ("[learning_rate]\nlows = 1e-5", r"Did you mean low\?"),
        ("[learning_rate]\nchoices = [1e-5]", "no key"),
        ("[learning_rate]\nlow = 1e-3\nhigh = 1e-5", "low < high"),
        ("[learning_rate]\nlow = 0", "low < high"),
        ("[learning_rate]\nhigh = inf", "low < high"),
        ("[learning_rate]\nlow = nan", "low < high"),
        ("[learning_rate]\nlow = '1e-5'", "low < high"),
        ("[learning_rate]\nlow = true", "low < high"),
        ("[optimizer]\nlow = 1", "no key"),
        ("[optimizer]\nchoices = []", "at least one value"),
        ("[optimizer]\nchoices = 'adam'", "must be a list"),
        ("[optimizer]\nchoices = ['adm']", r"Did you mean adam\?"),
        ("[optimizer]\nchoices = [1]", "a name is needed"),
        ("[optimizer]\nchoices = ['adam', 'ADAM']", "needed once"),
        ("[unfreeze]\nchoices = ['head']", "each backbone's own"),
        ("[dropout]\nchoices = [1.0]", "below 1"),
        ("[momentum]\nchoices = [-0.1]", "from 0"),
        ("[momentum]\nchoices = ['0.9']", "must be a number"),
        ("[weight_decay]\nchoices = [nan]", "must be a number"),
        ("[warmup]\nchoices = [0.5]", "whole number"),
        ("[warmup]\nchoices = [-1]", "from 0"),
        ("[batch_size]\nchoices = [0]", "at least 1"),
        ("[batch_size]\nchoices = ['16']", "whole number"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(
    text: str, named: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageRefusal, match=named) as refused:
        parse_space(str(path))
    assert "mine.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe[", b"x = " + b"[" * 3000])
def test_a_file_that_cannot_be_read_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageRefusal, match="readable TOML"):
        parse_space(str(path))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from(DIMENSIONS) | st.text(max_size=8),
        st.dictionaries(st.sampled_from(["low", "high", "choices", "step"]), _VALUES) | _VALUES,
        max_size=4,
    )
)
def test_any_tables_make_a_space_of_valid_configurations_or_are_refused(
    tables: dict[str, Any],
) -> None:
    try:
        space = space_from(tables, where="a file")
    except UsageRefusal:
        return
    base = paper.baseline("VGG16")
    for dimension in space.dimensions("VGG16"):
        values = (
            dimension.choices
            if isinstance(dimension, Categorical)
            else (dimension.low, dimension.high)
        )
        for value in values:
            SearchSpace((dimension.name,), space.ranges).configured(base, {dimension.name: value})


def test_a_file_says_what_varies_and_how_far(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "[optimizer]\nchoices = ['SGD', 'adam']\n[unfreeze]\n[learning_rate]\nlow = 1e-5\n"
        "[momentum]\nchoices = [0, 0.5]\n"
    )
    space = parse_space(str(path))
    assert space.varied == ("learning_rate", "optimizer", "unfreeze", "momentum")
    assert space.ranges == {
        "learning_rate": (1e-5, 1e-2),
        "optimizer": ("sgd", "adam"),
        "momentum": (0.0, 0.5),
    }


def test_standard_is_the_default_and_wide_has_every_dimension() -> None:
    assert BY_NAME["standard"] == SearchSpace()
    assert BY_NAME["wide"].varied == DIMENSIONS
    assert parse_space(" WIDE ") == BY_NAME["wide"]


@pytest.mark.parametrize("name", NAMES)
def test_a_dimension_that_can_change_nothing_is_left_out(name: str) -> None:
    space = SearchSpace(("momentum", "dropout", "head"))
    names = {dimension.name for dimension in space.dimensions(name)}
    assert "momentum" not in names, "no baseline uses SGD"
    dense = {"EfficientNetB0", "InceptionV3", "VGG16"}
    assert ("dropout" in names) == (name in dense)
    assert ("head" in names) == (name in dense | {"ResNet50"})


def test_a_value_that_changes_nothing_keeps_the_baselines() -> None:
    space, base = SearchSpace(("optimizer", "momentum", "dropout", "head")), paper.baseline("VGG16")
    values = {"optimizer": "adam", "momentum": 0.0, "dropout": 0.25, "head": "pooled"}
    config = space.configured(base, values)
    assert (config.momentum, config.dropout, config.head) == (0.9, 0.5, "pooled")
    config = space.configured(base, {**values, "optimizer": "sgd", "head": "paper"})
    assert (config.momentum, config.dropout, config.head) == (0.0, 0.25, "paper")


def test_batch_normalization_varies_only_where_a_layer_with_it_is_trained() -> None:
    space = SearchSpace(("unfreeze", "batch_norm"))
    without = [name for name in NAMES if len(space.dimensions(name)) == 1]
    assert without == ["VGG16", "ConvNeXtTiny"]
    heads = SearchSpace(("unfreeze", "batch_norm"), {"unfreeze": (HEAD,)})
    assert [one.name for one in heads.dimensions("Xception")] == ["unfreeze"]
    base = paper.baseline("Xception")
    for point, kept in ((HEAD, "updated"), (base.unfreeze, "frozen")):
        config = space.configured(base, {"unfreeze": point, "batch_norm": "frozen"})
        assert config.batch_norm == kept
    points = len(backbone_named("Xception").points)
    assert space.size("Xception") == 1 + 2 * (points - 1)


def test_a_value_that_changes_nothing_does_not_put_a_configuration_outside() -> None:
    space = SearchSpace(
        ("optimizer", "momentum"), {"optimizer": ("adam", "sgd"), "momentum": (0.0, 0.8)}
    )
    base = paper.baseline("VGG16")  # Adam, and a momentum of 0.9 that nothing reads
    assert space.place_of(base) == {"optimizer": "adam", "momentum": 0.0}
    assert space.contains(dataclasses.replace(base, optimizer="sgd", momentum=0.8))
    assert not space.contains(dataclasses.replace(base, optimizer="sgd"))


_FINITE = tuple(name for name in DIMENSIONS if name not in ("learning_rate", "unfreeze"))


@given(st.lists(st.sampled_from(_FINITE), min_size=1, max_size=4, unique=True))
def test_the_size_counts_the_configurations_that_differ(varied: list[str]) -> None:
    base, space = paper.baseline("VGG16"), SearchSpace(tuple(varied))
    dimensions = [one for one in space.dimensions("VGG16") if isinstance(one, Categorical)]
    different = {
        space.configured(base, dict(zip([one.name for one in dimensions], values, strict=True)))
        for values in itertools.product(*(one.choices for one in dimensions))
    }
    assert space.size("VGG16") == len(different)
