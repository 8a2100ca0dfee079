"""How long-running work reports its progress: to one callable that its caller passes in."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int | None], None]
"""(stage in words, units done, units in total or None if unknown); called from one thread."""


def quiet(stage: str, done: int, total: int | None) -> None:
    """Show nothing."""
