"""Ctrl-C, SIGTERM and SIGHUP as one exception, wherever in Ray they arrive."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

STOP = signal.SIGUSR2
"""What the guardian sends for any of them: Ray and Ray Tune put their own handlers on others."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, STOP)


class Interrupted(BaseException):
    """A signal asked for the end.

    Attributes:
        exit_code: 128 and the signal's number, as shells have it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def signals_as_exceptions(announce: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The first signal raises `Interrupted` in the main thread, a second ends at once.

    Args:
        announce: called at the first signal, before anything is ended, which takes its time.

    Raises:
        Interrupted: also in place of any other exception after a signal: compiled code of Ray turns
            what a handler raises into errors of its own.
    """
    seen: list[int] = []

    def handle(number: int, _: FrameType | None) -> NoReturn:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        with suppress(RuntimeError):  # the signal came in the middle of another line
            announce()
        raise Interrupted(number)

    with _handled_by(handle), _ending_where_lost():
        try:
            yield
        except Exception as fault:
            if seen:
                raise Interrupted(seen[0]) from fault
            raise


@contextmanager
def _ending_where_lost() -> Iterator[None]:
    """End this process where `Interrupted` was raised in a callback, which Python ignores."""
    before = sys.unraisablehook

    def unraisable(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, Interrupted):
            os._exit(lost.exc_value.exit_code)
        before(lost)

    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        sys.unraisablehook = before


@contextmanager
def signals_at_once() -> Iterator[None]:
    """Within `signals_as_exceptions`: a signal is announced, then ends this process, for the block.

    An exception would have to find its way through compiled code, which takes its time, prints what
    it makes of it, or loses it. What this process has started is the guardian's to end.
    """
    before = {int(number): signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> NoReturn:
        announced = before[number]
        with suppress(Interrupted):
            if callable(announced):
                announced(number, frame)
        os._exit(128 + number)

    with _handled_by(handle):
        yield


@contextmanager
def _handled_by(handle: Callable[[int, FrameType | None], NoReturn]) -> Iterator[None]:
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
