"""Optuna: suggests a backbone's next configuration, and keeps a study per backbone for people.

A suggestion is a function of the sweep's seed, the trial's number and the finished trials it may
see, nothing else: `suggest` builds a study in memory from the ledger's records, asks once, and
forgets it. `optuna.db` is a mirror of the ledger, rebuilt whenever a run starts:

    optuna-dashboard sqlite:///runs/<name>/optuna.db
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.exc import SQLAlchemyError

from results.ledger.records import Status, TrialRecord
from search_spaces.config import TrialConfig
from search_spaces.space import Categorical, LogUniform, SearchSpace

_LOG = logging.getLogger(__name__)

_UNGUIDED = 5
"""So many finished trials are needed before the search is guided by them; Optuna's own 10 is half
of the default search."""
_GUIDED_ATTEMPTS = 8
_SECONDS_FOR_A_LOCK = 0.5
_STATES = {
    Status.COMPLETED: optuna.trial.TrialState.COMPLETE,
    Status.STOPPED_EARLY: optuna.trial.TrialState.PRUNED,
    Status.FAILED: optuna.trial.TrialState.FAIL,
}


def suggest(
    space: SearchSpace,
    baseline: TrialConfig,
    number: int,
    *,
    seed: int,
    history: Sequence[TrialRecord],
    taken: Collection[TrialConfig] = (),
) -> TrialConfig:
    """The configuration of trial `number`, from 1, of the baseline's backbone.

    Args:
        seed: of the sweep.
        history: finished trials that this suggestion may see, the baseline among them.
        taken: configurations of earlier trials; none of them is suggested again while the space
            has others.
    """
    by_number = sorted(history, key=lambda record: record.number)
    trials = [as_optuna(record, space) for record in by_number]
    *guided_seeds, last_seed = _trial_seeds(seed, baseline.backbone, number)
    for guided_seed in guided_seeds:
        sampler = optuna.samplers.TPESampler(n_startup_trials=_UNGUIDED, seed=guided_seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(trials)
        trial = study.ask(fixed_distributions=distributions(space, baseline.backbone))
        config = space.configured(baseline, trial.params)
        if config not in taken:
            return config
    return _any_other(space, baseline, taken, last_seed) or config


def _any_other(
    space: SearchSpace, baseline: TrialConfig, taken: Collection[TrialConfig], seed: int
) -> TrialConfig | None:
    """A configuration that no trial has; None if all are taken, or if a dimension is continuous."""
    choices = {
        dimension.name: dimension.choices
        for dimension in space.dimensions(baseline.backbone)
        if isinstance(dimension, Categorical)
    }
    if len(choices) < len(space.varied):
        return None
    combinations = itertools.product(*choices.values())
    configs = (space.configured(baseline, dict(zip(choices, c, strict=True))) for c in combinations)
    free = [config for config in configs if config not in taken]
    return random.Random(seed).choice(free) if free else None


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
    """A finished trial for Optuna; the value is the best epoch's validation accuracy.

    A trial that was stopped early is PRUNED and keeps its epochs; a failed one is FAIL. A baseline
    outside the space (a narrower range of learning rates, say) tells nothing about it.
    """
    dimensions = distributions(space, record.backbone)
    params = {name: getattr(record.config, name) for name in dimensions}
    if not all(_contains(dimensions[name], params[name]) for name in dimensions):
        dimensions, params = {}, {}
    return optuna.trial.create_trial(
        state=_STATES[record.status],
        value=record.validation_accuracy if record.status != Status.FAILED else None,
        params=params,
        distributions=dimensions,
        intermediate_values={epoch.epoch: epoch.validation_accuracy for epoch in record.epochs},
        user_attrs={"trial": record.trial},
    )


def _contains(distribution: Any, value: Any) -> bool:
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return value in distribution.choices
    return bool(distribution.low <= value <= distribution.high)


def importances(records: Iterable[TrialRecord], space: SearchSpace) -> dict[str, dict[str, float]]:
    """Per backbone, how much of the variation each searched dimension explains.

    Optuna's fANOVA (Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance",
    ICML 2014) over completed trials; a backbone with fewer than four, or with one score for all,
    has none. Shares sum to 1.
    """
    by_backbone: dict[str, dict[str, float]] = {}
    completed = [record for record in records if record.status == Status.COMPLETED]
    for backbone in dict.fromkeys(record.backbone for record in completed):
        own = [record for record in completed if record.backbone == backbone]
        if len(own) < 4 or len({record.validation_accuracy for record in own}) < 2:
            continue
        study = optuna.create_study(direction="maximize")
        study.add_trials([as_optuna(record, space) for record in own])
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            try:
                shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
            except (RuntimeError, ValueError) as fault:  # scores that no dimension explains
                _LOG.warning("no importances of %s: %s", backbone, fault)
                continue
            by_backbone[backbone] = dict(shares)
    return by_backbone


class Studies:
    """`optuna.db`: one study per backbone, a mirror of the ledger and never read back.

    It holds finished trials only, so nothing in it is ever left RUNNING. Where it cannot be written
    the sweep goes on without it, since the ledger is the truth, and the log says so: Optuna tries
    for seconds, which every later trial would wait for again.
    """

    def __init__(self, path: Path, space: SearchSpace, backbones: Sequence[str]) -> None:
        self._space = space
        self._studies: dict[str, optuna.Study] = {}
        path.unlink(missing_ok=True)
        try:
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{path}",
                engine_kwargs={"connect_args": {"timeout": _SECONDS_FOR_A_LOCK}},
            )
            for backbone in backbones:
                self._studies[backbone] = optuna.create_study(
                    study_name=backbone, storage=storage, direction="maximize"
                )
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as fault:
            _LOG.warning("optuna.db is not written, the ledger is not affected: %s", fault)

    def add(self, record: TrialRecord) -> None:
        """Mirror one finished trial."""
        study = self._studies.get(record.backbone)
        if study is None:
            return
        try:
            study.add_trial(as_optuna(record, self._space))
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as fault:
            self._studies.clear()
            _LOG.warning(
                "optuna.db ends before %s, the next resume writes it anew: %s", record.trial, fault
            )


def _trial_seeds(seed: int, backbone: str, number: int) -> list[int]:
    """Seeds of a trial's attempts: one sampler for a sweep would repeat itself after a resume."""
    texts = (f"{seed} {backbone} {number} {attempt}" for attempt in range(_GUIDED_ATTEMPTS + 1))
    return [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") for text in texts]
