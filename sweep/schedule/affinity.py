"""Which worker has which networks built and traced, so that it is given trials of these.

Building a backbone and tracing its steps takes seconds in every process that does it. A worker that
keeps to its own backbones pays them once, and does not wait for frozen features that another one
computes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

LEAD = 3
"""Trials that a worker's own backbones may get ahead of those of others, which are then helped."""


class Homes:
    """Follows which worker has trained what, and which workers are free.

    A worker is a text. None is one that cannot be told: it never reported, or it died.
    """

    def __init__(self) -> None:
        self._trained: dict[str | None, set[str]] = {}
        self._running: Counter[str] = Counter()
        self._free: list[str | None] = []

    def handicaps(self) -> Callable[[str], int]:
        """What `Pool.next` asks, of the worker that has been free for longest."""
        own = self._trained.get(self._free[0] if self._free else None, set())
        elsewhere = set().union(self._running.elements(), *self._trained.values()) - own
        return lambda backbone: LEAD if backbone in elsewhere else 0

    def started(self, backbone: str) -> None:
        """A trial of `backbone` was given to the worker that was free for longest."""
        self._running[backbone] += 1
        del self._free[:1]

    def ended(self, backbone: str, worker: str | None) -> None:
        """A trial of `backbone` has ended, and its worker is free."""
        self._running[backbone] -= 1
        self._free = [one for one in self._free if one is None or one != worker]
        self._free.append(worker)
        if worker is not None:
            self._trained.setdefault(worker, set()).add(backbone)
