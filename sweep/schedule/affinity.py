"""Keeps workers to the networks that they have built.

Building a network and tracing its steps takes seconds in every process that does it. A worker that
keeps to its own backbones pays them once, and does not wait for features that another one computes.
"""

from __future__ import annotations

from collections import Counter

LEAD = 3
"""Trials that a worker's own backbones may get ahead of the others before it helps with those."""


class WorkerAffinity:
    """Remembers which worker has built which networks, and foresees which worker is next.

    Ray reuses the worker that has been free for longest. A worker is named by a text; None stands
    for one that has no name: it never reported, or it died.
    """

    def __init__(self) -> None:
        self._built: dict[str, set[str]] = {}
        self._running: Counter[str] = Counter()
        self._free: list[str | None] = []  # the one that has been free for longest comes first

    def penalty(self, backbone: str) -> int:
        """By how many trials the pool puts `backbone` back when it chooses for the next worker.

        It is `LEAD` if another worker has built this network, or is building it, and the next
        worker has not; otherwise 0.
        """
        next_worker = self._free[0] if self._free else None
        if next_worker is not None and backbone in self._built.get(next_worker, ()):
            return 0
        elsewhere = any(backbone in networks for networks in self._built.values())
        return LEAD if elsewhere or self._running[backbone] > 0 else 0

    def trial_started(self, backbone: str) -> None:
        """A trial of `backbone` was given to the worker that has been free for longest."""
        self._running[backbone] += 1
        del self._free[:1]

    def trial_ended(self, backbone: str, worker: str | None) -> None:
        """A trial of `backbone` has ended, and the worker that trained it is free."""
        self._running[backbone] -= 1
        if worker is not None:
            self._free = [other for other in self._free if other != worker]
            self._built.setdefault(worker, set()).add(backbone)
        self._free.append(worker)
