"""Records and search spaces as Optuna has them."""

from __future__ import annotations

from typing import Any

import optuna

from results.ledger.records import Status, TrialRecord
from search_spaces.space import Categorical, LogUniform, SearchSpace

_STATES = {
    Status.COMPLETED: optuna.trial.TrialState.COMPLETE,
    Status.STOPPED_EARLY: optuna.trial.TrialState.PRUNED,
    Status.OUT_OF_TIME: optuna.trial.TrialState.PRUNED,
    Status.FAILED: optuna.trial.TrialState.FAIL,
}


def distributions(space: SearchSpace, backbone: str) -> dict[str, Any]:
    """The search space of one backbone as Optuna has it; bounds are included in both."""
    by_name: dict[str, Any] = {}
    for dimension in space.dimensions(backbone):
        match dimension:
            case LogUniform(name, low, high):
                by_name[name] = optuna.distributions.FloatDistribution(low, high, log=True)
            case Categorical(name, choices):
                by_name[name] = optuna.distributions.CategoricalDistribution(choices)
    return by_name


def as_optuna(record: TrialRecord, space: SearchSpace) -> optuna.trial.FrozenTrial:
    """A finished trial for Optuna; the value is the best epoch's score on validation.

    A trial that was stopped early, or by the time budget, is PRUNED and keeps its epochs; a failed
    one is FAIL, which says nothing about its configuration. One that diverged is PRUNED before its
    first epoch: TPE ignores FAIL and would come back to the same corner, and it ranks this below
    every other trial, where COMPLETE with the lowest score would rank above all that were stopped
    early.

    A baseline outside the space (a narrower range of learning rates, say) has no parameters.
    """
    params = parameters(record, space)
    pruned = optuna.trial.TrialState.PRUNED
    epochs = () if record.diverged else record.epochs
    return optuna.trial.create_trial(
        state=pruned if record.diverged else _STATES[record.status],
        value=record.score if record.status != Status.FAILED else None,
        params=params,
        distributions=distributions(space, record.backbone) if params else {},
        intermediate_values={epoch.epoch: epoch.score for epoch in epochs},
        user_attrs={"trial": record.trial},
    )


def parameters(record: TrialRecord, space: SearchSpace) -> dict[str, Any]:
    """A trial's place in the space; empty if it lies outside."""
    return space.place_of(record.config) or {}
