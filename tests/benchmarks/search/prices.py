"""What a replayed trial costs: in a plain script, and in our sweep. Seconds of one worker.

Ray's own start and scheduling are in neither.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Protocol

from tests.benchmarks.search.points import Cost, Row


class Prices(Protocol):
    """What a replay asks of one side's costs; made anew for every replay."""

    def start(self, worker: int, row: Row, now: float) -> float:
        """Seconds from handing a trial out to the start of its first epoch."""

    def epoch(self, row: Row) -> float:
        """Seconds of a steady epoch."""

    def end(self, row: Row, *, stopped: bool) -> float:
        """Seconds after the last epoch; `stopped` early or not."""


class PlainPrices:
    """Workers are reused, so that imports are paid once; each trial builds, traces and trains the
    whole network, frozen layers included. Ray ends a stopped trial at once."""

    def __init__(self, costs: Sequence[Cost], rows: Sequence[Row]) -> None:
        plain = [one for one in costs if one.side == "plain"]
        self._costs = {(one.unfreeze, one.scaling): one for one in plain}
        self._started: set[int] = set()

    def _of(self, row: Row) -> Cost:
        return self._costs[row.point.unfreeze, row.point.scaling]

    def start(self, worker: int, row: Row, now: float) -> float:
        cost, imports = self._of(row), 0.0
        if worker not in self._started:
            self._started.add(worker)
            imports = cost.process
        return imports + cost.build + cost.tracing

    def epoch(self, row: Row) -> float:
        return self._of(row).epoch

    def end(self, row: Row, *, stopped: bool) -> float:
        return 0.0 if stopped else self._of(row).end


class OurPrices:
    """Frozen layers run once per scaling, while a trial that needs them waits; a worker builds the
    network once and traces each cut once; epochs are the row's own."""

    def __init__(self, costs: Sequence[Cost], rows: Sequence[Row]) -> None:
        self._costs = {one.scaling: one for one in costs if one.side == "ours"}
        cuts = {row.point.unfreeze for row in rows}
        self._tracing = {cut: _tracing(rows, cut) for cut in cuts}
        self._rest = {
            cut: statistics.median(row.rest for row in rows if row.point.unfreeze == cut)
            for cut in cuts
        }
        self._traced: set[tuple[int, str]] = set()
        self._stored_at: dict[str, float] = {}

    def start(self, worker: int, row: Row, now: float) -> float:
        cost, cut = self._costs[row.point.scaling], row.point.unfreeze
        ready, known = now, {one for one, _ in self._traced}
        if worker not in known:
            ready += cost.process + cost.build
        stored = self._stored_at.setdefault(row.point.scaling, ready + cost.frozen)
        ready = max(ready, stored)
        if (worker, cut) not in self._traced:
            self._traced.add((worker, cut))
            ready += self._tracing[cut]
        return ready - now

    def epoch(self, row: Row) -> float:
        return statistics.median(row.seconds) if row.seconds else 0.0

    def end(self, row: Row, *, stopped: bool) -> float:
        return self._rest[row.point.unfreeze]


def _tracing(rows: Sequence[Row], cut: str) -> float:
    """Of the trials that met the cut for the first time: the longest of the table's processes."""
    return max(row.tracing for row in rows if row.point.unfreeze == cut)
