"""A point and the box it lies in: `TrialConfig` and `SearchSpace`, parsed and refused here.

A space is data, known before any model is built. Every dimension has exactly one reader: the field
of `TrialConfig` with the same name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.backbones import NAMES, SCALINGS, backbone_named
from search_spaces.refusals import UsageRefusal, one_of

OPTIMIZERS = ("adam", "adagrad", "rmsprop", "sgd")
"""Keras' own defaults, except that `sgd` has Nesterov momentum 0.9."""

DIMENSIONS = ("learning_rate", "optimizer", "unfreeze", "scaling", "batch_size")
DEFAULT_SEARCH = DIMENSIONS[:4]


@dataclass(frozen=True)
class TrialConfig:
    """One point: everything that decides how a network is trained on given photos and weights.

    Attributes:
        backbone: a name of the catalogue.
        unfreeze: the first trained layer's name, or `head`.
        scaling: `unit` or `native`.
        optimizer: one of `OPTIMIZERS`.
        learning_rate: positive, constant over the epochs.
        batch_size: photos per step.
        epochs: passes over the training photos, at most.
        image_size: height and width of the photos in pixels.
        seed: of the head's first weights, the order of the photos and the Dropout masks.
    """

    backbone: str
    unfreeze: str
    scaling: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    image_size: int
    seed: int

    def __post_init__(self) -> None:
        entry = backbone_named(self.backbone, where="backbone")
        one_of(
            self.unfreeze, entry.points, what=f"unfreeze point of {entry.name}", where="unfreeze"
        )
        one_of(self.scaling, SCALINGS, what="scaling", where="scaling")
        one_of(self.optimizer, OPTIMIZERS, what="optimizer", where="optimizer")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise UsageRefusal(
                f"the learning rate must be positive, got {self.learning_rate}",
                where="learning_rate",
                fix="Give a number such as 5e-5.",
            )
        for field in ("batch_size", "epochs"):
            whole_number(getattr(self, field), at_least=1, where=field)
        whole_number(self.image_size, at_least=entry.smallest_image, where="image_size")
        whole_number(self.seed, at_least=0, where="seed")

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> TrialConfig:
        """Build a point from `to_dict`'s form.

        Raises:
            UsageRefusal: a field is missing, unknown or out of bounds.
        """
        wanted = {field.name for field in dataclasses.fields(TrialConfig)}
        odd = sorted(wanted ^ set(values))
        if odd:
            raise UsageRefusal(
                f"a configuration has exactly the fields {', '.join(sorted(wanted))}; "
                f"missing or unknown: {', '.join(odd)}",
                where="configuration",
                fix="Use a record written by this version.",
            )
        return TrialConfig(**values)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that name the configuration: equal points, equal keys."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, order=True)
class TrialId:
    """Which trial of a sweep: number 0 is the documented baseline, 1 and up are searched.

    Attributes:
        backbone: a name of the catalogue.
        number: from 0.
    """

    backbone: str
    number: int

    @property
    def label(self) -> str:
        """The name within its backbone: `baseline`, `t07`."""
        return "baseline" if self.number == 0 else f"t{self.number:02d}"

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
        matched = re.fullmatch(r"([^/]+)/(?:baseline|t(\d{2,}))", name)
        if matched is None:
            raise UsageRefusal(
                f"a trial is called BACKBONE/baseline or BACKBONE/t07, got {name!r}",
                where="trial",
                fix="See the folders below the run's trials/.",
            )
        return TrialId(matched[1], int(matched[2] or 0))


@dataclass(frozen=True)
class LogUniform:
    """A positive number, uniform in its logarithm; both bounds are included."""

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Categorical:
    """One of a few values without an order."""

    name: str
    choices: tuple[Any, ...]


Dimension = LogUniform | Categorical


@dataclass(frozen=True)
class SearchSpace:
    """The box around the baseline: which dimensions vary, and how far.

    Attributes:
        varied: names out of `DIMENSIONS`; the others keep the baseline's value.
        learning_rate: lowest and highest rate.
        optimizers, scalings, batch_sizes: what may be chosen.
    """

    varied: tuple[str, ...] = DEFAULT_SEARCH
    learning_rate: tuple[float, float] = (1e-6, 1e-2)
    optimizers: tuple[str, ...] = OPTIMIZERS
    scalings: tuple[str, ...] = SCALINGS
    batch_sizes: tuple[int, ...] = (16, 32, 64)

    def __post_init__(self) -> None:
        low, high = self.learning_rate
        if not 0 < low <= high:
            raise UsageRefusal(
                f"0 < low <= high must hold for the learning rate, got {low} and {high}",
                where="learning_rate",
                fix="Give the lower one first, such as 1e-6,1e-2.",
            )

    def dimensions(self, backbone: str) -> tuple[Dimension, ...]:
        """The dimensions that vary for one backbone, in the fixed order of `DIMENSIONS`."""
        box: dict[str, Dimension] = {
            "learning_rate": LogUniform("learning_rate", *self.learning_rate),
            "optimizer": Categorical("optimizer", self.optimizers),
            "unfreeze": Categorical("unfreeze", backbone_named(backbone).points),
            "scaling": Categorical("scaling", self.scalings),
            "batch_size": Categorical("batch_size", self.batch_sizes),
        }
        return tuple(box[name] for name in DIMENSIONS if name in self.varied)

    def size(self, backbone: str) -> float:
        """How many points the box has: infinitely many if a number varies."""
        sizes = [
            len(one.choices) if isinstance(one, Categorical) else math.inf
            for one in self.dimensions(backbone)
        ]
        return math.prod(sizes)

    def point(self, baseline: TrialConfig, values: Mapping[str, Any]) -> TrialConfig:
        """The baseline with the searched values put in.

        Raises:
            UsageRefusal: `values` has not exactly the varied dimensions.
        """
        if set(values) != set(self.varied):
            raise UsageRefusal(
                f"a point of this space has {', '.join(self.varied)}, got {', '.join(values)}",
                where="search space",
            )
        return dataclasses.replace(baseline, **values)


def parse_search(text: str) -> tuple[str, ...]:
    """Read `learning_rate,optimizer` into names of dimensions, in the order of `DIMENSIONS`.

    Raises:
        UsageRefusal: a name is unknown, or none is given.
    """
    names = {
        one_of(part, DIMENSIONS, what="search dimension", where="--search")
        for part in text.split(",")
        if part.strip()
    }
    if not names:
        raise UsageRefusal(
            "at least one dimension must vary", where="--search", fix="Or use --baseline-only."
        )
    return tuple(name for name in DIMENSIONS if name in names)


def parse_backbones(text: str) -> tuple[str, ...]:
    """Read `all` or `xception,VGG16` into names of the catalogue, in its order, each once.

    Raises:
        UsageRefusal: a name is unknown, or none is given.
    """
    parts: Sequence[str] = [part for part in text.split(",") if part.strip()]
    if [part.strip().casefold() for part in parts] == ["all"]:
        return NAMES
    names = {backbone_named(part).name for part in parts}
    if not names:
        raise UsageRefusal(
            "at least one backbone must be named",
            where="--backbones",
            fix=f"Choose all, or from: {', '.join(NAMES)}.",
        )
    return tuple(name for name in NAMES if name in names)


def whole_number(value: Any, *, at_least: int, where: str) -> int:
    """Return `value` if it is a whole number of at least `at_least`.

    Raises:
        UsageRefusal: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise UsageRefusal(
            f"a whole number of at least {at_least} is needed, got {value!r}",
            where=where,
            fix=f"Give {at_least} or more.",
        )
    return value
