"""A sweep as both sides are given it: one JSON file with the trials and how to run them.

The lists are explicit: every trial's point stands in the file, so that ours and the plain script
train the same points, whatever a sampler would say.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.ledger.files import read_json, write_json
from results.ledger.serialise import from_json
from search_spaces import paper
from search_spaces.backbones import HEAD, NAMES, Backbone
from search_spaces.config import OPTIMIZERS, TrialConfig, TrialId
from search_spaces.space import SearchSpace


@dataclass(frozen=True)
class Task:
    """Some trials and how they are run.

    Attributes:
        points: per trial name its point; every backbone has equally many, numbered from 0.
        weights: `random` or a folder, as for `--weights`.
        seed: of the split and of random weights.
        concurrent, cpus: trials at a time, and threads of each.
        early_stopping: of ours; the plain script has none.
        cache, run: ours keeps features and the run here.
    """

    points: Mapping[str, TrialConfig]
    weights: str
    seed: int
    concurrent: int
    cpus: int
    early_stopping: bool
    cache: str
    run: str

    @property
    def backbones(self) -> tuple[str, ...]:
        present = {point.backbone for point in self.points.values()}
        return tuple(name for name in NAMES if name in present)

    @property
    def per_backbone(self) -> int:
        return len(self.points) // len(self.backbones)

    @property
    def varied(self) -> tuple[str, ...]:
        """What `--search` must name: the unfreeze point only where it leaves the paper's."""
        moved = any(
            point.unfreeze != paper.baseline(point.backbone).unfreeze
            for point in self.points.values()
        )
        scaled = any(point.scaling != "unit" for point in self.points.values())
        extra = [*(["unfreeze"] if moved else []), *(["scaling"] if scaled else [])]
        return ("learning_rate", "optimizer", *extra)

    def write(self, path: Path) -> None:
        write_json(path, dataclasses.asdict(self))

    @staticmethod
    def read(path: Path) -> Task:
        values: dict[str, Any] = read_json(path)
        points = {name: from_json(TrialConfig, one) for name, one in values["points"].items()}
        return Task(**{**values, "points": points})


Points = dict[str, TrialConfig]
Sized = Mapping[str, int]
"""epochs, batch_size, image_size and seed, as `paper.baseline` takes them."""

_RATES = (5e-5, 2e-5, 1e-4, 3e-4)


def paper_points(backbones: tuple[str, ...], trials: int, sized: Sized) -> Points:
    """The paper's cut and optimizer at several learning rates."""
    return {
        TrialId(name, number).name: dataclasses.replace(
            paper.baseline(name, **sized),
            learning_rate=_RATES[number % len(_RATES)] * (1 + number // len(_RATES)),
        )
        for name in backbones
        for number in range(trials)
    }


def default_points(backbones: tuple[str, ...], trials: int, sized: Sized) -> Points:
    """The baseline, then what the default space suggests while it knows nothing: head to deep."""
    from sweep.schedule.suggest import suggest

    logging.getLogger("optuna").setLevel(logging.WARNING)
    return {
        TrialId(name, number).name: base
        if number == 0
        else suggest(SearchSpace(), base, number, seed=sized["seed"], history=())
        for name in backbones
        for base in [paper.baseline(name, **sized)]
        for number in range(trials)
    }


def head_points(backbone: str, trials: int, sized: Sized) -> Points:
    """Head-only trials, four optimizers by turns, learning rates from 1e-4 to 1e-2."""
    base = paper.baseline(backbone, **sized)
    return {
        TrialId(backbone, number).name: dataclasses.replace(
            base,
            unfreeze=HEAD,
            optimizer=OPTIMIZERS[number % len(OPTIMIZERS)],
            learning_rate=1e-4 * 100 ** (number / max(1, trials - 1)),
        )
        for number in range(trials)
    }


def other_cut(entry: Backbone) -> str:
    """An unfreeze point inside the backbone that is not the paper's."""
    return next(one for one in entry.points[1:] if one != entry.baseline_unfreeze)
