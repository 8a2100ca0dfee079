"""One pool of trials for all backbones: what may be trained next, and what became of it.

Trial *n* of a backbone may start when every trial up to *n - lag* is finished (`schedule.lag`), and
is suggested from exactly these. So the list of trials depends on neither timing, kills nor resumes;
a backbone that must wait lets another go first, so that no processor waits for a backbone to end.
Which of the backbones is next is free, so that a worker can keep to those that it has built.

When no trial of the search may start, those that confirm its winners may (`schedule.confirmation`).

Asks the ledger, never Ray: whatever Ray believes of a trial, its record says what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.backbones import Scaling
from search_spaces.config import TrialConfig, TrialId
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.confirmation import Confirmation
from sweep.schedule.early_stopping import Bars
from sweep.schedule.history import History
from sweep.schedule.lag import seen
from sweep.schedule.suggest import suggest


@dataclass
class _Backbone:
    """What is left of one backbone, and what its next trial knows. All of it only grows.

    Attributes:
        waiting: numbers of the trials that have not been handed out.
        finished: all trials below this number are.
        seen: trials below this number are in `history` and `bars`.
        configured: trials below this number are in `taken`.
    """

    waiting: deque[int]
    history: History
    bars: Bars
    taken: set[TrialConfig] = field(default_factory=set)
    finished: int = 0
    seen: int = 0
    configured: int = 0


class Pool:
    """The trials that are left of a sweep, in the order in which they may start.

    Args:
        lag: the largest, see `schedule.lag`: the concurrency that the run started with.

    Attributes:
        finished: records of the trials that are done, those of earlier starts included.
    """

    def __init__(self, folder: RunFolder, settings: Settings, lag: int) -> None:
        self._folder = folder
        self._settings = settings
        self._lag = lag
        self.finished = {record.id: record for record in folder.records()}
        self._configs = {trial_id: record.config for trial_id, record in self.finished.items()}
        self._backbones = {
            name: _Backbone(self._unfinished(name), History(settings.space), Bars(settings.epochs))
            for name in settings.backbones
        }
        self._confirmation = Confirmation(folder, settings, self.finished)

    def _unfinished(self, backbone: str) -> deque[int]:
        numbers = range(self._settings.searched(backbone) + 1)
        return deque(n for n in numbers if TrialId(backbone, n) not in self.finished)

    @property
    def left(self) -> int:
        """How many trials have not been handed out, repeats included, at most."""
        search = sum(len(backbone.waiting) for backbone in self._backbones.values())
        return search + self._confirmation.left

    def next(self, penalty: Callable[[str], int] = lambda _: 0) -> Assignment | None:
        """The next trial that may start, its configuration logged; None if none may or is left.

        Args:
            penalty: by how many trials a backbone must be behind the others to be taken up.
        """
        ready = [name for name in self._backbones if self._may_start(name)]
        if not ready:
            return self._confirmation.next(penalty)
        chosen = min(ready, key=lambda name: self._backbones[name].waiting[0] + penalty(name))
        return self._assign(TrialId(chosen, self._backbones[chosen].waiting.popleft()))

    def finish(self, trial_id: TrialId) -> TrialRecord:
        """Take up the record of a trial that Ray is done with; a missing one is a failure."""
        record = self._folder.read_record(trial_id.name)
        if record is None:
            record = self._lost(trial_id)
            self._folder.write_record(record)
        self.finished[trial_id] = record
        self._confirmation.take_up(trial_id)
        return record

    def _may_start(self, name: str) -> bool:
        """Whether the next trial of a backbone has all that it is suggested from."""
        backbone = self._backbones[name]
        while TrialId(name, backbone.finished) in self.finished:
            backbone.finished += 1
        return bool(backbone.waiting) and backbone.finished >= self._seen(backbone.waiting[0])

    def _seen(self, number: int) -> int:
        return seen(number, concurrency=self._lag, backbones=len(self._backbones))

    def _assign(self, trial_id: TrialId) -> Assignment:
        number, backbone = trial_id.number, self._backbones[trial_id.backbone]
        for earlier in range(backbone.seen, self._seen(number)):
            record = self.finished[TrialId(trial_id.backbone, earlier)]
            backbone.history.add(record)
            backbone.bars.add(record)
        backbone.seen = self._seen(number)
        config = self._folder.read_suggestion(trial_id.name) or self._config(trial_id, backbone)
        self._folder.write_suggestion(trial_id.name, config)
        self._configs[trial_id] = config
        stops = number > self._last_in_full(trial_id.backbone) and self._settings.early_stopping
        return Assignment(number, config, backbone.bars.cutoffs() if stops else {})

    def _config(self, trial_id: TrialId, backbone: _Backbone) -> TrialConfig:
        baseline = self._settings.baseline(trial_id.backbone)
        if trial_id.number == 0:
            return baseline
        if trial_id.number <= self._last_in_full(trial_id.backbone):
            return replace(baseline, scaling=Scaling.NATIVE)
        for earlier in range(backbone.configured, trial_id.number):
            backbone.taken.add(self._configs[TrialId(trial_id.backbone, earlier)])
        backbone.configured = trial_id.number
        return suggest(
            self._settings.space,
            baseline,
            trial_id.number,
            seed=self._settings.seed,
            history=backbone.history.trials(),
            taken=backbone.taken,
        )

    def _last_in_full(self, backbone: str) -> int:
        """Trials up to this number are never stopped: the baseline and, where the scaling is
        searched and the baseline has X/255, the same in the backbone's own scaling, which shows
        what the paper's choice costs."""
        in_unit = self._settings.baseline(backbone).scaling is Scaling.UNIT
        return 1 if in_unit and "scaling" in self._settings.search else 0

    def _lost(self, trial_id: TrialId) -> TrialRecord:
        config = self._folder.read_suggestion(trial_id.name)
        assert config is not None, "a suggestion is logged before its trial starts"
        return TrialRecord(
            number=trial_id.number,
            repeat=trial_id.repeat,
            status=Status.FAILED,
            config=config,
            error="the worker process died twice without a record; out of memory?",
        )
