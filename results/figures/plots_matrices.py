"""Confusion matrices: rows the true class, columns the predicted one (Figures 3-20 and 28)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from results.figures.plots_curves import slug, spoken
from results.figures.scene import SMALL, WIDTH, Box, Item, Picture, Words, fitted
from results.scores.types import Summary

COUNTED = 12
"""Classes up to which each cell has its number; beyond, a pointer over a cell tells it."""

NAMED = 24
"""Classes up to which the rows have their names and the cells their words."""

LARGEST = 50
"""Classes beyond which a matrix is a fog, and its cells alone would outgrow the page."""

_SIDE, _TOP = 84, 46


def matrices(summary: Summary) -> Iterator[tuple[str, Picture]]:
    """By method (a trial's name, or `ensemble`): every baseline, every best, the ensemble."""
    names = summary.data.classes
    for backbone in summary.backbones:
        for method in spoken(backbone):
            if method.scores is not None and len(names) <= LARGEST:
                found = method.scores.confusion
                yield method.trial, _matrix(method.trial, method.trial, found, names)
    if summary.ensemble is not None and len(names) <= LARGEST:
        confusion = summary.ensemble.scores.confusion
        yield "ensemble", _matrix("ensemble", "Ensemble", confusion, names)


def _matrix(
    name: str, title: str, confusion: Sequence[Sequence[int]], names: Sequence[str]
) -> Picture:
    size = (WIDTH - _SIDE - 12) / len(names)
    items: list[Item] = [*_headings(names, size)]
    for true, row in enumerate(confusion):
        for predicted, count in enumerate(row):
            items.extend(_cell(names, true, predicted, count, sum(row), size))
    height = _TOP + size * len(names) + 10
    return Picture(
        name=f"{slug(name)}-confusion",
        title=f"{title}: confusion matrix, test",
        told=f"{title}, confusion matrix of the test photos. {_told(confusion, names)}",
        width=WIDTH,
        height=height,
        items=tuple(items),
    )


def _headings(names: Sequence[str], size: float) -> Iterator[Item]:
    yield Words(_SIDE, 16, "predicted class", "muted", SMALL)
    yield Words(8, _TOP - 12, "true class", "muted", SMALL)
    if len(names) > NAMED:
        return
    for number, name in enumerate(names):
        middle = _SIDE + size * (number + 0.5)
        heading = fitted(name, size - 4, SMALL) if len(names) <= 6 else str(number)
        yield Words(middle, _TOP - 8, heading, "ink", SMALL, "middle")
        label = name if len(names) <= 6 else f"{number}: {name}" if name != str(number) else name
        at = _TOP + size * (number + 0.5) + 4
        yield Words(_SIDE - 8, at, fitted(label, _SIDE - 14, SMALL), "ink", SMALL, "end")


def _cell(
    names: Sequence[str], true: int, predicted: int, count: int, support: int, size: float
) -> Iterator[Item]:
    """A cell as strong as its share of the row; empty ones only where they would be missed."""
    x, y = _SIDE + size * predicted, _TOP + size * true
    gap = 1 if len(names) <= NAMED else 0
    if len(names) <= NAMED:
        yield Box(x, y, size - gap, size - gap, "raised")
    if count:
        told = f"{fitted(names[true], 200)} taken for {fitted(names[predicted], 200)}: {count}"
        told = told if len(names) <= NAMED else ""
        strength = max(0.06, count / support)
        yield Box(x, y, size - gap, size - gap, "heat", strength, told)
    if len(names) <= COUNTED:
        style = "ink" if count else "muted"
        middle, bold = x + (size - gap) / 2, true == predicted
        yield Words(middle, y + size / 2 + 4, str(count), style, SMALL, "middle", bold)


def _told(confusion: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    if len(names) > COUNTED:
        return f"{len(names)} classes; the counts are in tables/confusion.csv."
    rows = (
        f"{fitted(name, 200)}: {row[number]} of {sum(row)} right"
        for number, (name, row) in enumerate(zip(names, confusion, strict=True))
    )
    return "; ".join(rows) + "."
