"""How long a planned sweep takes by the clock, where so many trials run at a time.

    seconds = clock_seconds(plans, at_once=16)

A discrete simulation of `sweep.schedule.pool` without its records: the same order, the same lag;
the first trial of a scaling fills the features for which others of the scaling wait. Every trial
takes the mean of its backbone's, to its last epoch. So neither early stopping is in it, nor the
wait for the longest of unequal trials (`tests/sweep/terminal/test_clock.py` has how much that is).
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from results.ledger.units import duration
from sweep.hardware import MOST_CONCURRENT, Machine
from sweep.schedule.lag import seen
from sweep.terminal.plan import BackbonePlan


@dataclass
class _Queue:
    """What is left of one backbone. Places are those in its order, the search before repeats.

    Attributes:
        left: places that have not been handed out, from here to the plan's last.
        open: places that were handed out and are not finished.
        filled: by scaling, when its features are there.
    """

    plan: BackbonePlan
    left: int
    open: set[int] = field(default_factory=set)
    filled: dict[int, float] = field(default_factory=dict)

    @property
    def searched(self) -> int:
        return self.plan.trials - self.plan.repeats

    def may_search(self, at_once: int, backbones: int) -> bool:
        """Whether all that the next trial of the search is suggested from is finished."""
        done = min(self.open, default=self.left)
        return self.left < self.searched and done >= seen(
            self.left, concurrency=at_once, backbones=backbones
        )

    def may_repeat(self) -> bool:
        """Whether the search is over and a repeat is left."""
        return self.searched <= self.left < self.plan.trials and all(
            place >= self.searched for place in self.open
        )

    def start(self, now: float) -> tuple[float, int]:
        """Hand out the next trial; return when it ends, and its place."""
        place, known, passes = self.left, self.plan.estimate, max(1, self.plan.passes)
        assert known is not None, "rates of every planned backbone were asked for"
        self.left += 1
        self.open.add(place)
        one_pass = known.seconds_prefix / passes
        ready = max(now, self.filled.setdefault(place % passes, now + one_pass))
        return ready + known.seconds_trained / (self.plan.trials - self.plan.finished), place


def clock_seconds(plans: Sequence[BackbonePlan], at_once: int) -> float:
    """Seconds until the last trial ends.

    Args:
        plans: each with an estimate; finished trials are taken to be the first in the order.
        at_once: trials at a time.
    """
    queues = [_Queue(plan, plan.finished) for plan in plans]
    running: list[tuple[float, int, int]] = []
    now = 0.0
    while True:
        while len(running) < at_once and (chosen := _next(queues, at_once)) is not None:
            end, place = queues[chosen].start(now)
            heapq.heappush(running, (end, chosen, place))
        if not running:
            return now
        now, chosen, place = heapq.heappop(running)
        queues[chosen].open.remove(place)


def elsewhere(
    plans: Sequence[BackbonePlan], machine: Machine, arguments: argparse.Namespace
) -> list[str]:
    """What `--plan --rate-file` says besides the table: time by the clock, cost, what to type.

    Args:
        machine: the one that is planned for.
    """
    at_once, price = machine.max_concurrent, arguments.price_per_hour
    seconds = clock_seconds(plans, at_once)
    lines = [
        f"By the clock: {duration(seconds)} if each trial takes its backbone's mean; longer where "
        "trials differ and many run at a time."
    ]
    if price:
        lines.append(f"Cost: {seconds / 3600 * price:,.2f} at {price:g} an hour.")
    if arguments.max_concurrent is None and at_once > MOST_CONCURRENT:
        lines.append(
            f"Type --max-concurrent {at_once} there: without it a run has at most "
            f"{MOST_CONCURRENT} trials at a time."
        )
    return lines


def _next(queues: Sequence[_Queue], at_once: int) -> int | None:
    """The backbone that is furthest behind of those whose next trial may start."""
    ready = [at for at, queue in enumerate(queues) if queue.may_search(at_once, len(queues))]
    ready = ready or [at for at, queue in enumerate(queues) if queue.may_repeat()]
    return min(ready, key=lambda at: queues[at].left, default=None)
