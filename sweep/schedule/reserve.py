"""Keeps time for the repeats: a time budget is there for a verdict, not for one more trial.

Before each trial of the search: what it takes, what runs, and then the repeats of every backbone's
baseline and best two, whichever these come to be, must fit into the seconds that are left, at the
seconds that their unfreeze points were measured to take (`schedule.paces`). Which trials run then
depends on time, as it does where the budget cuts them. While nothing is measured, nothing is held
back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.ledger.records import TrialRecord
from results.ledger.repeats import SEARCHED, candidates
from search_spaces.config import TrialId
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.course import Course
from sweep.schedule.kinds import Kinds
from sweep.schedule.paces import seconds_per_epoch
from sweep.schedule.tally import tallied

USABLE = 0.85
"""Share of the workers' time; for the rest they wait for results, and for the last trial's end."""


@dataclass(frozen=True)
class _Due:
    """What a backbone's verdict still needs.

    Attributes:
        baseline: its seconds; 0 if it has begun.
        repeats: seconds of each that has not begun, at most, the longest first.
    """

    baseline: float
    repeats: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return self.baseline + sum(self.repeats)

    def by_the_clock(self, at_once: int) -> float:
        """Seconds until then if all workers train this backbone."""
        return self.baseline + sum(self.repeats[::at_once])


class Reserve:
    """What a time budget keeps for the repeats.

    Args:
        courses: of the run's backbones.
        seconds: of the budget, from now.
        at_once: trials at a time.
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self,
        settings: Settings,
        courses: Mapping[str, Course],
        seconds: float,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._tallies = tallied(courses, ())
        self._at_once = at_once
        self._clock = clock
        self._deadline = clock() + seconds
        self._running: dict[TrialId, tuple[Assignment, float]] = {}

    def begun(self, assignment: Assignment) -> None:
        """A trial was handed out."""
        self._running[assignment.trial_id] = assignment, self._clock()

    def ended(self, record: TrialRecord) -> None:
        """A trial has its record, now or since an earlier start."""
        self._running.pop(record.id, None)
        self._tallies[record.backbone].add(record)

    def is_searching(self, backbone: str) -> bool:
        """Whether a trial of a backbone's search runs."""
        return any(trial.backbone == backbone and not trial.repeat for trial in self._running)

    def spares(self, trial: TrialId) -> bool:
        """Whether a trial of the search leaves time enough.

        Heads and the baseline always do, and the first two where no heads are tried: there must be
        something to confirm.
        """
        epochs = seconds_per_epoch(self._tallies)
        kinds = {name: Kinds(tally, epochs[name]) for name, tally in self._tallies.items()}
        own, course = kinds[trial.backbone].of(trial), kinds[trial.backbone].course
        if own is None or trial.number <= max(SEARCHED, course.probes):
            return True
        running = self._of_running(kinds)
        more = {trial.backbone: [kinds[trial.backbone].in_full(trial) or own]}
        due = {name: self._due(name, kinds[name], more.get(name, ())) for name in kinds}
        work = own + sum(running.values()) + sum(needed.seconds for needed in due.values())
        before = [left for other, left in running.items() if other.backbone == trial.backbone]
        # A backbone's repeats wait for all of its search.
        chain = max([own, *before]) + due[trial.backbone].by_the_clock(self._at_once)
        needed = max(work / self._at_once, chain)
        return needed <= USABLE * (self._deadline - self._clock())

    def _of_running(self, kinds: Mapping[str, Kinds]) -> dict[TrialId, float]:
        """Seconds that each running trial still takes."""
        now, left = self._clock(), {}
        for trial, (assignment, started) in self._running.items():
            expected = kinds[trial.backbone].of_config(trial, assignment.config) or 0.0
            left[trial] = max(0.0, expected - (now - started))
        return left

    def _due(self, name: str, kinds: Kinds, more: Sequence[float]) -> _Due:
        """What a backbone's verdict still needs if its search ends with the trials that have begun.

        Which of them will be best is not known: of the best two so far, those that run, and `more`,
        the two that would take longest to repeat are taken.

        Args:
            more: seconds of all epochs of what is about to begin.
        """
        running = [one for one, _ in self._running.values() if one.config.backbone == name]
        best = [record for record in candidates(kinds.tally.contenders) if record.number]
        searched = [one.config for one in running if one.number and not one.repeat]
        configs = (*(record.config for record in best), *searched)
        seconds = [kinds.seconds_in_full(config) or 0.0 for config in configs]
        dearest = sorted([*seconds, *more])[-SEARCHED:]
        known = kinds.tally.has_baseline or TrialId(name, 0) in self._running
        begun = kinds.tally.repeated + Counter(one.number for one in running if one.repeat)
        of_best = sum(begun[record.number] for record in best)
        whole, confirm = kinds.whole or 0.0, self._settings.confirm
        repeats = [
            *([whole] * (confirm - begun[0])),
            *sorted(dearest * confirm)[of_best:],
        ]
        return _Due(0.0 if known else whole, tuple(sorted(repeats, reverse=True)))
