"""Stops weak trials early: asynchronous successive halving that does not depend on timing.

ASHA (Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020) lets a trial
go on at a rung if it is in the top 1/eta of those that reached the rung so far. "So far" is a
matter of timing; here it is the trials that the suggestion was made from, all finished before this
one started. So the bars are known when a trial starts, it stops itself, and a sweep that was killed
and resumed stops the same trials as one that was not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from results.ledger.records import TrialRecord

ETA = 3
GRACE_SHARE = 0.2
"""No trial is judged in the first fifth of its epochs."""


def rungs(epochs: int) -> tuple[int, ...]:
    """The epochs, from 1, after which trials are judged; the last epoch is never one."""
    rung = max(1, round(epochs * GRACE_SHARE))
    found: list[int] = []
    while rung < epochs:
        found.append(rung)
        rung *= ETA
    return tuple(found)


def cutoffs(history: Sequence[TrialRecord], epochs: int) -> dict[int, float]:
    """Per rung the validation accuracy below which a trial stops.

    Args:
        history: finished trials of the same backbone. A rung that fewer than `ETA` of them
            reached is no bar, since a third of them is nobody.
        epochs: of the trial.
    """
    bars: dict[int, float] = {}
    for rung in rungs(epochs):
        reached = [
            record.epochs[rung - 1].validation_accuracy
            for record in history
            if len(record.epochs) >= rung
        ]
        if len(reached) >= ETA:
            bars[rung] = float(np.percentile(reached, 100 * (1 - 1 / ETA)))
    return bars
