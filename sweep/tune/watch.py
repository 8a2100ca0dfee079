"""Notices within a second that one of Ray's own processes has died; Ray itself takes a minute.

Reads `/proc`; on a system without it, and on a cluster, where they are not ours, Ray is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweep.process.leftovers import ProcessIdentity, descendants, is_running
from sweep.terminal.silence import ticking

_NEEDED = ("gcs_server", "raylet")
"""Without which Ray does nothing; names as `/proc/PID/comm` has them."""
_SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def ray_watched(died: Callable[[str], None]) -> Iterator[None]:
    """Watch what Ray starts in the block.

    Args:
        died: called in a thread of its own, with the name of the process that is gone.
    """
    known: dict[str, ProcessIdentity] = {}

    def look() -> None:
        if len(known) < len(_NEEDED):
            known.update(_needed_processes())
        for name, process in known.items():
            if not is_running(process):
                died(name)

    with ticking(look, _SECONDS_BETWEEN_LOOKS):
        yield


def _needed_processes() -> dict[str, ProcessIdentity]:
    """Those that this process has started, by name; they may have ended before the first look."""
    found = {}
    for process in descendants(os.getpid(), ended=True):
        with suppress(OSError):  # it has ended
            name = Path(f"/proc/{process.pid}/comm").read_text().strip()
            if name in _NEEDED:
                found[name] = process
    return found
