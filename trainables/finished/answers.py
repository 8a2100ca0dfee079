"""Answers about photos, written as a line for people, JSON for programs, CSV for tables."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO
from unicodedata import category

from results.ledger.files import whole_or_absent
from results.ledger.units import csv_line
from trainables.finished.sources import Source
from trainables.photos.listing import safe_name

_BREAKING = ("Cc", "Zl", "Zp")
"""Unicode's categories of control characters and of what ends a line or a paragraph."""

_ERASE_LINE = "\r\x1b[K"
_SECONDS = 0.2
"""Between two changes of the progress line."""


@dataclass(frozen=True)
class Answer:
    """A photo's most probable class and the probability of every class, in the classes' order."""

    file: Source
    predicted: str
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        return max(self.probabilities)

    @property
    def name(self) -> str:
        """The file as any writer accepts it."""
        return safe_name(str(self.file))

    def ranked(self, classes: tuple[str, ...]) -> list[tuple[str, float]]:
        """Classes with their probabilities, the most probable first; ties in the classes' order."""
        return sorted(zip(classes, self.probabilities, strict=True), key=lambda pair: -pair[1])


@dataclass(frozen=True)
class Skipped:
    """A file that cannot be decoded, and why."""

    file: Source
    reason: str

    @property
    def name(self) -> str:
        """The file as any writer accepts it."""
        return safe_name(str(self.file))

    def __str__(self) -> str:
        return _on_one_line(f"skipped: {self.name}: {safe_name(self.reason)}")


def as_line(answer: Answer, classes: tuple[str, ...], top: int | None = None) -> str:
    r"""`file<TAB>class<TAB>probability`, the pair repeated for the next classes down to `top`.

    A tab, an end of line or another control character in a name is written as `\t`, `\n` and so on.
    """
    pairs = [
        f"{_on_one_line(name)}\t{share:.4f}" for name, share in answer.ranked(classes)[: top or 1]
    ]
    return "\t".join([_on_one_line(answer.name), *pairs])


def _on_one_line(text: str) -> str:
    return "".join(
        letter.encode("unicode_escape").decode() if category(letter) in _BREAKING else letter
        for letter in text
    )


def as_json(outcome: Answer | Skipped, classes: tuple[str, ...], top: int | None = None) -> str:
    """One object on one line: the file, and its class with probabilities, or why it has none.

    Args:
        top: how many probabilities, the highest first; None for all.
    """
    if isinstance(outcome, Skipped):
        return json.dumps(
            {"file": outcome.name, "error": safe_name(outcome.reason)}, ensure_ascii=False
        )
    ranked = outcome.ranked(classes)
    answer = {
        "file": outcome.name,
        "class": outcome.predicted,
        "probability": round(outcome.probability, 6),
        "probabilities": {name: round(share, 6) for name, share in ranked[:top]},
    }
    return json.dumps(answer, ensure_ascii=False)


@contextmanager
def csv_kept(path: Path | None, classes: tuple[str, ...]) -> Iterator[Callable[[Answer], None]]:
    """Yield what writes one answer to a CSV file, which is whole or absent; without a path nothing.

    Raises:
        EnvironmentRefusal: the disk is full, broken or read-only.
    """
    if path is None:
        yield lambda _: None
        return
    with whole_or_absent(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        yield _csv_writer(file, classes)


def _csv_writer(file: IO[str], classes: tuple[str, ...]) -> Callable[[Answer], None]:
    file.write(csv_line(["file", "class", "probability", *classes]))

    def write(answer: Answer) -> None:
        numbers = [f"{value:.6f}" for value in (answer.probability, *answer.probabilities)]
        file.write(csv_line([answer.name, answer.predicted, *numbers]))

    return write


class ProgressLine:
    """`1,234 photos, 56 a second`, at the end of a terminal; nothing where there is none.

    Args:
        terminal: where it is shown.
        clock: tells seconds, from whatever start.
    """

    def __init__(self, terminal: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = terminal if terminal.isatty() else None
        self._clock = clock
        self._started = self._drawn = clock()
        self._photos = 0

    def count(self) -> None:
        """One photo more."""
        self._photos += 1
        now = self._clock()
        if self._terminal is not None and now - self._drawn >= _SECONDS:
            rate = self._photos / (now - self._started)
            self._terminal.write(f"{_ERASE_LINE}{self._photos:,} photos, {rate:.0f} a second")
            self._terminal.flush()
            self._drawn = now

    def clear(self) -> None:
        """Make room for a line of something else."""
        if self._terminal is not None:
            self._terminal.write(_ERASE_LINE)
            self._terminal.flush()
