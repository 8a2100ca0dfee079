"""The box that is searched: which fields of a configuration vary, and how far.

A space is data, known before any network is built. Its dimensions are the fields of `TrialConfig`
that declare choices or a range.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.backbones import GROUPS, NAMES, backbone_named
from search_spaces.config import TrialConfig
from search_spaces.heads import PAPER_HEAD, POOLED, Dropout
from search_spaces.refusals import UsageRefusal, one_of
from search_spaces.values import words

DECLARED = {
    field.name: field.metadata for field in dataclasses.fields(TrialConfig) if field.metadata
}
"""By dimension, what its field declares: `range`, or `choices`, `bounds` and `when`."""

FIRST_DIMENSIONS = ("learning_rate", "optimizer", "unfreeze", "scaling", "batch_size")
"""Of the first version; a sampler's numbers depend on it. Later dimensions follow as declared."""

DIMENSIONS: tuple[str, ...] = tuple(dict.fromkeys((*FIRST_DIMENSIONS, *DECLARED)))
DEFAULT_SEARCH = DIMENSIONS[:4]


@dataclass(frozen=True)
class LogUniform:
    """A positive number, uniform in its logarithm; both bounds are included."""

    name: str
    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise UsageRefusal(
                f"0 < low <= high must hold for {self.name}, got {self.low} and {self.high}",
                where=self.name,
                fix="Give the lower one first, such as 1e-6,1e-2.",
            )


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
        ranges: by dimension, bounds or choices in place of the declared ones.
    """

    varied: tuple[str, ...] = DEFAULT_SEARCH
    ranges: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    _known: dict[str, tuple[Dimension, ...]] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Dimensions by backbone, which are asked for with every trial."""

    def dimensions(self, backbone: str) -> tuple[Dimension, ...]:
        """The dimensions that vary for one backbone, in the order of `DIMENSIONS`.

        Left out are those that cannot change anything: momentum where the optimizer is never SGD,
        Dropout's rate in a head without Dropout, the head where the backbone's own is the pooled,
        batch normalization where the backbone has none or only its head is trained.
        """
        if backbone not in self._known:
            self._known[backbone] = tuple(
                self._dimension(name, backbone)
                for name in DIMENSIONS
                if name in self.varied and self._may_matter(name, backbone)
            )
        return self._known[backbone]

    def choices(self, backbone: str, name: str) -> tuple[Any, ...] | None:
        """What one dimension is chosen from; None where it does not vary, or is a number."""
        for dimension in self.dimensions(backbone):
            if isinstance(dimension, Categorical) and dimension.name == name:
                return dimension.choices
        return None

    def _may_matter(self, name: str, backbone: str) -> bool:
        entry = backbone_named(backbone)
        if name == "head":
            return entry.head != POOLED
        if name == "dropout" and not any(isinstance(layer, Dropout) for layer in entry.head):
            return False
        if name == "batch_norm" and not entry.has_batch_norm:
            return False
        condition = DECLARED[name].get("when")
        if condition is None:
            return True
        controller, matters = condition
        fixed = {
            "optimizer": entry.optimizer,
            "head": PAPER_HEAD,
            "unfreeze": entry.baseline_unfreeze,
        }
        if controller not in self.varied:
            return bool(matters(fixed[controller]))
        dimension = self._dimension(controller, backbone)
        return isinstance(dimension, Categorical) and any(map(matters, dimension.choices))

    def _dimension(self, name: str, backbone: str) -> Dimension:
        declared = DECLARED[name]
        if "range" in declared:
            low, high = self.ranges.get(name, declared["range"])
            return LogUniform(name, low, high)
        choices = declared["choices"] or backbone_named(backbone).points
        return Categorical(name, self.ranges.get(name, choices))

    def size(self, backbone: str) -> float:
        """How many configurations the box has: infinitely many if a number varies."""
        under: dict[str, list[Categorical]] = {one.name: [] for one in self.dimensions(backbone)}
        free: list[Dimension] = []
        for dimension in self.dimensions(backbone):
            controller, _ = DECLARED[dimension.name].get("when") or ("", None)
            if controller in under and isinstance(dimension, Categorical):
                under[controller].append(dimension)
            else:
                free.append(dimension)
        return math.prod(_size(one, under[one.name]) for one in free)

    def place_of(self, config: TrialConfig) -> dict[str, Any] | None:
        """A configuration's value in each dimension; None if it lies outside the box.

        A value that changes nothing may be any: momentum beside Adam is the baseline's, which the
        box need not have. In its place stands the first that the box does have.
        """
        place: dict[str, Any] = {}
        for dimension in self.dimensions(config.backbone):
            name, value = dimension.name, getattr(config, dimension.name)
            if isinstance(dimension, LogUniform):
                inside = dimension.low <= value <= dimension.high
            else:
                if value not in dimension.choices and not _matters(name, vars(config)):
                    value = dimension.choices[0]
                inside = value in dimension.choices
            if not inside:
                return None
            place[name] = value
        return place

    def contains(self, config: TrialConfig) -> bool:
        """Whether a configuration lies within the box."""
        return self.place_of(config) is not None

    def configured(self, baseline: TrialConfig, values: Mapping[str, Any]) -> TrialConfig:
        """The baseline with the searched values put in; one that changes nothing is left out.

        So momentum beside Adam keeps the baseline's value, and equal trainings are equal
        configurations.

        Raises:
            UsageRefusal: `values` has not exactly the backbone's dimensions.
        """
        varied = [dimension.name for dimension in self.dimensions(baseline.backbone)]
        if set(values) != set(varied):
            raise UsageRefusal(
                f"this space varies {', '.join(varied)}, got {', '.join(values)}",
                where="search space",
            )
        whole = {**vars(baseline), **values}
        effective = {name: value for name, value in values.items() if _matters(name, whole)}
        return dataclasses.replace(baseline, **effective)


def _matters(name: str, values: Mapping[str, Any]) -> bool:
    """Whether a dimension changes anything beside the other fields' values."""
    controller, matters = DECLARED[name].get("when") or ("", None)
    return matters is None or matters(values[controller])


def _size(dimension: Dimension, under: Sequence[Categorical]) -> float:
    """How many values a dimension has, with those of the dimensions that it switches on."""
    if not isinstance(dimension, Categorical):
        return math.inf
    return sum(
        math.prod(len(one.choices) for one in under if DECLARED[one.name]["when"][1](value))
        for value in dimension.choices
    )


def parse_search(text: str) -> tuple[str, ...]:
    """Read `learning_rate,optimizer` into names of dimensions, in the order of `DIMENSIONS`.

    Raises:
        UsageRefusal: a name is unknown or there twice, or none is given.
    """
    names = {
        one_of(part, DIMENSIONS, what="search dimension", where="--search")
        for part in words("--search", text)
    }
    if not names:
        raise UsageRefusal(
            "at least one dimension must vary", where="--search", fix="Or use --baseline-only."
        )
    return tuple(name for name in DIMENSIONS if name in names)


def parse_backbones(text: str) -> tuple[str, ...]:
    """Read `all`, `modern` or `xception,VGG16` into names in the catalogue's order, each once.

    A name may be part of a group that is named as well.

    Raises:
        UsageRefusal: a name is unknown or there twice, or none is given.
    """
    names: set[str] = set()
    for word in words("--backbones", text):
        names.update(GROUPS.get(word.casefold()) or (backbone_named(word).name,))
    if not names:
        raise UsageRefusal(
            "at least one backbone must be named",
            where="--backbones",
            fix=f"Choose {' or '.join(GROUPS)}, or from: {', '.join(NAMES)}.",
        )
    return tuple(name for name in NAMES if name in names)
