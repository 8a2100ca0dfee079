"""A traced or compiled function that tells how long tracing and compiling took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf


class CompiledFunction:
    """A `tf.function` whose calls that trace or compile are timed apart from those that only run.

    It takes a list of tensors, and others; only their first dimension may vary. It traces at its
    first call. Compiled by XLA, it is compiled again for every number of photos, so the last,
    smaller batch costs as much as the first; TensorFlow does not count that as a trace.

    Attributes:
        seconds_tracing: of the calls so far that traced or compiled, what they ran included.
        traced: the same function, for one that is being traced itself.
    """

    def __init__(
        self, function: Callable[..., Any], signature: list[Any], *, jit_compile: bool
    ) -> None:
        self.seconds_tracing = 0.0
        self._function = self.traced = tf.function(
            function, input_signature=signature, jit_compile=jit_compile
        )
        self._jit_compile = jit_compile
        self._known_sizes: set[int] = set()

    def __call__(self, tensors: list[Any], *others: Any) -> Any:
        size = int(tensors[0].shape[0]) if self._jit_compile else 0
        if size in self._known_sizes:
            return self._function(tensors, *others)
        started = time.perf_counter()
        outputs = self._function(tensors, *others)
        self.seconds_tracing += time.perf_counter() - started
        self._known_sizes.add(size)
        return outputs
