"""How long work tells how far it is: one callable, passed in by whoever wants to show it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""(stage in words, units done, units in total or None if unknown); called from one thread."""


def quiet(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""
