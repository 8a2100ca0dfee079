"""What a run is asked to do: one table of fields that everything else follows from.

A field of `Settings` says how it is typed, what it is by default and how it is recorded. Its flag
on the command line, its place in the presets and in `run.json`, and the check that a resume agrees
with it are read off the field: a setting that is added is one field here and the line that uses it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES, backbone_named
from search_spaces.config import FLOAT32, PRECISIONS, TrialConfig, TrialId
from search_spaces.flags import Flag, located, setting
from search_spaces.metrics import ACCURACY, METRICS
from search_spaces.presets import PAPER
from search_spaces.refusals import UsageRefusal
from search_spaces.space import (
    DEFAULT_SEARCH,
    DIMENSIONS,
    SearchSpace,
    parse_backbones,
    parse_search,
)
from search_spaces.values import choice, count, folders, fresh_seeds, named

DEFAULT_SEED = 42
DATA_NAMES = ("cats_vs_dogs", "digits")
WEIGHTS_NAMES = ("imagenet", "random")

CLASS_WEIGHTS = UNWEIGHTED, BALANCED = "none", "balanced"
"""How photos weigh in the training loss: all alike, or inversely to the size of their class."""

DUPLICATES = GROUP, DROP, IGNORE = "group", "drop", "ignore"
"""What becomes of photos that look alike: they stay in one split, or all but one of them are left
out, or each counts as a photo of its own."""

TRAINED, SEARCHED, MACHINE = "what is trained", "what is searched", "the machine"
"""Headings of `--help`."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run's numbers, besides the photos and weights themselves.

    Recorded in `run.json`; a resume must agree with it. How much of the machine is used decides
    only how fast the numbers come, and may differ from resume to resume: `sweep.hardware.Machine`.

    Raises:
        UsageRefusal: the photos would be too small for a backbone, or nothing that is to vary can
            change anything.
    """

    data: str = setting(
        Flag(
            TRAINED,
            "folder of class folders, train/ val/ test/ folders, a zip of either, or our HDF5",
            "PATH|" + "|".join(DATA_NAMES),
            named("--data"),
            recorded=located(DATA_NAMES),
        )
    )
    weights: str = setting(
        Flag(
            TRAINED,
            "what the backbones start from",
            "|".join(WEIGHTS_NAMES) + "|DIR",
            named("--weights"),
            recorded=located(WEIGHTS_NAMES),
        )
    )
    backbones: tuple[str, ...] = setting(
        Flag(TRAINED, "default: all", "all|modern|NAME,…", parse_backbones, default=PAPER_NAMES)
    )
    trials: int = setting(
        Flag(
            SEARCHED,
            f"searched per backbone, on top of the baseline; default: {PAPER.trials}",
            "N",
            count("--trials", 0, 10_000),
        )
    )
    search: tuple[str, ...] = setting(
        Flag(
            SEARCHED,
            f"which of {', '.join(DIMENSIONS)} vary; default: the first {len(DEFAULT_SEARCH)}",
            "NAME,…",
            parse_search,
            default=DEFAULT_SEARCH,
        )
    )
    early_stopping: bool = setting(
        Flag(
            SEARCHED,
            "stop weak trials early; default: asha",
            "asha|none",
            choice("--early-stopping", ("asha", "none")),
            default="asha",
            recorded=lambda rule: rule == "asha",
        )
    )
    epochs: int = setting(
        Flag(TRAINED, f"default: {PAPER.epochs}", "N", count("--epochs", most=10_000))
    )
    batch_size: int = setting(
        Flag(TRAINED, f"default: {PAPER.batch_size}", "N", count("--batch-size", most=65_536))
    )
    image_size: int = setting(
        Flag(TRAINED, f"default: {PAPER.image_size}", "PX", count("--image-size", most=4096))
    )
    seed: int = setting(
        Flag(TRAINED, f"default: {DEFAULT_SEED}", "N", count("--seed", 0), default=DEFAULT_SEED)
    )
    cache_dtype: str = setting(
        Flag(
            MACHINE,
            "of stored features; default: float32",
            "float32|float16",
            choice("--cache-dtype", (FLOAT32, "float16")),
            default=FLOAT32,
        )
    )
    precision: str = setting(
        Flag(
            TRAINED,
            "what layers compute in, for speed on a GPU; default: float32",
            "|".join(PRECISIONS),
            choice("--precision", PRECISIONS),
            default=FLOAT32,
        ),
        absent=FLOAT32,
    )
    jit_compile: bool = setting(
        Flag(
            TRAINED,
            "let XLA compile the layers: slower to start, faster steps on a GPU",
            default=False,
        ),
        absent=False,
    )
    class_weights: str = setting(
        Flag(
            TRAINED,
            "balanced: photos of rare classes weigh more in the training loss; default: none",
            "|".join(CLASS_WEIGHTS),
            choice("--class-weights", CLASS_WEIGHTS),
            default=UNWEIGHTED,
        ),
        absent=UNWEIGHTED,
    )
    confirm: int = setting(
        Flag(
            SEARCHED,
            "fresh seeds on which baseline and best two are trained again, before a winner is "
            f"named; 0: none; default: {PAPER.confirm}",
            "K",
            fresh_seeds,
        ),
        absent=0,
    )
    duplicates: str = setting(
        Flag(
            TRAINED,
            "photos that look alike: in one split, left out but one, not sought; default: group",
            "|".join(DUPLICATES),
            choice("--duplicates", DUPLICATES),
            default=GROUP,
        ),
        absent=GROUP,
    )
    metric: str = setting(
        Flag(
            SEARCHED,
            "of validation, what everything is chosen by; default: accuracy",
            "|".join(METRICS),
            choice("--metric", METRICS),
            default=ACCURACY,
        ),
        absent=ACCURACY,
    )
    warm_start: tuple[str, ...] = setting(
        Flag(
            SEARCHED,
            "folders of earlier runs whose trials guide this search",
            "RUN,…",
            folders("--warm-start"),
            default=(),
            recorded=lambda runs: tuple(map(located(()), runs)),
        ),
        absent=(),
    )
    ranges: Mapping[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    """By dimension, bounds or choices in place of the declared ones; `--space` gives them."""

    def __post_init__(self) -> None:
        for name in self.backbones:
            smallest = backbone_named(name).smallest_image
            if self.image_size < smallest:
                raise UsageRefusal(
                    f"{name} needs photos of at least {smallest} pixels, got {self.image_size}",
                    where="--image-size",
                    fix=f"Give {smallest} or more, or leave {name} out.",
                )
        if self.trials and not any(self.space.dimensions(name) for name in self.backbones):
            raise UsageRefusal(
                f"what varies must change something, got {', '.join(self.search)} alone: momentum "
                "is SGD's, and head and dropout need a head with more than pooling",
                where="--search or --space",
                fix="Add optimizer, or another dimension.",
            )

    @property
    def space(self) -> SearchSpace:
        """The box that is searched; the run's own batch size is in it unless `ranges` has some."""
        sizes = tuple(sorted({16, 32, 64, self.batch_size}))
        return SearchSpace(varied=self.search, ranges={"batch_size": sizes, **self.ranges})

    def searched(self, backbone: str) -> int:
        """How many configurations of a backbone are searched, of all there are but its baseline."""
        baseline_inside = self.space.contains(self.baseline(backbone))
        return int(min(self.trials, self.space.size(backbone) - baseline_inside))

    @property
    def planned(self) -> tuple[TrialId, ...]:
        """All trials: the baselines, then number by number. `sweep.schedule.order` says when."""
        searched = {backbone: self.searched(backbone) for backbone in self.backbones}
        return tuple(
            TrialId(backbone, number)
            for number in range(self.trials + 1)
            for backbone in self.backbones
            if number <= searched[backbone]
        )

    @property
    def points(self) -> dict[str, tuple[str, ...]]:
        """Per backbone the unfreeze points that its trials may visit."""
        searched = self.trials > 0 and "unfreeze" in self.search
        return {
            entry.name: tuple(
                point
                for point in entry.points
                if point == entry.baseline_unfreeze
                or (searched and point in self.ranges.get("unfreeze", entry.points))
            )
            for entry in map(backbone_named, self.backbones)
        }

    def baseline(self, backbone: str) -> TrialConfig:
        """The documented configuration with this run's sizes."""
        return paper.baseline(
            backbone,
            epochs=self.epochs,
            batch_size=self.batch_size,
            image_size=self.image_size,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class RunSettings(Settings):
    """`settings` of `run.json`: what was asked for, and what was settled when the run began.

    Attributes:
        seconds_prepare: that photos and weights took to be ready.
        cache_dir: the cache folder, where a resume looks first; empty in a run without one.
        max_cache: bytes of features that it may hold.
        onednn: `TF_ENABLE_ONEDNN_OPTS` of all that computes with the run's networks, `0` or `1`;
            None in runs of versions that left it to the environment.
    """

    seconds_prepare: float = 0.0
    cache_dir: str = ""
    max_cache: int | None = None
    onednn: str | None = None


FLAGS: dict[str, Flag] = {
    field.name: field.metadata["flag"]
    for field in dataclasses.fields(Settings)
    if "flag" in field.metadata
}
"""By setting, in the order in which they are recorded."""
