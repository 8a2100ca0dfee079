"""Made-up sweeps of one backbone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna

from results.ledger.records import Status, TrialRecord
from search_spaces import paper
from search_spaces.space import DIMENSIONS, SearchSpace
from sweep.schedule.history import History
from sweep.schedule.suggest import suggest
from tests.sweep.helpers import record

SPACE = SearchSpace(varied=DIMENSIONS)
VARIED = tuple(name for name in DIMENSIONS if name != "batch_norm")
"""Of VGG16, which has no BatchNormalization."""
BASELINE = paper.baseline("VGG16")
_STATUSES = (Status.COMPLETED, Status.STOPPED_EARLY, Status.FAILED, Status.COMPLETED)


def told(
    records: Sequence[TrialRecord], space: SearchSpace = SPACE
) -> list[optuna.trial.FrozenTrial]:
    """What a suggestion sees of these trials."""
    history = History(space)
    for finished in records:
        history.add(finished)
    return history.trials()


def long_history(length: int) -> list[TrialRecord]:
    """A sweep of one backbone so far; a smaller learning rate is better."""
    records = [record("VGG16", 0, config=BASELINE)]
    for number in range(1, length):
        config = suggest(SPACE, BASELINE, number, seed=1, history=told(records))
        accuracy = min(1.0, -math.log10(config.learning_rate) / 8)
        status = _STATUSES[number % len(_STATUSES)]
        records.append(record("VGG16", number, [accuracy, 0.1], status=status, config=config))
    return records
