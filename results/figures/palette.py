"""The report's colours by role, light and dark: pictures and the page name roles, never colours.

The six backbones' hues were searched for: any two are at least 12 CIELAB units apart, also as seen
with red, green or blue blindness (Machado et al. 2009), and each has a contrast of 3 to the page. A
shape goes with each, so that no picture depends on colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.backbones import NAMES

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "raised": "#f6f7f9",
    "line": "#dadee5",
    "axis": "#8b939f",
    "muted": "#59616d",
    "ink": "#1c2127",
    "accent": "#3451b2",
    "heat": "#7c97ea",
    "warning": "#fff4d6",
    "edge": "#8a6100",
    "good": "#1d6b3a",
    "bad": "#a8322a",
    "cached": "#d7e3fb",
    "frozen": "#e6e8ec",
    "trained": "#fbdcc0",
    "head": "#f6c9d5",
    "b0": "#0b3d91",
    "b1": "#2196c4",
    "b2": "#0f7a4d",
    "b3": "#9a8700",
    "b4": "#d1495b",
    "b5": "#a0408c",
}
DARK: Mapping[str, str] = {
    "paper": "#14171c",
    "raised": "#1c2027",
    "line": "#343a44",
    "axis": "#6f7885",
    "muted": "#a7afba",
    "ink": "#e7eaee",
    "accent": "#a4b6ff",
    "heat": "#4660c4",
    "warning": "#3a2f12",
    "edge": "#e2b84d",
    "good": "#74cf95",
    "bad": "#ff968c",
    "cached": "#26365e",
    "frozen": "#333944",
    "trained": "#5c3a1c",
    "head": "#5d2b3c",
    "b0": "#4f7fe0",
    "b1": "#7fdcf5",
    "b2": "#3fb97f",
    "b3": "#f2e27a",
    "b4": "#ff9e64",
    "b5": "#d58bf0",
}
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "down")
"""Markers, one per backbone."""


def colour(backbone: str) -> str:
    """A backbone's role in the palettes, the same everywhere."""
    return f"b{NAMES.index(backbone)}"


def shape(backbone: str) -> str:
    """A backbone's marker."""
    return SHAPES[NAMES.index(backbone)]
