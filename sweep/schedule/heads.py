"""The best trained heads of a backbone so far, which deep trials start from."""

from __future__ import annotations

from results.ledger.records import Status, TrialRecord
from search_spaces.backbones import HEAD, Scaling
from search_spaces.config import TrialConfig

_Kind = tuple[Scaling, str]
"""Scaling and head: a trained head fits no other."""


class BestHeads:
    """Keeps, per scaling and head, the best trial that trained the head alone; add finished ones.

    One that the time budget cut is passed over: how far it came is a matter of timing.
    """

    def __init__(self) -> None:
        self._best: dict[_Kind, TrialRecord] = {}

    def add(self, record: TrialRecord) -> None:
        ended = record.status in (Status.COMPLETED, Status.STOPPED_EARLY)
        if record.config.unfreeze != HEAD or record.is_baseline or not ended:
            return
        kind = _kind(record.config)
        if kind not in self._best or record.rank < self._best[kind].rank:
            self._best[kind] = record

    @property
    def numbers(self) -> set[int]:
        """Of the trials that are kept."""
        return {record.number for record in self._best.values()}

    def start_of(self, config: TrialConfig) -> int:
        """The number of the trial whose head a configuration should start from.

        Returns:
            0 if no head fits, and for a trial of the head alone, which starts fresh.
        """
        best = self._best.get(_kind(config))
        return best.number if best and config.unfreeze != HEAD else 0


def _kind(config: TrialConfig) -> _Kind:
    return config.scaling, config.head
