"""What a backbone's finished trials tell the sampler; as many of them as it needs, and no more.

TPE divides what it sees into a good group, at most 25 trials, and the others, of which it weighs
the most recent highest. So the best 25 of all and the most recent 225 of the others are enough: the
good group is the one that all trials would give, and a suggestion takes as long after 10,000
trials as after 250 (`tests/benchmarks/suggestions.py`).
"""

from __future__ import annotations

import bisect
import copy
from collections import deque
from typing import NamedTuple, cast

import optuna

from results.ledger.records import TrialRecord
from search_spaces.space import SearchSpace
from sweep.schedule.optuna_trials import as_optuna

GOOD = 25
"""The most trials in TPE's good group, Optuna's `default_gamma`: a tenth of 250."""
SEEN = 250


class _Shared(optuna.trial.FrozenTrial):  # type: ignore[misc]
    """A trial that studies share: Optuna checks each one and copies it deeply for every study that
    it is put in, which takes ten times as long as the suggestion itself."""

    @staticmethod
    def of(trial: optuna.trial.FrozenTrial) -> _Shared:
        shared = copy.copy(trial)
        shared.__class__ = _Shared
        return cast(_Shared, shared)

    def _validate(self) -> None:
        """It was checked when it was made."""

    def __deepcopy__(self, _: object) -> _Shared:
        # A study numbers its own copies and changes nothing inside them once they are finished.
        copied = _Shared.__new__(_Shared)
        copied.__dict__.update(self.__dict__)
        return copied


class _Ranked(NamedTuple):
    """A trial in TPE's order, the best first; `number` decides between equals."""

    rank: tuple[bool, float, float]
    number: int
    trial: optuna.trial.FrozenTrial


class History:
    """The finished trials of one backbone that a suggestion may see; add them by their numbers."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._best: list[_Ranked] = []
        self._recent: deque[_Ranked] = deque(maxlen=SEEN)

    def add(self, record: TrialRecord) -> None:
        """Take up a trial; one that failed, or lies outside the space, tells nothing about it."""
        trial = as_optuna(record, self._space)
        if trial.state is optuna.trial.TrialState.FAIL or not trial.params:
            return
        rank = _rank(trial)
        last = max(trial.intermediate_values.items(), default=None)
        # TPE reads no other epoch, and Optuna copies all of them for every suggestion.
        trial.intermediate_values = dict([last] if last else [])
        ranked = _Ranked(rank, record.number, _Shared.of(trial))
        bisect.insort(self._best, ranked)
        del self._best[GOOD:]
        self._recent.append(ranked)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """The best and the most recent, by number."""
        best = {ranked.number for ranked in self._best}
        others = [ranked for ranked in self._recent if ranked.number not in best]
        kept = [*self._best, *others[-(SEEN - GOOD) :]]
        return [ranked.trial for ranked in sorted(kept, key=lambda ranked: ranked.number)]


def _rank(trial: optuna.trial.FrozenTrial) -> tuple[bool, float, float]:
    """As TPE sorts: complete trials by value, then pruned ones by epoch and that epoch's value."""
    if trial.state is optuna.trial.TrialState.COMPLETE:
        return False, -(trial.value or 0.0), 0.0
    epoch, score = max(trial.intermediate_values.items(), default=(-1, 0.0))
    return True, -epoch, -score
