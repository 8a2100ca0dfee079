"""Runs frozen layers from some stored tensors, or the photos, to others, in inference mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from trainables.networks.backbones import Whole, output_of
from trainables.networks.compiled import Compiled
from trainables.networks.cuts import PHOTO
from trainables.networks.scaling import scaled


class Prefix:
    """Frozen layers between two sets of nodes, in inference mode; it reads rows of type `dtype`."""

    def __init__(
        self,
        whole: Whole,
        sources: tuple[int, ...],
        wanted: tuple[int, ...],
        kind: str,
        *,
        dtype: str = "float32",
        jit_compile: bool = False,
    ) -> None:
        model = whole.part(sources, wanted)

        def run(batch: list[Any]) -> list[Any]:
            outputs = as_list(model(network_inputs(batch, sources, kind), training=False))
            # Mixed precision computes in a half type, bfloat16 among them, which NumPy has not.
            return [tf.cast(one, "float32") for one in outputs]

        signature = [input_signature(whole, sources, dtype)]
        self._run = Compiled(run, signature, jit_compile=jit_compile)

    @property
    def seconds_tracing(self) -> float:
        """Of the calls so far, those that had to be traced or compiled."""
        return self._run.seconds

    def __call__(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of the wanted layers for one batch, each [n, ...] float32."""
        outputs = self._run([tf.convert_to_tensor(one) for one in batch])
        return [one.numpy() for one in outputs]


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def input_signature(whole: Whole, nodes: tuple[int, ...], dtype: str = "float32") -> list[Any]:
    """One TensorSpec per node for any number of photos; the photos themselves are uint8."""
    return [
        tf.TensorSpec(
            (None, *output_of(whole.layers[node]).shape[1:]), "uint8" if node == PHOTO else dtype
        )
        for node in nodes
    ]


def network_inputs(batch: list[Any], nodes: tuple[int, ...], kind: str) -> list[Any]:
    """Stored features as float32, photos scaled."""
    return [
        scaled(one, kind) if node == PHOTO else tf.cast(one, "float32")
        for one, node in zip(batch, nodes, strict=True)
    ]
