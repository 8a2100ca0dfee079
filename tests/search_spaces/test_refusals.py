"""How a refusal reads, and that it survives the way from a worker to the driver."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.refusals import (
    DataRefusal,
    EnvironmentRefusal,
    Refusal,
    UsageRefusal,
    one_of,
)

NAMES = ("VGG16", "Xception", "ResNet50")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("VGG19", "Did you mean VGG16?"),
        ("xceptoin", "Did you mean Xception?"),
        ("resnet-50", "Did you mean ResNet50?"),
        ("", "Choose from: VGG16, Xception, ResNet50."),
        ("zzzzzz", "Choose from: VGG16, Xception, ResNet50."),
    ],
)
def test_an_unknown_name_is_refused_with_all_names_and_the_nearest(given: str, hint: str) -> None:
    with pytest.raises(UsageRefusal) as refused:
        one_of(given, NAMES, what="backbone", where="--backbones")
    line = str(refused.value)
    assert line.endswith(hint)
    assert "(--backbones)" in line
    assert all(name in line for name in NAMES)


@pytest.mark.parametrize("given", ["vgg16", "VGG16", "  vGG16\t"])
def test_a_name_is_known_in_any_case(given: str) -> None:
    assert one_of(given, NAMES, what="backbone", where="") == "VGG16"


@pytest.mark.parametrize(
    ("refusal", "line"),
    [
        (Refusal("no room"), "no room."),
        (Refusal("no room", where="/x"), "no room (/x)."),
        (Refusal("no room", fix="Make some."), "no room. Make some."),
        (Refusal("no\nroom", where="a\r\nb", fix="Make\u2028some."), "no room (a b). Make some."),
    ],
)
def test_a_refusal_is_one_line_that_says_what_where_and_the_remedy(
    refusal: Refusal, line: str
) -> None:
    assert str(refusal) == line


@given(what=st.text(), where=st.text(), fix=st.text())
def test_no_text_makes_a_refusal_more_than_one_line(what: str, where: str, fix: str) -> None:
    line = str(Refusal(what, where=where, fix=fix))
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("kind", "code"), [(UsageRefusal, 2), (DataRefusal, 3), (EnvironmentRefusal, 4)]
)
def test_a_refusal_keeps_kind_code_and_words_over_a_pickle(kind: type[Refusal], code: int) -> None:
    back = pickle.loads(pickle.dumps(kind("no room", where="/x", fix="Make some.")))
    assert type(back) is kind
    assert back.exit_code == code
    assert (back.what, back.where, back.fix) == ("no room", "/x", "Make some.")
