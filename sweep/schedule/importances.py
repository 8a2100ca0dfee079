"""What mattered: how much of the variation in validation scores each searched dimension explains.

Trials that ran on are no fair sample, they are the good ones. So all trials are compared, at the
last epoch that each of them reached.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import optuna

from results.ledger.records import TrialRecord
from results.ledger.runs import Importances, Share
from search_spaces.space import SearchSpace
from sweep.schedule.optuna_trials import distributions, parameters

_LOG = logging.getLogger(__name__)

_FEWEST = 4
_MOST = 200
"""Of more trials this many are compared, spread evenly over the search: fANOVA takes seconds."""
_SEEDS = range(5)
_TREES = 16
"""Of each forest: together a few more than Optuna's 64, which is what one forest has by default."""


def importances(records: Iterable[TrialRecord], space: SearchSpace) -> dict[str, Importances]:
    """Per backbone each searched dimension's share: Optuna's fANOVA (Hutter et al., "An Efficient
    Approach for Assessing Hyperparameter Importance", ICML 2014) by forests of several seeds.

    A trial counts by its best score on validation up to the common epoch, one that diverged by the
    worst score of the others; other failures do not count. A backbone with fewer than four
    trials that trained, or with one score for all, has none.
    """
    by_backbone: dict[str, list[TrialRecord]] = {}
    for record in sorted(records, key=lambda record: record.id):
        trained = record.has_scores or record.diverged
        if trained and not record.repeat and parameters(record, space):
            by_backbone.setdefault(record.backbone, []).append(record)
    found = {name: _importances(_some(own), space) for name, own in by_backbone.items()}
    return {name: of_backbone for name, of_backbone in found.items() if of_backbone is not None}


def _some(own: list[TrialRecord]) -> list[TrialRecord]:
    places = np.linspace(0, len(own) - 1, min(len(own), _MOST)).round().astype(int)
    return [own[place] for place in places]


def _importances(own: Sequence[TrialRecord], space: SearchSpace) -> Importances | None:
    trained = [record for record in own if record.has_scores]
    if len(trained) < _FEWEST:
        return None
    epoch = min(len(record.epochs) for record in trained)
    values = {record.number: max(one.score for one in record.epochs[:epoch]) for record in trained}
    if len(set(values.values())) < 2:
        return None
    worst = min(values.values())
    study = optuna.create_study(direction="maximize")
    dimensions = distributions(space, own[0].backbone)
    for record in own:
        study.add_trial(
            optuna.trial.create_trial(
                value=values.get(record.number, worst),
                params=parameters(record, space),
                distributions=dimensions,
            )
        )
    try:
        shares = [_shares(study, seed) for seed in _SEEDS]
    except (RuntimeError, ValueError) as fault:  # scores that no dimension explains
        _LOG.warning("no importances of %s: %s", own[0].backbone, fault)
        return None
    varied = [name for name, dimension in dimensions.items() if not dimension.single()]
    by_seed = {name: [of_seed[name] for of_seed in shares] for name in varied}
    return Importances(
        trials=len(own),
        epoch=epoch,
        shares={
            name: Share(mean=float(np.mean(of_name)), spread=float(np.std(of_name)))
            for name, of_name in by_seed.items()
        },
    )


def _shares(study: optuna.Study, seed: int) -> dict[str, float]:
    """Per dimension, by one forest; they sum to 1."""
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=_TREES, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
