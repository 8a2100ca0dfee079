"""Keras' optimizers by name and settings, reset for every trial that shares one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from search_spaces.config import MIXED_FLOAT16
from trainables.networks.compiled import CompiledFunction

_KEPT = 8
"""Optimizers of one network: each has slots as large as the trained weights, and a search varies
its kind."""

_MAKERS: dict[str, Callable[..., Any]] = {
    "adam": keras.optimizers.Adam,
    "adagrad": keras.optimizers.Adagrad,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


@dataclass(frozen=True)
class OptimizerKind:
    """What an optimizer's traced update depends on; the learning rate is a variable of it.

    Attributes:
        name: one of `search_spaces.config.OPTIMIZERS`.
        momentum: of `sgd`, with Nesterov's correction; 0.0 for the others.
        weight_decay: decoupled, as Keras' `weight_decay=`; 0.0 for none.
    """

    name: str
    momentum: float = 0.0
    weight_decay: float = 0.0


def sgd_momentum(name: str, momentum: float) -> float:
    """The momentum that an optimizer uses: none but SGD has one."""
    return momentum if name == "sgd" else 0.0


class Optimizer:
    """One Keras optimizer, built for some variables, and the values it starts from."""

    def __init__(self, kind: OptimizerKind, variables: list[Any], precision: str) -> None:
        options: dict[str, Any] = {"weight_decay": kind.weight_decay or None}
        if kind.name == "sgd":
            options |= {"momentum": kind.momentum, "nesterov": kind.momentum > 0}
        self.keras = _MAKERS[kind.name](**options)
        if precision == MIXED_FLOAT16:
            self.keras = keras.optimizers.LossScaleOptimizer(self.keras)
        self.keras.build(variables)
        # Slots start with one value throughout, so that value is all there is to keep.
        self._fresh = [variable.numpy().flat[0] for variable in self.keras.variables]

    def reset(self) -> None:
        """Forget every step."""
        for variable, value in zip(self.keras.variables, self._fresh, strict=True):
            variable.assign(np.full(variable.shape, value, variable.dtype))


@dataclass
class Built:
    """An optimizer with what was traced for it.

    Attributes:
        update: applies gradients.
        loops: of many steps, by what else they depend on.
    """

    optimizer: Optimizer
    update: CompiledFunction
    loops: dict[Any, CompiledFunction] = field(default_factory=dict)

    @property
    def seconds_tracing(self) -> float:
        return sum(traced.seconds_tracing for traced in (self.update, *self.loops.values()))


class Optimizers:
    """The optimizers of some variables that were used last, each built once.

    Args:
        variables: Keras', in the order of their gradients.
        jit_compile: whether XLA compiles the updates.
    """

    def __init__(self, variables: list[Any], precision: str, *, jit_compile: bool) -> None:
        self._variables = variables
        self._precision = precision
        self._jit_compile = jit_compile
        self._built: dict[OptimizerKind, Built] = {}
        self._seconds_of_dropped = 0.0

    @property
    def seconds_tracing(self) -> float:
        """Of all calls so far, those that had to be traced or compiled."""
        kept = sum(built.seconds_tracing for built in self._built.values())
        return self._seconds_of_dropped + kept

    def of(self, kind: OptimizerKind) -> Built:
        """One of a kind; the one that was not used for longest makes room."""
        if kind in self._built:
            self._built[kind] = self._built.pop(kind)  # now the latest
            return self._built[kind]
        while len(self._built) >= _KEPT:
            self._seconds_of_dropped += self._built.pop(next(iter(self._built))).seconds_tracing
        optimizer = Optimizer(kind, self._variables, self._precision)
        update = CompiledFunction(
            lambda gradients: optimizer.keras.apply(gradients, self._variables),
            [[tf.TensorSpec(variable.shape, variable.dtype) for variable in self._variables]],
            jit_compile=self._jit_compile,
        )
        self._built[kind] = Built(optimizer, update)
        return self._built[kind]
