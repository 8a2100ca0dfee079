"""The kinds of columns that tables have: how a value of each is written, sorted and coloured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Flag, auto
from typing import Any

from results.ledger.units import UNKNOWN, duration, size
from results.report.format import between, difference, p_value, percent, points, whole
from results.scores.confirmation_types import SeedTest, Told
from results.scores.metrics import Outcome, Verdict

NAMED_MEMBERS = 6
"""Members of an ensemble that the terminal names."""


class Place(Flag):
    """Where a column or a row is shown."""

    TERMINAL = auto()
    PAGE = auto()
    CSV = auto()
    SHOWN = TERMINAL | PAGE
    ALL = TERMINAL | PAGE | CSV


@dataclass(frozen=True)
class Label:
    """A name with the colour of its backbone; `backbone` is empty where there is none."""

    text: str
    backbone: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Kind:
    """How the values of a column look; None is shown as a dash by every kind.

    Attributes:
        name: by which the template knows a kind that needs its own markup.
        show: the text of a value.
        number: what a value is sorted by; None for kinds that are sorted by their text.
        brief: the text in the terminal, where it is another one.
        tone: `good`, `bad`, `strong`, `faint` or nothing, by value.
        wraps: whether long texts may be broken into lines.
    """

    name: str
    show: Callable[[Any], str] = str
    number: Callable[[Any], float | None] | None = None
    brief: Callable[[Any], str] | None = None
    tone: Callable[[Any], str] = lambda _: ""
    wraps: bool = False

    def text(self, value: Any, place: Place = Place.PAGE) -> str:
        """A value as shown in the terminal or on the page."""
        if value is None:
            return UNKNOWN
        return self.brief(value) if self.brief and place is Place.TERMINAL else self.show(value)

    def sort_key(self, value: Any) -> float | None:
        """What a numeric cell is sorted by; None for a missing value, which sorts last."""
        return None if value is None or self.number is None else self.number(value)


def weighted(members: tuple[str, ...]) -> list[str]:
    """An ensemble's members by weight, as `3 x VGG16/t01` where one is repeated."""
    weights = Counter(members).most_common()
    return [f"{count} x {trial}" if count > 1 else trial for trial, count in weights]


def _few_members(members: tuple[str, ...]) -> str:
    named = weighted(members)
    rest = len(named) - NAMED_MEMBERS
    return ", ".join(named[:NAMED_MEMBERS] + ([f"{rest} more"] if rest > 0 else []))


def _decimal(digits: int) -> Callable[[Any], str]:
    """Measured floats with `digits` digits; whole numbers and `Decimal`s, as published."""
    return lambda value: f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def _numeric(name: str, show: Callable[[Any], str], **more: Any) -> Kind:
    return Kind(name, show, number=more.pop("number", float), **more)


def _amount(amount: tuple[str, float | None]) -> str:
    unit, value = amount
    if value is None:
        return UNKNOWN
    shows = {"seconds": duration, "bytes": size}
    return shows[unit](value) if unit in shows else whole(int(value))


def _outcome(verdict: Verdict | str) -> str:
    return verdict if isinstance(verdict, str) else verdict.outcome


def _photos_to_tell(test: SeedTest) -> str:
    if test.photos is not None:
        return whole(test.photos)
    seen = "seeds differ too much" if test.difference else "no difference seen"
    return f"none would: {seen}"


_TONES: dict[str, str] = {
    **{Outcome.ABOVE: "good", Outcome.BELOW: "bad"},
    **{Told.BETTER: "good", Told.WORSE: "bad"},
}

TEXT = Kind("text", wraps=True)
WORD = Kind("word")
NAME = Kind("name", wraps=True)
"""A class or a file: named outside, in any script and direction."""
LABEL = Kind("label", wraps=True)
"""A `Label`."""
TRIAL = Kind("trial", wraps=True)
MEMBERS = Kind("members", lambda value: ", ".join(weighted(value)), brief=_few_members, wraps=True)
VERDICT = Kind("verdict", _outcome, tone=lambda value: _TONES.get(_outcome(value), ""))
"""A `Verdict`, or the status of a method without one."""
TOLD = Kind("verdict", tone=lambda value: _TONES.get(value, ""))
"""What fresh seeds say, in words."""

COUNT = _numeric(
    "count",
    lambda value: value if isinstance(value, str) else whole(value),
    number=lambda value: None if isinstance(value, str) else float(value),
)
"""A whole number, or a word such as `most`."""
PERCENT = _numeric("percent", percent)
PERCENT_3 = _numeric("percent", lambda share: percent(share, 3))
POINTS = _numeric("points", points)
INTERVAL = _numeric("interval", between, number=lambda interval: interval.low)
DIFFERENCE = _numeric("difference", difference, number=lambda interval: interval.low)
RATIO = _numeric(
    "ratio",
    "{0[0]} of {0[1]}".format,
    number=lambda ratio: float(ratio[0]),
    brief="{0[0]}/{0[1]}".format,
)
"""A pair of counts: the first of the second."""
P_VALUE = _numeric("p", p_value)
SPREAD = _numeric(
    "spread",
    lambda spread: f"{percent(spread.mean)}±{percent(spread.deviation)}",
    number=lambda spread: spread.mean,
)
"""A `Spread` over seeds, in percent."""
PHOTOS_TO_TELL = _numeric(
    "photos",
    _photos_to_tell,
    number=lambda test: test.photos,
    brief=lambda test: "none" if test.photos is None else whole(test.photos),
)
"""How many test photos would tell the difference of a `SeedTest`."""
SECONDS = _numeric("seconds", duration)
BYTES = _numeric("bytes", size)
RATE = _numeric("rate", "{:.3g}".format)
LOSS = _numeric("loss", "{:.4f}".format)
SCORE = _numeric("score", _decimal(3))
SHARE = _numeric(
    "share",
    lambda share: f"{share.mean:.2f}±{share.spread:.2f}",
    number=lambda share: share.mean,
)
"""A `Share`; its spread is one standard deviation."""
TENTHS = _numeric("tenths", _decimal(1))
PARAMETERS = _numeric(
    "parameters", lambda value: f"{value / 1e6} M" if isinstance(value, float) else whole(value)
)
"""Counted ones are whole numbers; the published ones are millions, given as a float."""
AMOUNT = _numeric("amount", _amount, number=lambda amount: amount[1])
"""A pair of `seconds`, `bytes` or `photos`, and how many."""
CELL = _numeric(
    "cell",
    lambda cell: str(cell[0]),
    number=lambda cell: float(cell[0]),
    tone=lambda cell: "strong" if cell[1] else "bad" if cell[0] else "faint",
)
"""A pair of a confusion matrix: photos, and whether they lie on the diagonal."""


def published(number: float) -> Decimal:
    """A figure that the paper rounded to two digits, with these digits."""
    return Decimal(f"{number:.2f}")
