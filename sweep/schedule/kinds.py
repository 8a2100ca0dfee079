"""Seconds of a backbone's trials by their kind, without those of filling the feature store.

A trial is a probe (the head alone, first), whole (the baseline and its twin), suggested (any point,
and early stopping may cut it) or a repeat of the baseline or of the best two searched trials.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.records import TrialRecord
from results.ledger.repeats import SEARCHED, candidates
from search_spaces.backbones import HEAD
from search_spaces.config import TrialConfig, TrialId
from sweep.schedule.course import Course

_PRIOR = 2
"""What is expected before anything is measured weighs as much as so many trials."""


@dataclass(frozen=True)
class Kinds:
    """What is expected of one backbone; None where nothing is known.

    Attributes:
        epochs: seconds of one by unfreeze point (`schedule.paces`).
        records: its finished trials.
        begun: configurations of suggested trials that run.
    """

    course: Course
    epochs: Mapping[str, float]
    records: Sequence[TrialRecord] = ()
    begun: Sequence[TrialConfig] = ()

    def of(self, trial: TrialId) -> float | None:
        """Seconds of a trial that has no configuration yet."""
        if trial.repeat:
            return self.repeat
        if self.course.is_probe(trial):
            head = self.epochs.get(HEAD)
            return None if head is None else head * self.course.epochs
        return self.whole if self.course.is_whole(trial) else self.suggested

    def of_config(self, trial: TrialId, config: TrialConfig) -> float | None:
        """Seconds of a trial by its own unfreeze point."""
        share = self.course.share if self.course.is_suggested(trial) else 1.0
        seconds = self.seconds_in_full(config)
        return None if seconds is None else share * seconds

    def seconds_in_full(self, config: TrialConfig) -> float | None:
        """Seconds of all epochs of a configuration, whatever early stopping does."""
        epoch = self.epochs.get(config.unfreeze)
        return None if epoch is None else config.epochs * epoch

    def in_full(self, trial: TrialId) -> float | None:
        """Seconds of all epochs of a trial that has no configuration yet."""
        if not self.course.is_suggested(trial):
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
        """How many epochs, early stopping foresees; as such trials end, they say so."""
        mean = self._mean_epoch
        if mean is None:
            return None
        trained = [
            len(record.epochs) / record.config.epochs
            for record in self.records
            if record.epochs and self.course.is_suggested(record.id)
        ]
        share = (_PRIOR * self.course.share + sum(trained)) / (_PRIOR + len(trained))
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
        search = [record for record in self.records if not record.repeat]
        best = candidates(search) or [record for record in search if record.epochs]
        longest = max((len(record.epochs) for record in best), default=0)
        seconds = [one.cost.seconds_trained for one in best if len(one.epochs) == longest]
        return fmean(seconds) if seconds else None

    @property
    def _mean_epoch(self) -> float | None:
        """Over what the sampler suggests: all points alike until there is some."""
        expected = [self.epochs[one] for one in self.course.visited if one in self.epochs]
        if not expected:
            return None
        suggested = self.course.is_suggested
        visited = [record.config.unfreeze for record in self.records if suggested(record.id)]
        visited += [config.unfreeze for config in self.begun]
        seconds = [self.epochs[point] for point in visited if point in self.epochs]
        return (_PRIOR * fmean(expected) + sum(seconds)) / (_PRIOR + len(seconds))
