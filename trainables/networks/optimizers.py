"""Keras' optimizers as a trial asks for them, set back for every trial that shares one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from search_spaces.config import MIXED_FLOAT16

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
