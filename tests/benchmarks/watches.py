"""What a probe holds beside `train`: a clock for the first epoch, and a count of traces."""

from __future__ import annotations

import time
from typing import Any

from results.ledger.records import EpochRecord


class FirstEpoch:
    """A report that notes the seconds from its making to the first epoch's end."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = time.perf_counter()

    def __call__(self, epoch: EpochRecord) -> None:
        if epoch.epoch == 1:
            self.seconds = time.perf_counter() - self._started


def functions_recorded() -> list[Any]:
    """From now on, every `tf.function` that is made is put in the list that this returns."""
    import tensorflow as tf

    made: list[Any] = []
    make = tf.function

    def recording(*positional: Any, **named: Any) -> Any:
        function = make(*positional, **named)
        made.append(function)
        return function

    tf.function = recording
    return made


def traces(made: list[Any]) -> int:
    counted = [one for one in made if hasattr(one, "experimental_get_tracing_count")]
    return sum(one.experimental_get_tracing_count() for one in counted)
