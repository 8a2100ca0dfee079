"""One pool of trials for all backbones: what may be trained next, and what became of it.

The trials of a backbone start in a fixed order (`schedule.order`). The *n*-th of them may start
when all up to the one at *n - lag* are finished (`schedule.lag`), and is suggested from exactly
these. So the list of trials depends on neither timing, kills nor resumes; a backbone that must wait
lets another go first, so that no processor waits for a backbone to end. Which of the backbones is
next is free, so that a worker can keep to those that it has built.

When no trial of the search may start, those that confirm its winners may (`schedule.confirmation`).
Where a time budget has no room for both (`schedule.reserve`), a backbone's search ends early.

Trials of earlier runs (`schedule.warm_start`) are in the sampler's history from the start, and in
nothing else.

Asks the ledger, never Ray: whatever Ray believes of a trial, its record says what happened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from search_spaces.backbones import HEAD
from search_spaces.config import TrialConfig, TrialId
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.confirmation import Confirmation
from sweep.schedule.early_stopping import Bars
from sweep.schedule.heads import BestHeads
from sweep.schedule.history import History
from sweep.schedule.lag import seen
from sweep.schedule.order import Order, first_probe, order_of
from sweep.schedule.reserve import Reserve
from sweep.schedule.suggest import suggest
from sweep.schedule.warm_start import numbered


@dataclass
class _Backbone:
    """What is left of one backbone, and what its next trial knows. All of it only grows.

    Places are those in the backbone's order, from 0.

    Attributes:
        waiting: places of the trials that have not been handed out.
        finished: all trials before this place are.
        seen: trials before this place are in `history`, `bars` and `heads`.
        configured: trials before this place are in `taken`.
    """

    order: Order
    waiting: deque[int]
    history: History
    bars: Bars
    heads: BestHeads = field(default_factory=BestHeads)
    taken: set[TrialConfig] = field(default_factory=set)
    finished: int = 0
    seen: int = 0
    configured: int = 0


class Pool:
    """The trials that are left of a sweep, in the order in which they may start.

    Args:
        lag: the largest, see `schedule.lag`: the concurrency that the run started with.
        reserve: keeps time for the repeats; None where there is no hurry.

    Attributes:
        finished: records of the trials that are done, those of earlier starts included.
        on_search_end: told of a backbone whose search ends early, and of how many trials are left
            out.
    """

    def __init__(
        self, folder: RunFolder, settings: Settings, lag: int, reserve: Reserve | None = None
    ) -> None:
        self._reserve = reserve
        self._left_out: set[TrialId] = set()
        self.on_search_end: Callable[[str, int], None] = lambda *_: None
        self._folder = folder
        self._settings = settings
        self._lag = lag
        self.finished = {record.id: record for record in folder.records()}
        if reserve:
            for record in self.finished.values():
                reserve.ended(record)
        self._configs = {trial_id: record.config for trial_id, record in self.finished.items()}
        self._backbones = {name: self._backbone(name) for name in settings.backbones}
        for record in numbered(folder.read_warm_start() if settings.warm_start else {}):
            self._backbones[record.backbone].history.add(record)
        self._confirmation = Confirmation(folder, settings, self.finished)

    def _backbone(self, name: str) -> _Backbone:
        order = order_of(self._settings, name)
        waiting = deque(
            place
            for place, number in enumerate(order.numbers)
            if TrialId(name, number) not in self.finished
        )
        return _Backbone(order, waiting, History(self._settings.space), Bars(self._settings.epochs))

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
        behind = {name: self._backbones[name].waiting[0] + penalty(name) for name in ready}
        for chosen in sorted(ready, key=behind.__getitem__):
            if self._has_time(chosen):
                place = self._backbones[chosen].waiting.popleft()
                return self._begun(self._assign(chosen, place))
            if not self._is_searching(chosen):  # what it comes to may make the repeats cheaper
                self._end_search(chosen)
        repeat = self._confirmation.next(penalty)
        return None if repeat is None else self._begun(repeat)

    def finish(self, trial_id: TrialId) -> TrialRecord:
        """Take up the record of a trial that Ray is done with; a missing one is a failure."""
        record = self._folder.read_record(trial_id.name)
        if record is None:
            record = self._lost(trial_id)
            self._folder.write_record(record)
        self.finished[trial_id] = record
        if self._reserve:
            self._reserve.ended(record)
        self._confirmation.take_up(trial_id)
        return record

    def _begun(self, assignment: Assignment) -> Assignment:
        if self._reserve:
            self._reserve.begun(assignment)
        return assignment

    def _has_time(self, name: str) -> bool:
        """Whether a backbone's next trial leaves time enough for the repeats."""
        backbone = self._backbones[name]
        number = backbone.order.numbers[backbone.waiting[0]]
        return self._reserve is None or self._reserve.spares(TrialId(name, number))

    def _is_searching(self, name: str) -> bool:
        return self._reserve is not None and self._reserve.is_searching(name)

    def _end_search(self, name: str) -> None:
        """Leave out what has not begun, but for the baseline, without which there is no verdict."""
        backbone = self._backbones[name]
        numbers, waiting = backbone.order.numbers, set(backbone.waiting)
        kept = [at for at, number in enumerate(numbers) if at not in waiting or number == 0]
        left_out = {TrialId(name, numbers[at]) for at in waiting if numbers[at]}
        # Those that began are the first of the order, so that no place before the baseline's moves.
        backbone.order = Order(tuple(numbers[at] for at in kept), backbone.order.probes, None)
        backbone.waiting = deque(at for at, place in enumerate(kept) if place in waiting)
        self._left_out |= left_out
        self._folder.write_left_out(self._left_out)
        self._confirmation.leave_out(left_out)
        self.on_search_end(name, len(left_out))

    def _may_start(self, name: str) -> bool:
        """Whether the next trial of a backbone has all that it is suggested from."""
        backbone = self._backbones[name]
        numbers = backbone.order.numbers
        while (
            backbone.finished < len(numbers)
            and TrialId(name, numbers[backbone.finished]) in self.finished
        ):
            backbone.finished += 1
        return bool(backbone.waiting) and backbone.finished >= self._seen(backbone.waiting[0])

    def _seen(self, place: int) -> int:
        return seen(place, concurrency=self._lag, backbones=len(self._backbones))

    def _assign(self, name: str, place: int) -> Assignment:
        backbone = self._backbones[name]
        numbers, number = backbone.order.numbers, backbone.order.numbers[place]
        for earlier in numbers[backbone.seen : self._seen(place)]:
            record = self.finished[TrialId(name, earlier)]
            backbone.history.add(record)
            backbone.bars.add(record)
            backbone.heads.add(record)
        backbone.seen = self._seen(place)
        trial_id = TrialId(name, number)
        config = self._folder.read_suggestion(trial_id.name) or self._config(trial_id, place)
        self._folder.write_suggestion(trial_id.name, config)
        self._configs[trial_id] = config
        return Assignment(number, config, self._cutoffs(backbone, place, config))

    def _cutoffs(self, backbone: _Backbone, place: int, config: TrialConfig) -> dict[int, float]:
        """Empty for probes, which cost little and set the others' bars, and for the two trials that
        the report compares: the baseline and its twin."""
        in_full = place <= backbone.order.probes or config == backbone.order.twin
        if in_full or not self._settings.early_stopping:
            return {}
        return backbone.bars.cutoffs(from_head=config.head_from > 0)

    def _config(self, trial_id: TrialId, place: int) -> TrialConfig:
        baseline = self._settings.baseline(trial_id.backbone)
        if trial_id.number == 0:
            return baseline
        backbone = self._backbones[trial_id.backbone]
        for earlier in backbone.order.numbers[backbone.configured : place]:
            config = self._configs[TrialId(trial_id.backbone, earlier)]
            backbone.taken.add(replace(config, head_from=0))  # the head is no choice of its own
        backbone.configured = place
        return self._planned(trial_id, place) or self._suggested(trial_id, place)

    def _planned(self, trial_id: TrialId, place: int) -> TrialConfig | None:
        """The configuration of a trial that needs no suggestion; None for the others."""
        backbone, name = self._backbones[trial_id.backbone], trial_id.backbone
        if place < backbone.order.probes:
            planned = first_probe(self._settings, name, trial_id.number)
        else:
            is_last = place == len(backbone.order.numbers) - 1
            planned = backbone.order.twin if is_last else None
        return None if planned in backbone.taken else planned

    def _suggested(self, trial_id: TrialId, place: int) -> TrialConfig:
        backbone = self._backbones[trial_id.backbone]
        fixed: dict[str, Any] = {"unfreeze": HEAD} if place < backbone.order.probes else {}
        twin = {backbone.order.twin} if backbone.order.twin else set()  # kept for the last
        config = suggest(
            self._settings.space,
            self._settings.baseline(trial_id.backbone),
            trial_id.number,
            seed=self._settings.seed,
            history=backbone.history.trials(),
            taken=backbone.taken | twin,
            fixed=fixed,
        )
        return replace(config, head_from=backbone.heads.start_of(config))

    def _lost(self, trial_id: TrialId) -> TrialRecord:
        config = self._folder.read_suggestion(trial_id.name)
        assert config is not None, "a suggestion is logged before its trial starts"
        error = "its worker process, or the node, was lost twice without a record; out of memory?"
        return Assignment(trial_id.number, config, {}, repeat=trial_id.repeat).failed(error)
