"""Optuna: suggests the next point of a backbone, and keeps one study per backbone for people.

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
from search_spaces.config import Categorical, LogUniform, SearchSpace, TrialConfig

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
    """The point of trial `number`, from 1, of the baseline's backbone.

    Args:
        seed: of the sweep.
        history: finished trials that this suggestion may see, the baseline among them.
        taken: points of earlier trials; none of them is suggested again while there are others.
    """
    seeds = _trial_seeds(seed, baseline.backbone, number)
    for attempt in range(_GUIDED_ATTEMPTS):
        sampler = optuna.samplers.TPESampler(n_startup_trials=_UNGUIDED, seed=seeds[attempt])
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for record in sorted(history, key=lambda one: one.number):
            study.add_trial(as_optuna(record, space))
        trial = study.ask(fixed_distributions=distributions(space, baseline.backbone))
        point = space.point(baseline, trial.params)
        if point not in taken:
            return point
    return _any_other(space, baseline, taken, seeds[-1]) or point


def _any_other(
    space: SearchSpace, baseline: TrialConfig, taken: Collection[TrialConfig], seed: int
) -> TrialConfig | None:
    """A point of a small box that no trial has; None if there is none, or the box is infinite."""
    dimensions = space.dimensions(baseline.backbone)
    if not all(isinstance(one, Categorical) for one in dimensions):
        return None
    values = itertools.product(*(one.choices for one in dimensions if isinstance(one, Categorical)))
    names = [one.name for one in dimensions]
    points = (space.point(baseline, dict(zip(names, one, strict=True))) for one in values)
    free = [point for point in points if point not in taken]
    return random.Random(seed).choice(free) if free else None


def distributions(space: SearchSpace, backbone: str) -> dict[str, Any]:
    """The box of one backbone as Optuna has it; bounds are included in both."""
    box: dict[str, Any] = {}
    for dimension in space.dimensions(backbone):
        match dimension:
            case LogUniform(name, low, high):
                box[name] = optuna.distributions.FloatDistribution(low, high, log=True)
            case Categorical(name, choices):
                box[name] = optuna.distributions.CategoricalDistribution(choices)
    return box


def as_optuna(record: TrialRecord, space: SearchSpace) -> optuna.trial.FrozenTrial:
    """A finished trial for Optuna; the value is the best epoch's validation accuracy.

    A trial that was stopped early is PRUNED and keeps its epochs; a failed one is FAIL. A baseline
    outside the box (a narrower range of learning rates, say) tells nothing about it.
    """
    box = distributions(space, record.backbone)
    params = {name: getattr(record.config, name) for name in box}
    if not all(_holds(box[name], params[name]) for name in box):
        box, params = {}, {}
    return optuna.trial.create_trial(
        state=_STATES[record.status],
        value=record.validation_accuracy if record.status != Status.FAILED else None,
        params=params,
        distributions=box,
        intermediate_values={one.epoch: one.validation_accuracy for one in record.epochs},
        user_attrs={"trial": record.trial},
    )


def _holds(distribution: Any, value: Any) -> bool:
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return value in distribution.choices
    return bool(distribution.low <= value <= distribution.high)


def importances(records: Iterable[TrialRecord], space: SearchSpace) -> dict[str, dict[str, float]]:
    """Per backbone, how much of the variation each searched dimension explains.

    Optuna's fANOVA (Hutter et al., "An Efficient Approach for Assessing Hyperparameter Importance",
    ICML 2014) over completed trials; a backbone with fewer than four, or with one score for all,
    has none. Shares sum to 1.
    """
    found: dict[str, dict[str, float]] = {}
    completed = [one for one in records if one.status == Status.COMPLETED]
    for backbone in dict.fromkeys(one.backbone for one in completed):
        own = [one for one in completed if one.backbone == backbone]
        if len(own) < 4 or len({one.validation_accuracy for one in own}) < 2:
            continue
        study = optuna.create_study(direction="maximize")
        study.add_trials([as_optuna(one, space) for one in own])
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            try:
                shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
            except (RuntimeError, ValueError) as fault:  # scores that no dimension explains
                _LOG.warning("no importances of %s: %s", backbone, fault)
                continue
            found[backbone] = dict(shares)
    return found


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
