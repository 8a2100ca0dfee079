"""One pool of trials for all backbones: what may be trained next, and what became of it.

Trial *n* of a backbone may start when every trial up to *n - lag* is finished, and is suggested
from exactly these. So the list of trials depends on neither timing, kills nor resumes; a backbone
that must wait lets another go first, so that no processor waits for a backbone to end. Which of
the backbones is next is free, so that a worker can keep to those that it has built.

Asks the ledger, never Ray: whatever Ray believes of a trial, its record says what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.config import TrialConfig, TrialId
from sweep.schedule.assignment import Assignment
from sweep.schedule.early_stopping import cutoffs
from sweep.schedule.suggest import suggest
from sweep.settings import Settings


class Pool:
    """The trials that are left of a sweep, in the order in which they may start."""

    def __init__(self, folder: RunFolder, settings: Settings, lag: int) -> None:
        self._folder = folder
        self._settings = settings
        self._lag = lag
        self.finished: dict[str, TrialRecord] = {one.trial: one for one in folder.records()}
        self._waiting = [
            (backbone, number)
            for number in range(settings.trials + 1)
            for backbone in settings.backbones
            if number <= settings.searched(backbone)
            and TrialId(backbone, number).name not in self.finished
        ]

    @property
    def left(self) -> int:
        """How many trials have not been handed out."""
        return len(self._waiting)

    def next(self, handicap: Callable[[str], int] = lambda _: 0) -> Assignment | None:
        """The next trial that may start, its point logged; None if none may or none is left.

        Args:
            handicap: by how many trials a backbone must be behind the others to be taken up.
        """
        first = dict(reversed(self._waiting))  # of each backbone; what is behind it waits for it
        ready = [
            (first[backbone] + handicap(backbone), backbone)
            for backbone in self._settings.backbones
            if backbone in first and self._may_start(backbone, first[backbone])
        ]
        if not ready:
            return None
        _, backbone = min(ready, key=lambda one: one[0])
        self._waiting.remove((backbone, first[backbone]))
        return self._assign(backbone, first[backbone])

    def finish(self, trial: str) -> TrialRecord:
        """Take up the record of a trial that Ray is done with; a missing one is a failure."""
        record = self._folder.read_record(trial)
        if record is None:
            record = self._lost(trial)
            self._folder.write_record(record)
        self.finished[trial] = record
        return record

    def _may_start(self, backbone: str, number: int) -> bool:
        return all(
            TrialId(backbone, earlier).name in self.finished
            for earlier in range(number - self._lag + 1)
        )

    def _visible(self, backbone: str, number: int) -> list[TrialRecord]:
        earlier = range(max(0, number - self._lag + 1))
        return [self.finished[TrialId(backbone, one).name] for one in earlier]

    def _assign(self, backbone: str, number: int) -> Assignment:
        trial = TrialId(backbone, number).name
        history = self._visible(backbone, number)
        config = self._folder.read_suggestion(trial) or self._point(backbone, number, history)
        self._folder.write_suggestion(trial, config)
        stops = number > self._compared and self._settings.early_stopping
        bars = cutoffs(history, config.epochs) if stops else {}
        return Assignment(trial=trial, number=number, config=config, cutoffs=bars)

    def _point(self, backbone: str, number: int, history: list[TrialRecord]) -> TrialConfig:
        baseline = self._settings.baseline(backbone)
        if number == 0:
            return baseline
        if number <= self._compared:
            return replace(baseline, scaling="native")
        earlier = (self._folder.read_suggestion(TrialId(backbone, n).name) for n in range(number))
        return suggest(
            self._settings.space,
            baseline,
            number,
            seed=self._settings.seed,
            history=history,
            taken=[one for one in earlier if one is not None],
        )

    @property
    def _compared(self) -> int:
        """Trials up to this number are run in full: the baseline, and where the scaling is searched
        the baseline in the backbone's own scaling, which shows what the paper's X/255 costs."""
        return 1 if "scaling" in self._settings.search else 0

    def _lost(self, trial: str) -> TrialRecord:
        config = self._folder.read_suggestion(trial)
        assert config is not None, "a suggestion is logged before its trial starts"
        return TrialRecord(
            number=TrialId.parse(trial).number,
            status=Status.FAILED,
            config=config,
            error="the worker process died twice without a record; out of memory?",
        )
