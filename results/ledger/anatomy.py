"""How a trial's network was divided, as frozen types: frozen and trained layers and their work.

`trainables.training.anatomy` counts, a trial's record keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FROM_PHOTOS = "photos"
"""What `Anatomy.stored` says of a network that reads no stored features."""


@dataclass(frozen=True)
class Work:
    """What training works on: multiply-adds for one photo, forward, and parameters."""

    multiply_adds: int
    parameters: int


@dataclass(frozen=True)
class Anatomy:
    """How a trial's network was divided; counts of layers and of parameters.

    Attributes:
        layers_frozen, layers_trained: of the backbone, the photo's input layer included.
        parameters_frozen, parameters_trained: of backbone and head; BatchNormalization's moving
            statistics count as parameters of their layer.
        parameters_head: of the head alone, a part of `parameters_trained`.
        first_trained: the backbone's first trained layer, empty if only the head is trained.
        stored: names of the tensors read from the feature store, or `photos`.
        recomputed: frozen layers run again in every epoch because the store had no room.
        multiply_adds_frozen, multiply_adds_trained: for one photo, forward, in the layers before
            the cut and behind it; 0 in records of versions that did not count them.
        by_point: what would be trained from each of the backbone's unfreeze points, with this head;
            empty in records of versions that did not count it.
    """

    layers_frozen: int
    layers_trained: int
    parameters_frozen: int
    parameters_trained: int
    parameters_head: int
    first_trained: str
    stored: tuple[str, ...]
    recomputed: int
    multiply_adds_frozen: float = 0.0
    multiply_adds_trained: float = 0.0
    by_point: Mapping[str, Work] = field(default_factory=dict)
