"""Confusion matrices: rows the true class, columns the predicted one (Figures 3-20 and 28)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from results.figures.palette import LIGHT
from results.figures.style import EDGE, SMALL, WIDTH, Picture, box, canvas, fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Confusion = Sequence[Sequence[int]]
"""[true class][predicted class] counts."""

COUNTED = 12
"""Classes up to which each cell has its number; beyond, a pointer over a cell tells it."""

NAMED = 24
"""Classes up to which the rows have their names and the cells a tooltip."""

LARGEST = 50
"""Classes beyond which a matrix is illegible, and its cells would outgrow the page."""

_WRITTEN_OUT = 6
"""Classes up to which the columns have names; beyond, they have numbers."""

_LEFT, _TOP, _SIDE = 84, 46, WIDTH - 84 - EDGE
_LONGEST = 1200
"""Pixels of a class name in a tooltip or description."""


def matrix(name: str, title: str, confusion: Confusion, classes: Sequence[str]) -> Picture:
    """The matrix of a trial or of the ensemble, of at most `LARGEST` classes."""
    figure, axes = canvas(_TOP + _SIDE + 10)
    axes.text(_LEFT, 16, "predicted class", color=LIGHT["muted"])
    axes.text(8, _TOP - 8, "true class", color=LIGHT["muted"])
    if len(classes) <= NAMED:
        box(axes, (_LEFT, _TOP, _SIDE, _SIDE), "raised")
    for true in range(len(classes)):
        for predicted in range(len(classes)):
            _cell(axes, confusion, classes, true, predicted)
    if len(classes) <= NAMED:
        _headings(axes, classes)
    description = f"{title}, confusion matrix of the test photos. {_described(confusion, classes)}"
    heading = f"{title}: confusion matrix, test"
    return Picture(f"{name.replace('/', '-')}-confusion", heading, description, figure)


def _headings(axes: Axes, classes: Sequence[str]) -> None:
    """The classes' names, and lines between their rows and columns."""
    size, written_out = _SIDE / len(classes), len(classes) <= _WRITTEN_OUT
    gaps, look = [size * number for number in range(1, len(classes))], {"color": LIGHT["paper"]}
    axes.hlines([_TOP + gap for gap in gaps], _LEFT, _LEFT + _SIDE, linewidth=1, **look)
    axes.vlines([_LEFT + gap for gap in gaps], _TOP, _TOP + _SIDE, linewidth=1, **look)
    for number, name in enumerate(classes):
        middle = size * (number + 0.5)
        heading = fitted(name, size - 4, SMALL) if written_out else str(number)
        axes.text(_LEFT + middle, _TOP - 8, heading, ha="center")
        label = name if written_out or name == str(number) else f"{number}: {name}"
        label = fitted(label, _LEFT - 14, SMALL)
        axes.text(_LEFT - 8, _TOP + middle, label, ha="right", va="center_baseline")


def _cell(
    axes: Axes, confusion: Confusion, classes: Sequence[str], true: int, predicted: int
) -> None:
    """A cell as strong as its share of the row; an empty one has at most its zero."""
    count, size = confusion[true][predicted], _SIDE / len(classes)
    x, y = _LEFT + size * predicted, _TOP + size * true
    if count:
        first, second = (fitted(classes[number], _LONGEST) for number in (true, predicted))
        tip = f"{first} taken for {second}: {count}" if len(classes) <= NAMED else ""
        strength = max(0.06, count / sum(confusion[true]))
        box(axes, (x, y, size, size), "heat", strength=strength, tip=tip)
    if len(classes) <= COUNTED:
        text = axes.text(x + size / 2, y + size / 2, str(count), ha="center", va="center_baseline")
        text.set(color=LIGHT["ink" if count else "muted"])
        text.set(weight="bold" if true == predicted else "normal")


def _described(confusion: Confusion, classes: Sequence[str]) -> str:
    if len(classes) > COUNTED:
        return f"{len(classes)} classes; the counts are in tables/confusion.csv."
    rows = (
        f"{fitted(name, _LONGEST)}: {row[number]} of {sum(row)} right"
        for number, (name, row) in enumerate(zip(classes, confusion, strict=True))
    )
    return "; ".join(rows) + "."
