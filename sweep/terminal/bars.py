"""Bars on the terminal for the steps before the first trial: downloads, decoding, hashing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from trainables.progress import Progress as Report


@contextmanager
def showing(console: Console) -> Iterator[Report]:
    """Yield a callable that draws one bar per stage; silent where there is no terminal."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    stages: dict[str, TaskID] = {}

    def report(stage: str, done: int, total: int | None) -> None:
        if stage not in stages:
            stages[stage] = bars.add_task(stage, total=total)
        bars.update(stages[stage], completed=done, total=total)

    with bars:
        yield report
