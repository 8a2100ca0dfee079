"""How numbers and names look in a terminal; nothing is computed here beyond formatting."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from results.scores.metrics import Interval, Outcome
from results.scores.types import Summary

NOTHING = "-"
VERDICT_STYLES = {Outcome.ABOVE: "green", Outcome.INSIDE: "green", Outcome.BELOW: "red"}


def new_table(summary: Summary, title: str, *, caption: str = "") -> Table:
    """An empty table whose title repeats what kind of run it belongs to."""
    return empty_table(marked(summary, title), caption=caption)


def empty_table(title: str, *, caption: str = "") -> Table:
    """An empty table in the one look that all tables share."""
    return Table(
        title=plain(title, style="bold"),
        caption=plain(caption) if caption else None,
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
        caption_justify="left",
    )


def marked(summary: Summary, title: str) -> str:
    """`DEMONSTRATION, PARTIAL: title`, as far as it is so."""
    marks = [
        mark
        for mark, holds in (
            ("DEMONSTRATION", summary.demonstration),
            ("PARTIAL", not summary.complete),
        )
        if holds
    ]
    return f"{', '.join(marks)}: {title}" if marks else title


def columns(table: Table, *, words: tuple[str, ...], numbers: tuple[str, ...] = ()) -> None:
    """Add columns of words, which wrap, and then columns of numbers, which do not."""
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)


def plain(name: str, style: str = "") -> Text:
    """A name from outside, without markup, control characters or line breaks of its own."""
    words = " ".join(name.split())
    return Text("".join(one if one.isprintable() else "�" for one in words), style=style)


def two_lines(first: str, second: str) -> Text:
    """A name, and below it what there is to say about it."""
    return plain(first).append("\n").append_text(plain(second, style="dim"))


def percent(share: float | None, *, digits: int = 2) -> str:
    """`95.88` for 0.95875."""
    return NOTHING if share is None else f"{100 * share:.{digits}f}"


def points(difference: float | None) -> str:
    """`+1.25` percentage points for 0.0125."""
    return NOTHING if difference is None else f"{100 * difference:+.2f}"


def between(interval: Interval | None) -> str:
    """`94.3-97.0`, in percent."""
    if interval is None:
        return NOTHING
    return f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def p_value(p: float | None) -> str:
    """Two digits that count, or that it is below one in ten thousand."""
    if p is None:
        return NOTHING
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def whole(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def size(number: int) -> str:
    """`1.2 GB` or `12.3 MB`, in decimal units."""
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def duration(seconds: float | None) -> str:
    """`1 h 02 min`, `3 min 05 s` or `4.2 s`; with a minus sign where it is negative."""
    if seconds is None:
        return NOTHING
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def told_of_saving(summary: Summary) -> str:
    """What the estimate of saved seconds is made of, and why one is missing."""
    told = (
        "Seconds saved are an estimate: for trials that read stored features, the multiply-adds of "
        "the layers before the unfreeze point, for every photo of every epoch, at the speed of the "
        "run's own frozen passes, less the seconds that the trials spent on features."
    )
    if summary.costs.total.seconds_saved is None:
        told += f" {NOTHING}: the run timed no frozen pass, its features were stored already."
    return told
