"""Pieces of the page. `Html` is text that may stand in the page as it is; all other is escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NewType

import numpy as np
from numpy.typing import NDArray

from results.figures.palette import colour
from results.figures.style import Picture
from results.report import drawing
from results.report.drawing import between, percent, plain
from results.scores.metrics import Interval, Outcome
from results.scores.types import Summary

Html = NewType("Html", str)

Thumbnails = Mapping[int, NDArray[np.uint8]]
"""By dataset row: [64, 64, 3] RGB."""

LONGEST_NAME = 240
"""Letters of a name from outside; more tell nobody anything, and thousands break a page."""

FEW_COLUMNS = 3
"""Up to which a table keeps its columns together instead of filling the page."""

_VERDICTS: dict[str, str] = {Outcome.ABOVE: "good", Outcome.INSIDE: "good", Outcome.BELOW: "bad"}


@dataclass(frozen=True)
class Cell:
    """A table's cell: what is shown, and the number it is sorted by (None: by its text).

    Attributes:
        kind: `n` for a number, `w` for words that may wrap, empty for a short word.
    """

    shown: Html
    value: float | None = None
    kind: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        anchor: its id.
        link: its name in the navigation.
        body: never empty: what is missing is said in words.
    """

    anchor: str
    link: str
    title: str
    body: Html


def text(value: object) -> Html:
    """Escape anything from outside: one line, no control characters, not too long."""
    clean = plain(str(value)).plain
    if len(clean) > LONGEST_NAME:
        clean = clean[:LONGEST_NAME] + "…"
    return Html(escape(clean))


def name(value: object) -> Html:
    """A class, a file or a path, which may run from right to left without turning its line."""
    return Html(f"<bdi>{text(value)}</bdi>")


def several(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def joined(parts: Iterable[Html], between_them: str = "") -> Html:
    """Pieces one after the other."""
    return Html(between_them.join(parts))


def paragraph(words: Html, kind: str = "") -> Html:
    """A paragraph of escaped words."""
    return Html(f'<p class="{kind}">{words}</p>' if kind else f"<p>{words}</p>")


def say(words: str, kind: str = "") -> Html:
    """A paragraph of plain words, however long."""
    return paragraph(Html(escape(words)), kind)


def words(value: Html) -> Cell:
    return Cell(value, kind="w")


def share(fraction: float | None, digits: int = 2) -> Cell:
    """A fraction in percent."""
    return Cell(Html(percent(fraction, digits=digits)), fraction, "n", numeric=True)


def number(shown: str, value: float | None = None) -> Cell:
    """A formatted number; without a value it sorts last."""
    return Cell(text(shown), value, "n", numeric=True)


def span(interval: Interval | None) -> Cell:
    """An interval in percent, sorted by its lower end."""
    return number(between(interval), interval.low if interval else None)


def verdict_mark(outcome: str) -> Html:
    """The outcome, coloured where it is good or bad news."""
    kind = _VERDICTS.get(outcome)
    return Html(f'<span class="{kind}">{text(outcome)}</span>') if kind else text(outcome)


def dotted(backbone: str, label: str) -> Html:
    """A label behind its backbone's colour."""
    hue = colour(backbone)
    dot = f'<span class="dot" style="background:var(--{hue})"></span>'
    return Html(f'<span class="tag">{dot}{text(label)}</span>')


def table(
    summary: Summary,
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    kinds: Sequence[str] | None = None,
) -> Html:
    """A sortable table in a container that scrolls; its caption repeats what kind of run it is.

    Args:
        kinds: a row's class, `strong` or `faint`, one per row.
    """
    listed = list(rows)
    marks = kinds or [""] * len(listed)
    numeric = [cell.kind == "n" for cell in listed[0]] if listed else [False] * len(heads)
    head = "".join(
        f'<th scope="col" class="n">{text(one)}</th>' if n else f'<th scope="col">{text(one)}</th>'
        for one, n in zip(heads, numeric, strict=True)
    )
    body = "".join(_row(row, kind) for row, kind in zip(listed, marks, strict=True))
    small = " small" if len(heads) <= FEW_COLUMNS else ""
    told = escape(drawing.marked(summary, caption))
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="sortable{small}"><caption><span>{told}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def figures(pictures: Iterable[Picture]) -> Html:
    """Pictures side by side, as many as fit."""
    drawn = "".join(
        f'<figure id="{escape(one.name)}"><figcaption>{text(one.title)}</figcaption>{one.svg()}'
        "</figure>"
        for one in pictures
    )
    return Html(f'<div class="figures">{drawn}</div>' if drawn else "")


def beside(drawn: Html, told: Html) -> Html:
    """A picture and what belongs to it: side by side where there is room."""
    return Html(f'<div class="beside"><div>{drawn}</div><div>{told}</div></div>' if drawn else told)


def trial(label: str) -> Html:
    """A trial's name, unbroken."""
    return Html(f'<span class="tag">{text(label)}</span>')


def folded(title: str, content: Html) -> Html:
    """Content behind a line that opens it, without a script."""
    return Html(f"<details><summary>{escape(title)}</summary>{content}</details>")


def heading(title: Html, anchor: str = "") -> Html:
    """A section's inner heading."""
    return Html(f'<h3 id="{escape(anchor)}">{title}</h3>' if anchor else f"<h3>{title}</h3>")


def thumbnail(pixels: NDArray[np.uint8] | None, alt: str) -> Html:
    """A small photo inside the page, or a box that says there is none."""
    if pixels is None:
        return Html('<span class="none">not kept</span>')
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    data = base64.b64encode(content.getvalue()).decode()
    return Html(
        f'<img width="96" height="96" alt="{text(alt)}" src="data:image/png;base64,{data}">'
    )


def _row(cells: Sequence[Cell], kind: str) -> str:
    first, *others = cells
    mark = f' class="{kind}"' if kind else ""
    body = "".join(f"<td{_attributes(one)}>{one.shown}</td>" for one in others)
    return f'<tr{mark}><th scope="row"{_attributes(first)}>{first.shown}</th>{body}</tr>'


def _attributes(cell: Cell) -> str:
    kind = f' class="{cell.kind}"' if cell.kind else ""
    if not cell.numeric:
        return kind
    return f'{kind} data-value="{"" if cell.value is None else repr(cell.value)}"'
