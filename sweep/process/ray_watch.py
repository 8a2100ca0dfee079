"""Notices that one of Ray's own processes has died; Ray itself takes up to a minute.

The guardian looks, not the driver: Ray waits in compiled code that lets no Python run beside it.
Reads `/proc`; on a system without it, and on a cluster, where they are not ours, Ray is waited for.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from results.ledger.places import RunPlaces
from results.ledger.remedies import resume_command
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.leftovers import ProcessIdentity, descendants, is_running

SECONDS_BETWEEN_LOOKS = 0.2
_NEEDED = ("gcs_server", "raylet")
"""Without which Ray does nothing; names as `/proc/PID/comm` has them."""


class RayWatch:
    """Looks at what Ray has started.

    Args:
        pid: of the process below which Ray is.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[str, ProcessIdentity] = {}

    def ended(self) -> str | None:
        """The name of a process that Ray needs and that is gone; None if there is no such."""
        if len(self._known) < len(_NEEDED):
            self._known.update(self._needed_processes())
        return next((name for name, one in self._known.items() if not is_running(one)), None)

    def _needed_processes(self) -> dict[str, ProcessIdentity]:
        """Those that run, by name, and those that ended before the first look."""
        found = {}
        for process in descendants(self._pid, ended=True):
            with suppress(OSError):  # it has ended
                name = Path(f"/proc/{process.pid}/comm").read_text().strip()
                if name in _NEEDED:
                    found[name] = process
        return found


def ray_died(how: str, places: RunPlaces) -> EnvironmentRefusal:
    """The refusal of a sweep that lost its Ray."""
    return EnvironmentRefusal(
        f"Ray died: {how}",
        where=str(places.log),
        fix=f"Finished trials are kept; go on with: {resume_command(places.root)}",
    )
