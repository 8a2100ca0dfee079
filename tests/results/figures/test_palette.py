"""Colours and shapes: one per backbone however many there are, with contrast in both schemes."""

from __future__ import annotations

import pytest

from results.figures.palette import DARK, LIGHT, SHAPES, colour, css, schemes, shape
from results.figures.style import marker
from search_spaces.backbones import NAMES


@pytest.mark.parametrize("backbones", [len(NAMES), 24])
def test_both_schemes_know_the_same_roles_and_text_has_contrast(backbones: int) -> None:
    light, dark = schemes(backbones)
    assert set(light) == set(dark)
    for palette in (light, dark):
        assert len(set(palette.values())) == len(palette)
        for ground in ("paper", "raised", "warning", "cached", "frozen", "trained", "head", "heat"):
            assert _contrast(palette["ink"], palette[ground]) >= 4.5, ground
        for words in ("muted", "accent", "good", "bad"):
            assert _contrast(palette[words], palette["paper"]) >= 4.5, words
        for number in range(backbones):
            assert _contrast(palette[f"b{number}"], palette["paper"]) >= 3.0, number


def test_each_backbone_has_a_colour_and_a_shape_of_its_own() -> None:
    assert len({LIGHT[colour(name)] for name in NAMES}) == len(NAMES)
    assert len({shape(name) for name in NAMES}) == len(NAMES) <= len(SHAPES)
    looks = [str(marker("ink", name, 5)) for name in SHAPES]
    assert len(set(looks)) == len(SHAPES)


def test_a_backbone_outside_the_catalogue_is_drawn_in_a_neutral_colour() -> None:
    assert colour("NASNetMobile2") in LIGHT
    assert colour("NASNetMobile2") not in {colour(name) for name in NAMES}
    assert shape("NASNetMobile2") in SHAPES


def test_the_style_sheet_has_every_role_in_both_schemes_by_system_and_by_choice() -> None:
    sheet = css()
    for role in LIGHT:
        assert sheet.count(f"--{role}:{LIGHT[role]};") == 2
        assert sheet.count(f"--{role}:{DARK[role]};") == 2


def _contrast(first: str, second: str) -> float:
    """WCAG 2's ratio."""
    lights = sorted((_luminance(first), _luminance(second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour_code: str) -> float:
    parts = [int(colour_code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
