"""A picture as data: lines, boxes, markers and texts at places, colours named by role.

A picture is laid out once; `scene_svg` writes it into the page, `scene_png` into a file, and both
show the same. Coordinates are pixels from the upper left corner of a picture `width` wide.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from results.report.format import clean

WIDTH = 360
"""Of a usual picture: what a phone shows without shrinking its letters."""

SMALL, NORMAL = 11, 12
"""Letter sizes in pixels."""


@dataclass(frozen=True)
class Line:
    """A polyline through `points`."""

    points: tuple[tuple[float, float], ...]
    colour: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `strength` in 0..1 is its opacity, `told` what a pointer over it says."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    strength: float = 1.0
    told: str = ""


@dataclass(frozen=True)
class Marker:
    """One of the palette's shapes around a point."""

    x: float
    y: float
    colour: str
    shape: str = "circle"
    size: float = 4.0
    told: str = ""


@dataclass(frozen=True)
class Words:
    """A text; `anchor` is `start`, `middle` or `end`; `turned` runs it upwards."""

    x: float
    y: float
    text: str
    colour: str = "ink"
    size: int = NORMAL
    anchor: str = "start"
    bold: bool = False
    turned: bool = False


Item = Line | Box | Marker | Words


@dataclass(frozen=True)
class Picture:
    """A finished layout.

    Attributes:
        name: of its file, and its id in the page; letters, digits and hyphens.
        title: what it shows.
        told: the same for those who cannot see it, with its main figures.
    """

    name: str
    title: str
    told: str
    width: float
    height: float
    items: tuple[Item, ...]


def breadth(text: str, size: int = NORMAL) -> float:
    """About how wide a text will be, in pixels: no font is known while a page is laid out."""
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return size * (0.56 * (len(text) - wide) + wide)


def fitted(text: str, room: float, size: int = NORMAL) -> str:
    """A name from outside, on one line, cut to the room it has."""
    line = clean(text)
    if breadth(line, size) <= room:
        return line
    while line and breadth(line + "…", size) > room:
        line = line[:-1]
    return line + "…"


def corners(marker: Marker) -> tuple[tuple[float, float], ...]:
    """A marker's outline; empty for a circle."""
    x, y, r = marker.x, marker.y, marker.size
    thin = r / 3
    outlines: dict[str, tuple[tuple[float, float], ...]] = {
        "square": ((-r, -r), (r, -r), (r, r), (-r, r)),
        "triangle": ((0, -1.2 * r), (1.2 * r, r), (-1.2 * r, r)),
        "down": ((0, 1.2 * r), (1.2 * r, -r), (-1.2 * r, -r)),
        "diamond": ((0, -1.3 * r), (1.3 * r, 0), (0, 1.3 * r), (-1.3 * r, 0)),
        "cross": (
            *((-thin, -r), (thin, -r), (thin, -thin), (r, -thin), (r, thin), (thin, thin)),
            *((thin, r), (-thin, r), (-thin, thin), (-r, thin), (-r, -thin), (-thin, -thin)),
        ),
    }
    return tuple((x + dx, y + dy) for dx, dy in outlines.get(marker.shape, ()))
