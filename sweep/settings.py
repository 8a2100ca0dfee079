"""What a run is asked to do, resolved: the same fields whether typed, preset or read back.

`Settings` decides the numbers that come out, so it is recorded in `run.json` and a resume must
agree with it. `Machine` decides only how fast they come, and may differ from resume to resume.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces import paper
from search_spaces.backbones import NAMES, backbone_named
from search_spaces.config import DEFAULT_SEARCH, SearchSpace, TrialConfig, TrialId
from search_spaces.precisions import FLOAT32
from search_spaces.presets import PAPER, Preset
from search_spaces.presets import default_cache_dir as default_cache_dir
from search_spaces.refusals import UsageRefusal

DEFAULT_SEED = 42
DATA_NAMES = ("cats_vs_dogs", "digits")
WEIGHTS_NAMES = ("imagenet", "random")


@dataclass(frozen=True)
class Settings:
    """Everything that decides a run's numbers, besides the photos and weights themselves.

    Attributes:
        data, weights: as typed or preset.
        backbones: names in the catalogue's order.
        trials: searched per backbone, 0 for the baselines alone.
        search: dimensions that vary.
        early_stopping: whether weak trials are stopped.
        cache_dtype: of stored features.
        precision: what layers compute in; runs of earlier versions had float32 alone.
        jit_compile: whether XLA compiles them, which earlier versions never asked for.
    """

    data: str
    weights: str
    backbones: tuple[str, ...]
    trials: int
    search: tuple[str, ...]
    early_stopping: bool
    epochs: int
    batch_size: int
    image_size: int
    seed: int
    cache_dtype: str
    precision: str = FLOAT32
    jit_compile: bool = False

    def __post_init__(self) -> None:
        for name in self.backbones:
            smallest = backbone_named(name).smallest_image
            if self.image_size < smallest:
                raise UsageRefusal(
                    f"{name} needs photos of at least {smallest} pixels, got {self.image_size}",
                    where="--image-size",
                    fix=f"Give {smallest} or more, or leave {name} out.",
                )

    @property
    def space(self) -> SearchSpace:
        """The box that is searched; the run's own batch size is always in it."""
        sizes = {*SearchSpace().batch_sizes, self.batch_size}
        return SearchSpace(varied=self.search, batch_sizes=tuple(sorted(sizes)))

    def searched(self, backbone: str) -> int:
        """How many points of a backbone are searched, of all that there are but its baseline."""
        return int(min(self.trials, self.space.size(backbone) - 1))

    @property
    def planned(self) -> tuple[TrialId, ...]:
        """Trials in the order of their starting: all baselines, then round after round."""
        return tuple(
            TrialId(backbone, number)
            for number in range(self.trials + 1)
            for backbone in self.backbones
            if number <= self.searched(backbone)
        )

    @property
    def points(self) -> dict[str, tuple[str, ...]]:
        """Per backbone the unfreeze points that its trials may visit."""
        searched = self.trials > 0 and "unfreeze" in self.search
        return {
            name: backbone_named(name).points if searched else (backbone_named(name).paper_point,)
            for name in self.backbones
        }

    def baseline(self, backbone: str) -> TrialConfig:
        """The paper's configuration with this run's sizes."""
        return paper.baseline(
            backbone,
            epochs=self.epochs,
            batch_size=self.batch_size,
            image_size=self.image_size,
            seed=self.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Settings:
        """Read `run.json`'s form; keys of other stages are passed over.

        Raises:
            UsageRefusal: a setting is missing that has always been recorded.
        """
        fields = dataclasses.fields(Settings)
        names = [field.name for field in fields if field.name in values]
        missing = [
            field.name
            for field in fields
            if field.name not in values and field.default is dataclasses.MISSING
        ]
        if missing:
            raise UsageRefusal(
                f"this run was written by another version, it has no {', '.join(missing)}",
                where="run.json",
                fix="Start another run.",
            )
        chosen = {name: values[name] for name in names}
        return Settings(
            **{
                **chosen,
                "backbones": tuple(chosen["backbones"]),
                "search": tuple(chosen["search"]),
            }
        )


def settings_from(arguments: argparse.Namespace, preset: Preset) -> Settings:
    """What was typed, completed by a preset.

    Raises:
        UsageRefusal: the photos would be too small for a backbone.
    """
    return Settings(
        data=_or(_located(arguments.data, DATA_NAMES), preset.data),
        weights=_or(_located(arguments.weights, WEIGHTS_NAMES), preset.weights),
        backbones=_or(arguments.backbones, NAMES),
        trials=0 if arguments.baseline_only else _or(arguments.trials, preset.trials),
        search=_or(arguments.search, DEFAULT_SEARCH),
        early_stopping=_or(arguments.early_stopping, "asha") == "asha",
        epochs=_or(arguments.epochs, preset.epochs),
        batch_size=_or(arguments.batch_size, preset.batch_size),
        image_size=_or(arguments.image_size, preset.image_size),
        seed=_or(arguments.seed, DEFAULT_SEED),
        cache_dtype=_or(arguments.cache_dtype, "float32"),
        precision=_or(arguments.precision, FLOAT32),
        jit_compile=_or(arguments.jit_compile, False),
    )


def most_trials(arguments: argparse.Namespace) -> int:
    """How many trials what was typed can come to, whatever the preset."""
    searched = 0 if arguments.baseline_only else _or(arguments.trials, PAPER.trials)
    return (1 + searched) * len(_or(arguments.backbones, NAMES))


def refuse_contradictions(arguments: argparse.Namespace, recorded: Settings) -> None:
    """Check that what was typed next to `--resume` is what the run was started with.

    Raises:
        UsageRefusal: it is not; the line names each difference.
    """
    typed = {
        "data": _located(arguments.data, DATA_NAMES),
        "weights": _located(arguments.weights, WEIGHTS_NAMES),
        "backbones": arguments.backbones,
        "trials": 0 if arguments.baseline_only else arguments.trials,
        "search": arguments.search,
        "early_stopping": arguments.early_stopping and arguments.early_stopping == "asha",
        "epochs": arguments.epochs,
        "batch_size": arguments.batch_size,
        "image_size": arguments.image_size,
        "seed": arguments.seed,
        "cache_dtype": arguments.cache_dtype,
        "precision": arguments.precision,
        "jit_compile": arguments.jit_compile,
    }
    before = recorded.to_dict()
    differences = [
        f"{name} was {before[name]} and is {value}"
        for name, value in typed.items()
        if value is not None and value != before[name]
    ]
    if differences:
        raise UsageRefusal(
            f"a resumed run keeps its settings: {'; '.join(differences)}",
            where="--resume",
            fix="Leave these out, or start another run.",
        )


@dataclass(frozen=True)
class Machine:
    """How much of the machine is used, and where things are kept.

    Attributes:
        max_concurrent: trials at a time.
        cpus_per_trial: also TensorFlow's threads.
        gpus_per_trial: 0, a fraction, or a whole number.
        trainer_bytes: memory above which a training process is replaced between trials.
        address: of a Ray cluster, or None for this machine.
        cache_dir: datasets, features and downloads.
        max_cache: bytes of features.
        time_budget: seconds, or None.
        max_disk: bytes of the run's folder, or None.
    """

    max_concurrent: int
    cpus_per_trial: int
    gpus_per_trial: float
    trainer_bytes: int
    address: str | None
    cache_dir: Path
    max_cache: int
    time_budget: float | None
    max_disk: int | None


def _located(text: str | None, names: tuple[str, ...]) -> str | None:
    """A known name as it is; anything else as an absolute path, so that a resume finds it again."""
    if text is None or text in names:
        return text
    return str(Path(text).expanduser().absolute())


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given
