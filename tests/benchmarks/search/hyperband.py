"""Hyperband as KerasTuner has it: the rule of its `HyperbandOracle` (1.4.8), written anew."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from tests.benchmarks.search.rules import Proposal, random_configs


@dataclass
class _Bracket:
    """Rounds of successive halving; in each, per trial its number and its score once it has one."""

    at: int
    rounds: list[dict[int, float | None]] = field(default_factory=list)
    promoted: set[int] = field(default_factory=set)


class Hyperband:
    """KerasTuner's: brackets from the greediest to plain random search, then from the start again.

    A round takes the best of the one before it as soon as more of that are scored than will be
    dropped; a trial that is taken goes on from its checkpoint. Factor 3 and brackets' sizes are
    KerasTuner's. Without a limit on iterations, so that it ends with its trials.
    """

    FACTOR = 3

    def __init__(self, trials: int, epochs: int, seed: int) -> None:
        self._epochs = epochs
        self._most, self._configs = trials, random_configs(epochs, seed)
        self._largest = max(at for at in range(64) if epochs / self.FACTOR**at >= 1)
        self._brackets = [self._bracket(self._largest)]
        self._made: dict[int, Proposal] = {}

    def size(self, bracket: int, number: int) -> int:
        """Trials of a round."""
        last = math.ceil(1 + math.log(self._epochs, self.FACTOR)) / (bracket + 1)
        return math.ceil(last * math.pow(self.FACTOR, bracket - number))

    def last_epoch(self, bracket: int, number: int) -> int:
        """Of the trials of a round."""
        return math.ceil(self._epochs / math.pow(self.FACTOR, bracket - number))

    def _bracket(self, at: int) -> _Bracket:
        return _Bracket(at, [{} for _ in range(at + 1)])

    def propose(self) -> Proposal | None:
        if len(self._made) == self._most:
            return None
        for bracket in self._brackets:
            if len(bracket.rounds[0]) < self.size(bracket.at, 0):
                return self._new(bracket)
            for number in range(1, bracket.at + 1):
                if best := self._promotable(bracket, number):
                    return self._promoted(bracket, number, best)
        at = self._brackets[-1].at - 1
        self._brackets.append(self._bracket(at if at >= 0 else self._largest))
        return self._new(self._brackets[-1])

    def _new(self, bracket: _Bracket) -> Proposal:
        until = self.last_epoch(bracket.at, 0)
        return self._handed(Proposal(len(self._made), next(self._configs), 1, until), bracket, 0)

    def _promotable(self, bracket: _Bracket, number: int) -> Proposal | None:
        before = bracket.rounds[number - 1]
        scored = {
            one: score
            for one, score in before.items()
            if score is not None and one not in bracket.promoted
        }
        dropped = self.size(bracket.at, number - 1) - self.size(bracket.at, number)
        if len(scored) <= dropped:
            return None
        return self._made[max(scored, key=lambda one: (scored[one], -one))]

    def _promoted(self, bracket: _Bracket, number: int, best: Proposal) -> Proposal:
        bracket.promoted.add(best.number)
        until = self.last_epoch(bracket.at, number)
        trial = Proposal(len(self._made), best.config, best.last + 1, until, goes_on=best.number)
        return self._handed(trial, bracket, number)

    def _handed(self, trial: Proposal, bracket: _Bracket, number: int) -> Proposal:
        trial = replace(trial, token=(bracket, number))
        bracket.rounds[number][trial.number] = None
        self._made[trial.number] = trial
        return trial

    def goes_on(self, trial: Proposal, epoch: int, accuracy: float) -> bool:
        return True

    def finish(self, trial: Proposal, accuracies: list[float], losses: list[float]) -> None:
        bracket, number = trial.token
        bracket.rounds[number][trial.number] = max(accuracies, default=0.0)
