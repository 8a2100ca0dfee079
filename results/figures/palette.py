"""The report's colours by role, light and dark: figures and the page name roles, never colours.

The hues of the first six backbones were searched for: any two are at least 12 CIELAB units apart,
also as seen with red, green or blue blindness (Machado et al. 2009), and each has a contrast of 3
to the page. Further hues follow a rule. A shape goes with each, so that no figure depends on colour
alone.
"""

from __future__ import annotations

import colorsys
from collections.abc import Mapping

from search_spaces.backbones import NAMES

_ROLES = {
    "paper": ("#ffffff", "#14171c"),
    "raised": ("#f6f7f9", "#1c2027"),
    "line": ("#dadee5", "#343a44"),
    "axis": ("#8b939f", "#6f7885"),
    "muted": ("#59616d", "#a7afba"),
    "ink": ("#1c2127", "#e7eaee"),
    "accent": ("#3451b2", "#a4b6ff"),
    "heat": ("#7c97ea", "#4660c4"),
    "warning": ("#fff4d6", "#3a2f12"),
    "edge": ("#8a6100", "#e2b84d"),
    "good": ("#1d6b3a", "#74cf95"),
    "bad": ("#a8322a", "#ff968c"),
    "cached": ("#d7e3fb", "#26365e"),
    "frozen": ("#e6e8ec", "#333944"),
    "trained": ("#fbdcc0", "#5c3a1c"),
    "head": ("#f6c9d5", "#5d2b3c"),
    "b0": ("#0b3d91", "#4f7fe0"),
    "b1": ("#2196c4", "#7fdcf5"),
    "b2": ("#0f7a4d", "#3fb97f"),
    "b3": ("#9a8700", "#f2e27a"),
    "b4": ("#d1495b", "#ff9e64"),
    "b5": ("#a0408c", "#d58bf0"),
}
"""Light and dark colour of each role."""

_GOLDEN = 0.618034
"""Of a turn, between one further hue and the next: they stay apart, however many there are."""

_FILLED = (
    *("circle", "square", "triangle", "diamond", "cross", "down"),
    *("star", "hexagon", "left", "saltire", "pentagon", "right"),
)
SHAPES = (*_FILLED, *(f"hollow {shape}" for shape in _FILLED))
"""Markers, one per backbone; they start again after the last."""


def schemes(backbones: int) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The light and the dark `#rrggbb` by role, `b0`, `b1`, ... for so many backbones."""
    more = {
        f"b{number}": (_hue(number, 0.33, 0.62), _hue(number, 0.72, 0.68))
        for number in range(backbones)
    }
    roles = {**more, **_ROLES}
    light = {role: pair[0] for role, pair in roles.items()}
    return light, {role: pair[1] for role, pair in roles.items()}


def _hue(number: int, lightness: float, saturation: float) -> str:
    parts = colorsys.hls_to_rgb(number * _GOLDEN % 1, lightness, saturation)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


LIGHT, DARK = schemes(len(NAMES))


def colour(backbone: str) -> str:
    """A backbone's role, the same everywhere; a neutral one outside the catalogue (old runs)."""
    return f"b{NAMES.index(backbone)}" if backbone in NAMES else "muted"


def shape(backbone: str) -> str:
    """A backbone's marker, one of `SHAPES`; a circle outside the catalogue."""
    return SHAPES[NAMES.index(backbone) % len(SHAPES)] if backbone in NAMES else SHAPES[0]


def css() -> str:
    """The roles as CSS variables, chosen by the reader's system or by `data-theme` on the root."""
    light, dark = (
        f"color-scheme:{name};" + "".join(f"--{role}:{value};" for role, value in colours.items())
        for name, colours in (("light", LIGHT), ("dark", DARK))
    )
    return (
        f":root{{{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f":root[data-theme=light]{{{light}}}:root[data-theme=dark]{{{dark}}}"
    )
