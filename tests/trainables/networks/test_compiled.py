"""Seconds of tracing and compiling: counted once per function, and under XLA per size of batch."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


def doubling(*, jit_compile: bool) -> Any:
    import tensorflow as tf

    from trainables.networks.compiled import CompiledFunction

    signature = [[tf.TensorSpec((None, 3), "float32")]]
    return CompiledFunction(lambda batch: 2 * batch[0], signature, jit_compile=jit_compile)


def rows(count: int) -> list[Any]:
    import tensorflow as tf

    return [tf.ones((count, 3))]


def test_what_cannot_be_compiled_fails_with_its_message() -> None:
    import tensorflow as tf

    from trainables.networks.compiled import CompiledFunction

    signature = [[tf.TensorSpec((None, 3), "float32")]]
    words = CompiledFunction(
        lambda batch: tf.strings.as_string(batch[0]), signature, jit_compile=True
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="AsString"):
        words(rows(2))


@pytest.mark.parametrize(("jit_compile", "counted"), [(False, False), (True, True)])
def test_another_size_of_batch_is_counted_where_xla_compiles_it(
    jit_compile: bool, counted: bool
) -> None:
    function = doubling(jit_compile=jit_compile)
    assert function.seconds_tracing == 0
    assert function(rows(4)).numpy().sum() == 24
    first = function.seconds_tracing
    function(rows(4))
    assert function.seconds_tracing == first > 0
    function(rows(3))
    assert (function.seconds_tracing > first) == counted
