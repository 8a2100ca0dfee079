"""What a training process is doing besides its epochs: a word for the screen, nothing else.

Numbers never depend on it. It is sent beside the epochs, at most about once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_SECONDS_BETWEEN = 1.0


@dataclass(frozen=True)
class Activity:
    """What a running trial does.

    Attributes:
        stage: in words, such as `features`.
        share: of the stage that is done, 0..1; None where that is not known.
    """

    stage: str
    share: float | None = None


class ActivityReporter:
    """Turns progress into activities: a new stage at once, its share at most once a second.

    Args:
        send: takes what is to be shown.
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self, send: Callable[[Activity], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._clock = clock
        self._stage = ""
        self._sent = clock()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """See `trainables.progress.Progress`."""
        now = self._clock()
        if stage == self._stage and now - self._sent < _SECONDS_BETWEEN:
            return
        self._stage, self._sent = stage, now
        self._send(Activity(stage, min(1.0, done / total) if total else None))
