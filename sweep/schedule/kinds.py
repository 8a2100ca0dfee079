"""Seconds of a backbone's trials by their kind, without those of filling the feature store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.repeats import SEARCHED, candidates
from search_spaces.backbones import HEAD
from search_spaces.config import TrialConfig, TrialId
from sweep.schedule.course import Course, Kind
from sweep.schedule.tally import Tally

_PRIOR = 2
"""What is expected before anything is measured counts as this many measured trials."""


@dataclass(frozen=True)
class Kinds:
    """What is expected of one backbone; None where nothing is known.

    Attributes:
        tally: its finished trials.
        epochs: seconds of one by unfreeze point (`schedule.paces`).
        begun: configurations of suggested trials that run.
    """

    tally: Tally
    epochs: Mapping[str, float]
    begun: Sequence[TrialConfig] = ()

    @property
    def course(self) -> Course:
        return self.tally.course

    def of(self, trial: TrialId) -> float | None:
        """Seconds of a trial that has no configuration yet."""
        match self.course.kind(trial):
            case Kind.REPEAT:
                return self.repeat
            case Kind.PROBE:
                head = self.epochs.get(HEAD)
                return None if head is None else head * self.course.epochs
            case Kind.WHOLE:
                return self.whole
            case Kind.SUGGESTED:
                return self.suggested

    def of_config(self, trial: TrialId, config: TrialConfig) -> float | None:
        """Seconds of a trial by its own unfreeze point."""
        share = self.course.share if self.course.kind(trial) is Kind.SUGGESTED else 1.0
        seconds = self.seconds_in_full(config)
        return None if seconds is None else share * seconds

    def seconds_in_full(self, config: TrialConfig) -> float | None:
        """Seconds of all epochs of a configuration, whatever early stopping does."""
        epoch = self.epochs.get(config.unfreeze)
        return None if epoch is None else config.epochs * epoch

    def in_full(self, trial: TrialId) -> float | None:
        """Seconds of all epochs of a trial that has no configuration yet."""
        if self.course.kind(trial) is not Kind.SUGGESTED:
            return self.of(trial)
        mean = self._mean_epoch
        return None if mean is None else self.course.epochs * mean

    @property
    def whole(self) -> float | None:
        """Of the baseline, and of its twin."""
        usual = self.epochs.get(self.course.usual)
        return None if usual is None else usual * self.course.epochs

    @property
    def suggested(self) -> float | None:
        """Of a trial that the sampler suggests, and that early stopping may cut: at first by the
        share of its epochs that is expected to be left, later by that of trials that have ended."""
        mean = self._mean_epoch
        if mean is None:
            return None
        shares = self.tally.shares[Kind.SUGGESTED]
        share = (_PRIOR * self.course.share + shares.total) / (_PRIOR + shares.count)
        return share * self.course.epochs * mean

    @property
    def repeat(self) -> float | None:
        """Of a repeat while the search goes on, the mean of what may be repeated.

        Any trial may turn out best: those of the head alone half as likely, since the others start
        from the best of them. No rule stops a repeat early.
        """
        baseline, mean, course = self.whole, self._mean_epoch, self.course
        if baseline is None or mean is None:
            return None
        probes = course.probes / max(1, course.searched) / 2
        head = self.epochs.get(HEAD, mean) if probes else 0.0
        searched = course.epochs * (probes * head + (1 - probes) * mean)
        return (baseline + SEARCHED * searched) / (1 + SEARCHED)

    @property
    def measured_repeat(self) -> float | None:
        """Of a repeat once the search is over: those of what is repeated."""
        best = candidates(self.tally.contenders)
        if not best:
            return self.tally.in_full.value
        longest = max(len(record.epochs) for record in best)
        return fmean(one.seconds_traced for one in best if len(one.epochs) == longest)

    @property
    def _mean_epoch(self) -> float | None:
        """Of an epoch of suggested trials. All points count alike at first, and later as often as
        they were suggested."""
        expected = [self.epochs[point] for point in self.course.visited if point in self.epochs]
        if not expected:
            return None
        visited = Counter(self.tally.visited)
        visited.update(config.unfreeze for config in self.begun)
        known = {point: count for point, count in visited.items() if point in self.epochs}
        seconds = sum(count * self.epochs[point] for point, count in known.items())
        return (_PRIOR * fmean(expected) + seconds) / (_PRIOR + sum(known.values()))
