"""When a silent training process is taken for one that hangs: by its own measured times.

A process gives a sign of life every second, whatever it does; and where it goes step by step, it
says so. The longest of each that was seen decides how long the next may take.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sweep.process.activity import Activity

LEAST_SECONDS = 60.0
_TIMES_THE_LONGEST = 20
_TIMES_THE_LEAST_TO_START = 10
"""A disk may take minutes for TensorFlow's library, while Python stands still."""
LOADING = "loading TensorFlow"
_STEPWISE = ("training", "predicting")
"""Stages of which each step is told. Others may take what they take: a lock, a compiler, a disk."""


class Patience:
    """How long one training process may be silent.

    Args:
        least: seconds.
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self, least: float = LEAST_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._least = least
        self._clock = clock
        self._life = self._step = 0.0
        self._longest_silence = self._longest_step = 0.0
        self._stepwise = False
        self._has_started = False
        self.start()

    def start(self) -> None:
        """A trial begins; what was before it is no silence."""
        self._life = self._step = self._clock()
        self._stepwise = False

    def heard(self, message: object) -> None:
        """Take up whatever the process sent: a sign of life, an activity, an epoch."""
        now = self._clock()
        self._longest_silence = max(self._longest_silence, now - self._life)
        self._life = now
        if not isinstance(message, SignOfLife):
            self._longest_step = max(self._longest_step, now - self._step)
            self._step = now
            self._has_started = not (isinstance(message, Activity) and message.stage == LOADING)
            self._stepwise = isinstance(message, Activity) and message.stage in _STEPWISE

    @property
    def seconds_left(self) -> float:
        """Until it is taken for hanging; not positive if it is."""
        left = self._life + self._limit(self._longest_silence)
        if self._stepwise:
            left = min(left, self._step + self._limit(self._longest_step))
        return left - self._clock()

    @property
    def verdict(self) -> str:
        """What is wrong with a process for which there is no patience left."""
        now = self._clock()
        if now - self._life >= self._limit(self._longest_silence):
            return f"no sign of life for {now - self._life:.0f} s"
        return f"no step for {now - self._step:.0f} s"

    def _limit(self, longest: float) -> float:
        least = self._least * (1 if self._has_started else _TIMES_THE_LEAST_TO_START)
        return max(least, _TIMES_THE_LONGEST * longest)


class SignOfLife:
    """Sent about once a second by a training process, whatever else it does."""
