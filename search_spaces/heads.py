"""The layers that may be put on top of a backbone, as values.

A head is a tuple of these; the layer of logits, one per class, always follows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GlobalAveragePooling:
    """[N, H, W, C] to [N, C]: the mean over the places of the last feature map."""

    def __str__(self) -> str:
        return "GlobalAveragePooling2D"


@dataclass(frozen=True)
class Flatten:
    """[N, H, W, C] to [N, H * W * C]."""

    def __str__(self) -> str:
        return "Flatten"


@dataclass(frozen=True)
class BatchNormalization:
    """Keras' own, with its default momentum."""

    def __str__(self) -> str:
        return "BatchNormalization"


@dataclass(frozen=True)
class Dense:
    """A fully connected layer with ReLU.

    Attributes:
        units: outputs per photo.
    """

    units: int

    def __str__(self) -> str:
        return f"Dense {self.units}, ReLU"


@dataclass(frozen=True)
class Dropout:
    """Attributes: rate: the share of inputs that a training step sets to zero."""

    rate: float

    def __str__(self) -> str:
        return f"Dropout {self.rate:g}"


HeadLayer = GlobalAveragePooling | Flatten | BatchNormalization | Dense | Dropout

PAPER_HEAD, POOLED_HEAD = HEADS = ("paper", "pooled")
"""`paper` is the catalogue's head of each backbone; `pooled` averages the last feature map."""

POOLED: tuple[HeadLayer, ...] = (GlobalAveragePooling(),)


def head_of(documented: tuple[HeadLayer, ...], name: str) -> tuple[HeadLayer, ...]:
    """The layers of a head by its name, before the logits.

    Args:
        documented: the backbone's own head.
        name: one of `HEADS`.
    """
    return POOLED if name == POOLED_HEAD else documented
