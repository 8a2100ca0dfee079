"""Two axes and what lies between them: ticks, a legend, lines and markers. Layout only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from results.figures.scene import SMALL, WIDTH, Item, Line, Marker, Picture, Words, breadth, fitted

HEIGHT = 230
_RIGHT, _TOP, _BOTTOM = 14, 12, 42
_LEGEND_ROW = 18
_RULE_WORD = 10
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """One direction: where it begins and ends, and its ticks as (value, text)."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        label: in the legend; an empty one has no entry.
        joined: a line connects them.
        told: what a pointer over each point says; empty, or as long as `points`.
    """

    label: str
    colour: str
    points: tuple[tuple[float, float], ...]
    shape: str = "circle"
    joined: bool = True
    dashed: bool = False
    told: tuple[str, ...] = ()


def numbers(label: str, values: Sequence[float], *, percent: bool = False) -> Axis:
    """A linear axis around the values; percentages stay within 0 and 100."""
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - pad, high + pad
    if percent:
        low, high = max(0.0, low), min(1.0, high)
    step = _step(high - low)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = [(n * step, _number(n * step, step, percent)) for n in range(first, last + 1)]
    return Axis(label, low, high, tuple(ticks))


def counted(label: str, most: int) -> Axis:
    """Epochs: whole numbers from 1, with room on both sides."""
    step = max(1, math.ceil(most / 10))
    ticks = [(n, str(n)) for n in range(1, most + 1) if (n - 1) % step == 0]
    return Axis(label, 0.8, most + 0.2, tuple((float(n), text) for n, text in ticks))


def powers(label: str, values: Sequence[float]) -> Axis:
    """A logarithmic axis with round ticks; a linear one where the values lie close together."""
    if max(values) < 4 * min(values):
        return numbers(label, values)
    low, high = min(values) / 1.3, max(values) * 1.3
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in ((1,), (1, 3), (1, 2, 5)):
        ticks = [(part * 10.0**e, _power(part, e)) for e in exponents for part in parts]
        inside = tuple(tick for tick in ticks if low <= tick[0] <= high)
        if len(inside) >= 3:
            break
    return Axis(label, low, high, inside, logarithmic=True)


def named(label: str, names: Sequence[str]) -> Axis:
    """One place per name, from 0."""
    return Axis(label, -0.5, len(names) - 0.5, tuple((float(n), x) for n, x in enumerate(names)))


@dataclass(frozen=True)
class Plane:
    """A finished plan of a chart: `picture` lays it out.

    Attributes:
        rule: an x at which a vertical line stands, and its word; None for no line.
    """

    name: str
    title: str
    told: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    rule: tuple[float, str] | None = None


def picture(plane: Plane) -> Picture:
    """Lay a chart out: the legend above, the axes, then the series in their order."""
    left = 30 + max(breadth(text, SMALL) for _, text in (*plane.y.ticks, (0.0, "100")))
    legend, top = _legend(plane, left)
    top += _RULE_WORD if plane.rule else 0
    height = HEIGHT + top
    frame = _Frame(plane, left, top, height - _BOTTOM)
    items: list[Item] = [*legend, *frame.axes()]
    for series in plane.series:
        items.extend(frame.series(series))
    return Picture(plane.name, plane.title, plane.told, WIDTH, height, tuple(items))


def _legend(plane: Plane, left: float) -> tuple[list[Item], float]:
    """Entries in as many rows as they need, and where the axes begin."""
    items: list[Item] = []
    x, y = left, 14.0
    for series in plane.series:
        if not series.label:
            continue
        label = fitted(series.label, WIDTH - left - 40, SMALL)
        room = 26 + breadth(label, SMALL) + 16
        if x + room > WIDTH and x > left:
            x, y = left, y + _LEGEND_ROW
        if series.joined:
            items.append(Line(((x, y - 4), (x + 20, y - 4)), series.colour, 2, series.dashed))
        items.append(Marker(x + 10, y - 4, series.colour, series.shape, 3.5))
        items.append(Words(x + 25, y, label, "ink", SMALL))
        x += room
    return items, y + _TOP if items else float(_TOP)


@dataclass(frozen=True)
class _Frame:
    """From values to pixels."""

    plane: Plane
    left: float
    top: float
    bottom: float

    def x(self, value: float) -> float:
        return self.left + self.plane.x.share(value) * (WIDTH - self.left - _RIGHT)

    def y(self, value: float) -> float:
        return self.bottom - self.plane.y.share(value) * (self.bottom - self.top)

    def axes(self) -> Iterator[Item]:
        plane, end = self.plane, WIDTH - _RIGHT
        for value, text in plane.y.ticks:
            at = self.y(value)
            yield Line(((self.left, at), (end, at)), "line")
            yield Words(self.left - 6, at + 4, text, "muted", SMALL, "end")
        yield Line(((self.left, self.bottom), (end, self.bottom)), "axis")
        for value, text in plane.x.ticks:
            at = self.x(value)
            yield Line(((at, self.bottom), (at, self.bottom + 4)), "axis")
            yield Words(at, self.bottom + 17, text, "muted", SMALL, "middle")
        middle = (self.left + end) / 2
        yield Words(middle, self.bottom + 35, plane.x.label, "muted", SMALL, "middle")
        up = (self.top + self.bottom) / 2
        yield Words(12, up, plane.y.label, "muted", SMALL, "middle", turned=True)
        if plane.rule is not None:
            yield from self._rule(*plane.rule)

    def _rule(self, value: float, word: str) -> Iterator[Item]:
        at = self.x(value)
        yield Line(((at, self.top), (at, self.bottom)), "axis", 1, True)
        last = self.plane.x.share(value) > 0.7
        yield Words(
            at + (-4 if last else 4),
            self.top - 3,
            word,
            "muted",
            SMALL,
            "end" if last else "start",
        )

    def series(self, series: Series) -> Iterator[Item]:
        places = tuple((self.x(x), self.y(y)) for x, y in series.points)
        if series.joined and len(places) > 1:
            yield Line(places, series.colour, 2, series.dashed)
        told = series.told or ("",) * len(places)
        for (x, y), words in zip(places, told, strict=True):
            size = 2.6 if series.joined else 4.0
            yield Marker(x, y, series.colour, series.shape, size, words)


def _step(span: float) -> float:
    """A round step that gives about five ticks."""
    rough = span / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return power * next(one for one in _STEPS if one * power >= 0.8 * rough)


def _power(part: int, exponent: int) -> str:
    return f"{part * 10.0**exponent:g}" if -2 <= exponent <= 4 else f"{part}e{exponent}"


def _number(value: float, step: float, percent: bool) -> str:
    scale = 100 if percent else 1
    digits = max(0, -math.floor(math.log10(step * scale) + 1e-9))
    if step * scale * 10**digits % 1 > 1e-6:
        digits += 1
    return f"{value * scale:,.{digits}f}"
