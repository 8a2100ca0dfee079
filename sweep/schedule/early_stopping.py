"""Stops weak trials early: asynchronous successive halving that does not depend on timing.

ASHA (Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020) lets a trial
go on at a rung if it is in the top 1/eta of those that reached the rung so far. "So far" is a
matter of timing; here it is the trials that the suggestion was made from, all finished before this
one started. So the cutoffs are known when a trial starts, it stops itself, and a sweep that was
killed and resumed stops the same trials as one that was not.
"""

from __future__ import annotations

import itertools

import numpy as np

from results.ledger.records import TrialRecord

ETA = 3
GRACE_SHARE = 0.2
"""No trial is judged in the first fifth of its epochs."""


def rungs(epochs: int) -> tuple[int, ...]:
    """The epochs, from 1, after which trials are judged; the last epoch is never one."""
    first = max(1, round(epochs * GRACE_SHARE))
    powers = (first * ETA**power for power in itertools.count())
    return tuple(itertools.takewhile(lambda rung: rung < epochs, powers))


class Bars:
    """The score on validation that a trial must reach at each rung; add finished trials to it.

    All trials of the backbone count, the baseline and those that were stopped later included. A
    rung that fewer than `ETA` of them reached has no cutoff: the best third of two trials is none.
    """

    def __init__(self, epochs: int) -> None:
        self._scores: dict[int, list[float]] = {rung: [] for rung in rungs(epochs)}

    def add(self, record: TrialRecord) -> None:
        for rung, scores in self._scores.items():
            if len(record.epochs) >= rung:
                scores.append(record.epochs[rung - 1].score)

    def cutoffs(self, *, from_head: bool = False) -> dict[int, float]:
        """Per rung the score below which a trial stops.

        Args:
            from_head: whether the trial starts from a trained head. It is not judged at the first
                rung: the layers below begin to move, and those that come to most fall behind their
                head at first (`tests/benchmarks/search/REPLAY.md`).
        """
        judged = list(self._scores.items())[from_head:]
        return {
            rung: float(np.percentile(scores, 100 * (1 - 1 / ETA)))
            for rung, scores in judged
            if len(scores) >= ETA
        }
