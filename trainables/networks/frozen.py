"""Frozen layers, and what they and the trained part read: stored tensors, or the photos."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainables.networks.backbones import FullNetwork
from trainables.networks.compiled import CompiledFunction
from trainables.networks.cuts import PHOTO
from trainables.networks.scaling import scaled


@dataclass(frozen=True)
class InputFormat:
    """What a part of a network reads, and in which form.

    Attributes:
        nodes: the layers whose outputs are read; `PHOTO` for the photos themselves.
        scaling: kind of scaling of the photos, if they are read.
        dtype: of stored outputs; photos are uint8.
    """

    nodes: tuple[int, ...]
    scaling: str
    dtype: str = "float32"

    def signature(self, full: FullNetwork) -> list[Any]:
        """One TensorSpec per node for any number of photos."""
        return [
            tf.TensorSpec(
                (None, *full.layers[node].output.shape[1:]),
                "uint8" if node == PHOTO else self.dtype,
            )
            for node in self.nodes
        ]

    def table_signature(self, full: FullNetwork) -> list[Any]:
        """The same of tables on the device."""
        return [
            tf.TensorSpec(spec.shape, table_dtype(spec.dtype.as_numpy_dtype))
            for spec in self.signature(full)
        ]

    def network_inputs(self, batch: list[Any]) -> list[Any]:
        """Stored outputs as float32, photos scaled."""
        return [
            scaled(tensor, self.scaling) if node == PHOTO else tf.cast(tensor, "float32")
            for tensor, node in zip(batch, self.nodes, strict=True)
        ]


class FrozenLayers:
    """Frozen layers from some stored tensors, or the photos, to others, in inference mode."""

    def __init__(
        self,
        full: FullNetwork,
        read: InputFormat,
        wanted: tuple[int, ...],
        *,
        jit_compile: bool = False,
    ) -> None:
        model = full.part(read.nodes, wanted)
        self._seconds = 0.0
        self._photos = 0

        def run(batch: list[Any]) -> list[Any]:
            outputs = as_list(model(read.network_inputs(batch), training=False))
            # Mixed precision computes in a half type, bfloat16 among them, which NumPy has not.
            return [tf.cast(output, "float32") for output in outputs]

        self._run = CompiledFunction(run, [read.signature(full)], jit_compile=jit_compile)

    @property
    def seconds_tracing(self) -> float:
        """Of the calls so far, those that had to be traced or compiled."""
        return self._run.seconds_tracing

    @property
    def seconds_per_photo(self) -> float:
        """Of the calls so far that neither traced nor compiled; 0 without any."""
        return self._seconds / self._photos if self._photos else 0.0

    def __call__(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of the wanted layers for one batch, each [n, ...] float32."""
        started, traced_before = time.perf_counter(), self.seconds_tracing
        outputs = [output.numpy() for output in self._run(as_tensors(batch))]
        if self.seconds_tracing == traced_before:
            self._seconds += time.perf_counter() - started
            self._photos += len(batch[0])
        return outputs


def as_tensors(arrays: Sequence[NDArray[Any]]) -> list[Any]:
    return [tf.convert_to_tensor(array) for array in arrays]


def bytes_of_row(signature: list[Any]) -> int:
    """Of one photo in tensors of these shapes and types."""
    return sum(int(np.prod(spec.shape[1:])) * spec.dtype.size for spec in signature)


def table_dtype(dtype: Any) -> Any:
    """What a table on the device holds rows of a type in.

    Photos' bytes in float16, which holds them exactly: TensorFlow has no kernel that gathers uint8
    on a GPU, and would have the host do it, table and all, at every step.
    """
    return np.dtype("float16" if dtype == np.uint8 else dtype)


def as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
