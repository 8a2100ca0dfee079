"""How seconds, bytes and names from outside are written, wherever they are shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

UNKNOWN = "-"


def size(number: float) -> str:
    """Bytes as `1.2 GB` or `12.3 MB`, in decimal units."""
    megabytes = round(number / 1e6, 1)
    return f"{megabytes:,.1f} MB" if megabytes < 1000 else f"{number / 1e9:,.1f} GB"


def duration(seconds: float | None) -> str:
    """Seconds as `250 h`, `1 h 02 min`, `3 min 05 s` or `4.2 s`; negative ones with a minus."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 100:
        return f"{hours:,} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def csv_line(cells: Iterable[object]) -> str:
    r"""A line of a CSV file, ended by `\n`.

    Python's writer quotes carriage returns only where they end lines, and readers end a line at
    any: a class may be called so.
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"


def clean(text: object) -> str:
    """One line without control characters: each that cannot be printed becomes U+FFFD."""
    line = " ".join(str(text).split())
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line
    )
