"""A configuration: everything that decides how one trial's network is trained.

A searched dimension is one declaration: a field of `TrialConfig` that says how far it may vary. The
command line, the search, the record and the tables follow from it; whoever trains reads the field.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from search_spaces.backbones import HEAD, SCALINGS, Scaling, backbone_named
from search_spaces.heads import HEADS, PAPER_HEAD
from search_spaces.refusals import UsageRefusal, one_of, whole_number

OPTIMIZERS = ("adam", "adagrad", "rmsprop", "sgd")
"""Keras' own defaults, except that `sgd` has Nesterov momentum."""

CONSTANT, COSINE = SCHEDULES = ("constant", "cosine")
"""Of the learning rate. `cosine` falls to 0 at the last step of the last planned epoch."""

UPDATED, FROZEN = BATCH_NORMS = ("updated", "frozen")
"""What BatchNormalization does in unfrozen layers of a backbone. `frozen` is Keras' `trainable =
False`: inference mode, with the statistics and factors of the weights that a trial starts from."""

FLOAT32 = "float32"
MIXED_FLOAT16 = "mixed_float16"
MIXED_BFLOAT16 = "mixed_bfloat16"
PRECISIONS = (FLOAT32, MIXED_FLOAT16, MIXED_BFLOAT16)
"""Dtype policies that layers may be built under, by Keras' names; weights are float32 in all.

Gradients in float16 need their loss scaled, or the small ones become zero; bfloat16 has float32's
range and needs nothing.
"""


def log_uniform(low: float, high: float, *, default: Any = dataclasses.MISSING) -> Any:
    """A field that may be searched between two positive bounds, which are included."""
    return dataclasses.field(default=default, metadata={"range": (low, high)})


def categorical(
    *choices: Any,
    default: Any = dataclasses.MISSING,
    bounds: tuple[float, float] | None = None,
    when: tuple[str, Callable[[Any], bool]] | None = None,
) -> Any:
    """A field that may be searched among a few values; names are checked, numbers are examples.

    Args:
        bounds: what numbers must lie in: from the first to just below the second.
        when: another field, and with which values of it this field changes anything.
    """
    metadata = {"choices": choices, "bounds": bounds, "when": when}
    return dataclasses.field(default=default, metadata=metadata)


def unfreeze_point() -> Any:
    """The field whose choices are the backbone's own unfreeze points."""
    return dataclasses.field(metadata={"choices": None})


def fixed() -> Any:
    """A field that no search varies, and that every configuration states."""
    return dataclasses.field()


@dataclass(frozen=True)
class TrialConfig:
    """Everything that decides how a network is trained on given photos and weights.

    Fields that declare choices or a range are dimensions of the search. One that is added needs a
    default, so that records of earlier versions can still be read.

    Attributes:
        backbone: a name of the catalogue.
        unfreeze: the first trained layer's name, or `head`.
        scaling: of the pixels.
        optimizer: one of `OPTIMIZERS`.
        learning_rate: positive; the highest of the schedule.
        batch_size: photos per step.
        epochs: passes over the training photos, at most.
        image_size: height and width of the photos in pixels.
        seed: of the head's first weights, the order of the photos and the Dropout masks.
        weight_decay: decoupled (Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR
            2019): every step takes this share, times the rate, off every trained weight.
        momentum: of `sgd`, with Nesterov's correction; the other optimizers have none.
        label_smoothing: share of a training label that is spread over all classes.
        dropout: rate of the head's Dropout layers, where the head has them.
        head: one of `HEADS`.
        warmup: epochs over which the rate rises from 0, step by step.
        schedule: of the rate after the warm-up, one of `SCHEDULES`.
        head_from: the number of the backbone's trial whose trained head this one starts from, of
            the same head and scaling; 0 for a fresh head, as the documented baseline's.
        views: of each training photo, the photo itself included: the others are cropped and
            mirrored, drawn once and stored (`trainables.photos.views`). 1 is no augmentation.
        batch_norm: one of `BATCH_NORMS`; the head's own are always updated.
    """

    backbone: str
    unfreeze: str = unfreeze_point()
    scaling: Scaling = categorical(*SCALINGS)
    optimizer: str = categorical(*OPTIMIZERS)
    learning_rate: float = log_uniform(1e-6, 1e-2)
    batch_size: int = categorical(16, 32, 64)
    epochs: int = fixed()
    image_size: int = fixed()
    seed: int = fixed()
    weight_decay: float = categorical(0.0, 1e-4, 1e-3, 1e-2, default=0.0, bounds=(0, 1))
    momentum: float = categorical(
        *(0.0, 0.8, 0.9, 0.95),
        default=0.9,
        bounds=(0, 1),
        when=("optimizer", lambda name: name == "sgd"),
    )
    label_smoothing: float = categorical(0.0, 0.05, 0.1, default=0.0, bounds=(0, 1))
    dropout: float = categorical(
        0.0, 0.25, 0.5, default=0.5, bounds=(0, 1), when=("head", lambda name: name == PAPER_HEAD)
    )
    head: str = categorical(*HEADS, default=PAPER_HEAD)
    warmup: int = categorical(0, 1, 2, default=0, bounds=(0, 10_001))
    schedule: str = categorical(*SCHEDULES, default=CONSTANT)
    head_from: int = 0
    views: int = categorical(1, 4, default=1, bounds=(1, 65))
    batch_norm: str = categorical(
        *BATCH_NORMS, default=UPDATED, when=("unfreeze", lambda point: point != HEAD)
    )

    def __post_init__(self) -> None:
        entry = backbone_named(self.backbone, where="backbone")
        for field in dataclasses.fields(self):
            _check_declared(field, getattr(self, field.name), entry.points, entry.name)
        object.__setattr__(self, "scaling", Scaling(self.scaling))  # JSON has its text
        for name in ("batch_size", "epochs"):
            whole_number(getattr(self, name), at_least=1, where=name)
        whole_number(self.image_size, at_least=entry.smallest_image, where="image_size")
        whole_number(self.warmup, at_least=0, where="warmup")
        whole_number(self.views, at_least=1, where="views")
        whole_number(self.seed, at_least=0, where="seed")
        whole_number(self.head_from, at_least=0, where="head_from")

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self)

    def with_half_batch(self) -> TrialConfig:
        """The same with half as many photos per step, and the learning rate in proportion."""
        half = max(1, self.batch_size // 2)
        rate = self.learning_rate * half / self.batch_size
        return dataclasses.replace(self, batch_size=half, learning_rate=rate)

    @property
    def scaling_kind(self) -> str:
        """`unit`, or the kind that the backbone's weights expect (`networks.scaling`)."""
        native = self.scaling == Scaling.NATIVE
        return backbone_named(self.backbone).native_scaling if native else Scaling.UNIT

    def rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of one step, at most the configuration's.

        Warm-up rises linearly and reaches the rate at its last step (Goyal et al., "Accurate, Large
        Minibatch SGD", 2017); a warm-up longer than the trial never does. `cosine` falls from there
        to 0 at the end of the last planned epoch (Loshchilov & Hutter, "SGDR", ICLR 2017).

        Args:
            step: from 0, over all epochs.
            steps_per_epoch: batches of the training photos.
        """
        warmup = self.warmup * steps_per_epoch
        if step < warmup:
            return self.learning_rate * ((step + 1) / warmup)
        if self.schedule != COSINE:
            return self.learning_rate
        done = (step + 1 - warmup) / (self.epochs * steps_per_epoch - warmup)
        return self.learning_rate * ((1 + math.cos(math.pi * done)) / 2)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits: equal configurations, equal keys."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, order=True)
class TrialId:
    """Which trial of a sweep: number 0 is the documented baseline, 1 and up are searched.

    Attributes:
        backbone: a name of the catalogue.
        number: from 0.
        repeat: 0 for the search's own trial; from 1 for the same configuration on another seed.
    """

    backbone: str
    number: int
    repeat: int = 0

    @property
    def label(self) -> str:
        """The name within its backbone: `baseline`, `t07`, and of repeats `t07-s1`."""
        searched = "baseline" if self.number == 0 else f"t{self.number:02d}"
        return f"{searched}-s{self.repeat}" if self.repeat else searched

    @property
    def name(self) -> str:
        """For people, and the folder below `trials/`: `Xception/baseline`, `Xception/t07`."""
        return f"{self.backbone}/{self.label}"

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def parse(name: str) -> TrialId:
        """Read a trial's name as `name` writes it.

        Raises:
            UsageRefusal: it is no such name.
        """
        matched = re.fullmatch(r"([^/]+)/(?:baseline|t([0-9]{2,}))(?:-s([1-9][0-9]*))?", name)
        if matched is None:
            raise UsageRefusal(
                "a trial is called BACKBONE/baseline or BACKBONE/t07, and with another seed "
                f"BACKBONE/t07-s1, got {name!r}",
                where="trial",
                fix="See the folders below the run's trials/.",
            )
        return TrialId(matched[1], int(matched[2] or 0), int(matched[3] or 0))


def check_within(value: Any, bounds: tuple[float, float], *, what: str, where: str) -> None:
    """Check that a number lies between its bounds.

    Raises:
        UsageRefusal: it is no number, or outside; the upper bound is outside.
    """
    number = isinstance(value, float | int) and not isinstance(value, bool)
    if not (number and bounds[0] <= value < bounds[1]):
        raise UsageRefusal(
            f"the {what.replace('_', ' ')} must be a number from {bounds[0]} to below "
            f"{bounds[1]}, got {value!r}",
            where=where,
            fix="Give one inside.",
        )


def _check_declared(
    field: dataclasses.Field[Any], value: Any, points: tuple[str, ...], backbone: str
) -> None:
    """Hold a value against its field's declaration."""
    if "range" in field.metadata and not (
        isinstance(value, float | int) and math.isfinite(value) and value > 0
    ):
        raise UsageRefusal(
            f"the {field.name.replace('_', ' ')} must be positive, got {value}",
            where=field.name,
            fix="Give a number such as 5e-5.",
        )
    if bounds := field.metadata.get("bounds"):
        check_within(value, bounds, what=field.name, where=field.name)
    choices = field.metadata.get("choices", ())
    if choices is None:
        one_of(value, points, what=f"unfreeze point of {backbone}", where=field.name)
    elif choices and all(isinstance(choice, str) for choice in choices):
        one_of(value, choices, what=field.name.replace("_", " "), where=field.name)
