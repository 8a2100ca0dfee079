"""Optuna: suggests a backbone's next configuration.

A suggestion is a function of the sweep's seed, the trial's number and the finished trials it may
see, nothing else: `suggest` builds a study in memory from them, asks, and forgets it.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import optuna

from search_spaces.config import TrialConfig
from search_spaces.space import Categorical, SearchSpace
from sweep.schedule.optuna_trials import distributions

_UNGUIDED = 3
"""So many trials must be seen before they guide the search. Optuna's own 10 is half of the default
search."""
_GUIDED_ATTEMPTS = 8


def suggest(
    space: SearchSpace,
    baseline: TrialConfig,
    number: int,
    *,
    seed: int,
    history: Sequence[optuna.trial.FrozenTrial],
    taken: Collection[TrialConfig] = (),
    fixed: Mapping[str, Any] | None = None,
) -> TrialConfig:
    """The configuration of trial `number`, from 1, of the baseline's backbone.

    Args:
        seed: of the sweep.
        fixed: values of dimensions that are not asked for.
        history: what this suggestion sees, see `sweep.schedule.history`.
        taken: configurations of earlier trials; none of them is suggested again while the space
            has others, with what is fixed or, where those are taken, without.
    """
    # One sampler for a sweep would repeat itself after a resume.
    seeds = _trial_seeds(seed, baseline.backbone, number)
    dimensions = distributions(space, baseline.backbone)
    sampler = _OfOneSpace(dimensions if history else {}, seed=seeds[0])
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(history)
    fixed = fixed or {}
    asked = {name: dimension for name, dimension in dimensions.items() if name not in fixed}
    # What was asked for is RUNNING, which TPE takes for bad: the next attempt leads elsewhere.
    for _ in range(_GUIDED_ATTEMPTS):
        trial = study.ask(fixed_distributions=asked)
        config = space.configured(baseline, {**trial.params, **fixed})
        if config not in taken:
            return config
    return _any_other(space, baseline, taken, seeds[1]) or config


class _OfOneSpace(optuna.samplers.TPESampler):  # type: ignore[misc]
    """TPE where all trials have the same dimensions. Optuna compares those of all trials for every
    suggestion, which takes twice as long as the suggestion itself; what it suggests is the same."""

    def __init__(self, dimensions: Mapping[str, Any], seed: int) -> None:
        super().__init__(n_startup_trials=_UNGUIDED, seed=seed)
        free = {name: dimension for name, dimension in dimensions.items() if not dimension.single()}
        self._dimensions = dict(sorted(free.items()))

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        return self._dimensions


def _any_other(
    space: SearchSpace, baseline: TrialConfig, taken: Collection[TrialConfig], seed: int
) -> TrialConfig | None:
    """A configuration that no trial has; None if all are taken, or if a dimension is continuous."""
    choices = {
        dimension.name: dimension.choices
        for dimension in space.dimensions(baseline.backbone)
        if isinstance(dimension, Categorical)
    }
    if len(choices) < len(space.dimensions(baseline.backbone)):
        return None
    combinations = itertools.product(*choices.values())
    configs = (space.configured(baseline, dict(zip(choices, c, strict=True))) for c in combinations)
    free = [config for config in configs if config not in taken]
    return random.Random(seed).choice(free) if free else None


def _trial_seeds(seed: int, backbone: str, number: int) -> tuple[int, int]:
    """For the sampler, and for the choice among what is left."""
    digest = hashlib.sha256(f"{seed} {backbone} {number}".encode()).digest()
    return int.from_bytes(digest[:4], "big"), int.from_bytes(digest[4:8], "big")
