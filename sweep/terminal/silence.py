"""Breaks long silences: says what is being done, and for how long, where nothing moves on a screen.

    with doing(console, "writing the report"):
        ...

A terminal shows it at once, until it is done; a pipe or a log gets a line per `SECONDS_OF_SILENCE`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

SECONDS_OF_SILENCE = 25.0
"""After so long without a line, a log gets one: at least one in half a minute."""


class Silence:
    """Knows when a line is due.

    Args:
        clock: tells seconds, from whatever start.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = self._last = clock()

    def broken(self) -> None:
        """Something was printed."""
        self._last = self._clock()

    @property
    def is_due(self) -> bool:
        return self._clock() - self._last >= SECONDS_OF_SILENCE

    @property
    def seconds(self) -> float:
        """Since the start."""
        return self._clock() - self._started


def print_plain(console: Console, line: str) -> None:
    """Show a line as it is, so that a path in it can be copied."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def ticking(tick: Callable[[], None], seconds: float = 1.0) -> Iterator[None]:
    """Call something every so often, in a thread of its own, for the time of the block."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            tick()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def doing(
    console: Console, what: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Say what the block does."""
    if console.is_terminal:
        with console.status(escape(what)):
            yield
        return
    silence = Silence(clock)

    def tick() -> None:
        if silence.is_due:
            silence.broken()
            print_plain(console, f"still {what}, {silence.seconds:.0f} s")

    with ticking(tick):
        yield
