"""Bars on the terminal for the steps before the first trial: downloads, decoding, hashing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sweep.terminal.silence import Silence, print_plain, ticking

if TYPE_CHECKING:
    from trainables.progress import Progress as Report


@contextmanager
def showing(
    console: Console, clock: Callable[[], float] = time.monotonic, seconds: float = 1.0
) -> Iterator[Report]:
    """Yield a callable that draws one bar per stage; a pipe gets a line after a long silence.

    Args:
        clock: tells seconds, from whatever start.
        seconds: between looks at the clock.
    """
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    stages: dict[str, TaskID] = {}
    silence, latest = Silence(clock), "preparing"

    def report(stage: str, done: int, total: int | None) -> None:
        nonlocal latest
        if stage not in stages:
            stages[stage] = bars.add_task(stage, total=total)
        bars.update(stages[stage], completed=done, total=total)
        latest = f"{stage}, {100 * done / total:.0f} %" if total else stage

    def tick() -> None:
        if silence.is_due and not console.is_terminal:
            silence.broken()
            print_plain(console, f"{latest}, {silence.seconds:.0f} s so far")

    with bars, ticking(tick, seconds):
        yield report
