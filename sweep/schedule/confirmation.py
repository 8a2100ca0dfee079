"""No winner's curse: a backbone's baseline and best two are trained again on fresh seeds.

The best of many trials is partly the luckiest. When a backbone's search is over, its candidates
(`results.ledger.repeats`) become trials of their own, which fill workers that the search leaves
free. They are no part of the search: nothing is suggested or stopped by what they come to.

The baseline will be a candidate whatever else comes of the search. So its repeats need not wait for
the search's end: they fill workers that would wait for results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from results.ledger.records import Status, TrialRecord
from results.ledger.repeats import fresh_seeds, is_cut, most_repeats, repeats
from results.ledger.store import RunFolder
from search_spaces.config import TrialConfig, TrialId
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment


class Confirmation:
    """The repeats that are left of a sweep.

    Args:
        finished: the pool's records, to which it adds.
    """

    def __init__(
        self, folder: RunFolder, settings: Settings, finished: Mapping[TrialId, TrialRecord]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._finished = finished
        self._seeds = fresh_seeds(settings.seed, settings.confirm)
        backbones = settings.backbones if settings.confirm else ()
        self._most = {name: most_repeats(settings, name) for name in backbones}
        """Of backbones whose search goes on."""
        self._left_out: set[TrialId] = set()
        self._begun: set[TrialId] = set()
        """Repeats of baselines, handed out while the search goes on."""
        self._completed: dict[str, set[bool]] = {name: set() for name in backbones}
        """Whether of a backbone the baseline (True), and any other trial (False), has scores."""
        self._waiting: dict[str, deque[TrialId]] = {}
        self._searching = {name: settings.searched(name) + 1 for name in backbones}
        """Trials of the search that are not finished."""
        for trial_id in finished:
            self._count(trial_id)

    @property
    def left(self) -> int:
        """How many repeats have not been handed out, at most."""
        return sum(self._most.values()) + sum(map(len, self._waiting.values()))

    def take_up(self, trial_id: TrialId) -> None:
        """A trial is finished; the last one of a backbone's search opens its repeats."""
        self._count(trial_id)

    def leave_out(self, trials: Collection[TrialId]) -> None:
        """A backbone's search goes on without these."""
        self._left_out.update(trials)
        for trial_id in trials:
            self._count(trial_id)

    def next(self, penalty: Callable[[str], int]) -> Assignment | None:
        """The next repeat, its configuration logged; None if none may start or is left."""
        ready = [name for name, waiting in self._waiting.items() if waiting]
        if ready:
            trial_id = self._waiting[min(ready, key=penalty)].popleft()
        else:
            early = min(self._early(), key=lambda trial: penalty(trial.backbone), default=None)
            if early is None:
                return None
            trial_id = early
            self._begun.add(trial_id)
            self._most[trial_id.backbone] -= 1
        config = self._folder.read_suggestion(trial_id.name) or self._config(trial_id)
        self._folder.write_suggestion(trial_id.name, config)
        return Assignment(trial_id.number, config, cutoffs={}, repeat=trial_id.repeat)

    def _early(self) -> Iterator[TrialId]:
        """Of each backbone whose search goes on, the next repeat of its baseline, if that is sure
        to be held against another trial."""
        for name in self._most:
            if self._completed[name] == {True, False}:
                own = (TrialId(name, 0, repeat) for repeat in range(1, 1 + len(self._seeds)))
                left = (one for one in own if one not in self._finished and one not in self._begun)
                yield from islice(left, 1)

    def _config(self, trial_id: TrialId) -> TrialConfig:
        candidate = self._finished[TrialId(trial_id.backbone, trial_id.number)]
        return replace(candidate.config, seed=self._seeds[trial_id.repeat - 1])

    def _count(self, trial_id: TrialId) -> None:
        name = trial_id.backbone
        if trial_id.repeat or name not in self._searching:
            return
        self._searching[name] -= 1
        record = self._finished.get(trial_id)
        if record and record.status == Status.COMPLETED and record.has_scores:
            self._completed[name].add(record.is_baseline)
        if self._searching[name] == 0:
            known = repeats(self._settings, name, self._finished, self._left_out) or ()
            done = {*self._finished, *self._begun}
            self._waiting[name] = deque(repeat for repeat in known if repeat not in done)
            del self._most[name]


def discard_cut_repeats(folder: RunFolder) -> None:
    """Remove repeats that the time budget cut, so that a resume trains them again."""
    for record in folder.records():
        if is_cut(record):
            folder.discard_trial(record.trial)
