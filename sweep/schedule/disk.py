"""Keeps a run's folder below `--max-disk` while trials are trained.

Before a trial starts there must be room for it and for those that run. Where there is none, weights
go that the run can do without (`results.ledger.dropping`); where these do not suffice, no further
trial starts.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable

from results.ledger.dropping import drop_weights, spare
from results.ledger.files import folder_bytes
from results.ledger.places import TrialFile
from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from sweep.schedule.heads import BestHeads

_LOG = logging.getLogger(__name__)


class DiskBudget:
    """What is left of `--max-disk`.

    A trial takes at most what the largest one took so far; nothing is known before the first.

    Args:
        most: bytes of the run's folder; None for no limit.
        at_once: trials that run at a time.
        finished: records of those that are done, the latest last.
    """

    def __init__(
        self,
        folder: RunFolder,
        most: int | None,
        at_once: int,
        finished: Callable[[], Collection[TrialRecord]],
    ) -> None:
        self._folder = folder
        self._most = most
        self._at_once = at_once
        self._finished = finished
        self._used: float = math.inf
        self._counted = 0
        self._largest = 0
        self._dropped: set[TrialId] = set()

    def spent(self) -> bool:
        """Whether there is no room for a further trial; makes some where it can."""
        if self._most is None:
            return False
        new = len(self._finished()) - self._counted
        if not self._largest or not self._fits(self._most, new):
            self._measure()
            self._make_room(self._most)
        return not self._fits(self._most)

    def _fits(self, most: int, unmeasured: int = 0) -> bool:
        return self._used + (unmeasured + self._at_once) * self._largest <= most

    def _measure(self) -> None:
        finished = tuple(self._finished())
        new = (folder_bytes(self._folder.trial(one.trial)) for one in finished[self._counted :])
        self._largest = max(self._largest, *new, 0)
        self._counted = len(finished)
        self._used = folder_bytes(self._folder.root)

    def _make_room(self, most: int) -> None:
        if self._fits(most):
            return
        records = self._finished()
        for record in spare(records, _heads(self._folder, records)):
            if record.id in self._dropped:
                continue
            self._dropped.add(record.id)
            self._used -= drop_weights(self._folder, record)
            _LOG.info("--max-disk: the weights of %s are dropped", record.trial)
            if self._fits(most):
                return


def _heads(folder: RunFolder, records: Iterable[TrialRecord]) -> set[TrialId]:
    """Trials whose heads are needed: unfinished trials start from them, or later ones may."""
    needed, best, finished = set(), dict[str, BestHeads](), set()
    for record in records:
        finished.add(record.trial)
        if record.has_scores and not record.repeat:
            best.setdefault(record.backbone, BestHeads()).add(record)
    for backbone, heads in best.items():
        needed |= {TrialId(backbone, number) for number in heads.numbers}
    for path in folder.trials.glob(f"*/*/{TrialFile.SUGGESTION}"):
        trial = path.parent.relative_to(folder.trials).as_posix()
        config = None if trial in finished else folder.read_suggestion(trial)
        if config is not None and config.head_from:
            needed.add(TrialId(config.backbone, config.head_from))
    return needed
