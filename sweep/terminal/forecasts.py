"""What was told of a sweep's end while it ran, held against when it ended."""

from __future__ import annotations

from dataclasses import dataclass

_STEP = 1.02
"""A note follows the last one 2 % later, so that a long sweep has a few hundred."""


@dataclass(frozen=True)
class Forecast:
    """Seconds.

    Attributes:
        elapsed: since the start, or the resumption.
        told: to be left, then.
        left: in truth.
    """

    elapsed: float
    told: float
    left: float

    @property
    def error(self) -> float:
        """As a share of what was left; below 0 where too little was told."""
        return self.told / self.left - 1


class Forecasts:
    """Remembers what is told."""

    def __init__(self) -> None:
        self._told: list[tuple[float, float]] = []

    def is_due(self, elapsed: float) -> bool:
        """Whether what is told now is worth a note."""
        return not self._told or elapsed >= _STEP * self._told[-1][0]

    def note(self, elapsed: float, left: float) -> None:
        self._told.append((elapsed, left))

    def after(self, share: float, seconds: float) -> Forecast | None:
        """The last one before this share of a sweep that took so many seconds; None if none was."""
        earlier = [note for note in self._told if note[0] <= share * seconds]
        if not earlier:
            return None
        elapsed, told = earlier[-1]
        return Forecast(elapsed, told, seconds - elapsed)
