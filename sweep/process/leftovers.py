"""What a killed run leaves behind: processes that it started, and its temporary folder.

While a run has processes, a note in its folder names each by its id and its start time. The next
start ends those of which both still match: the system gives an id to a new process again, and a
process that merely has the folder in its command line may be an editor.

Reads `/proc`; on a system without it nothing is noted, and only the folder is removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import read_json, write_json
from search_spaces.refusals import EnvironmentRefusal

TEMPORARY_PREFIX = "sweep-"
NOTE = ".ray-processes"
"""Its name in the run's folder."""


@dataclass(frozen=True)
class ProcessIdentity:
    """Attributes: the process id; its start in clock ticks since the machine was booted."""

    pid: int
    started: int


def descendants(pid: int, *, ended: bool = False) -> tuple[ProcessIdentity, ...]:
    """Children of a process, their children, and so on, as far as `/proc` lists them.

    Args:
        ended: those too that have ended and only wait to be collected.
    """
    children: dict[int, list[ProcessIdentity]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            status = _Status.of(int(entry.name))
            if status.runs or ended:
                process = ProcessIdentity(int(entry.name), status.started)
                children.setdefault(status.parent, []).append(process)
    known = children.get(pid, [])
    for process in known:  # grows while it is walked through
        known.extend(children.get(process.pid, ()))
    return tuple(known)


def write_note(note: Path, temporary: Path, processes: tuple[ProcessIdentity, ...] = ()) -> None:
    """Note what must go if this run is killed.

    Args:
        note: the file.
        temporary: the run's temporary folder, named by `tempfile` with `TEMPORARY_PREFIX`.
        processes: those that the run has started.
    """
    identities = [[process.pid, process.started] for process in processes]
    write_json(note, {"temporary": str(temporary), "processes": identities})


def end_leftovers(note: Path) -> None:
    """End what a note names, with all that it has started, and remove the folder and the note."""
    if not note.is_file():
        return
    with suppress(EnvironmentRefusal):  # damaged: nothing is known to be ours
        content = read_json(note)
        for pid, started in content["processes"]:
            leftover = ProcessIdentity(pid, started)
            if is_running(leftover):
                # Parents first: one that sees its child end may start another.
                for process in (leftover, *descendants(pid)):
                    end(process)
        temporary = Path(content["temporary"])
        in_place = temporary.parent == Path(tempfile.gettempdir())
        if in_place and temporary.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(temporary, ignore_errors=True)
    note.unlink()


def end(process: ProcessIdentity) -> None:
    """End a process, if it still is the one that was meant."""
    with suppress(ProcessLookupError, PermissionError):
        if is_running(process):
            os.kill(process.pid, signal.SIGKILL)


def is_running(process: ProcessIdentity) -> bool:
    """Whether it has not ended; one that only waits to be collected has."""
    with suppress(OSError):  # it is gone
        status = _Status.of(process.pid)
        return status.runs and status.started == process.started
    return False


@dataclass(frozen=True)
class _Status:
    """Of a process, from `/proc/PID/stat`: fields 3, 4 and 22."""

    runs: bool
    parent: int
    started: int

    @staticmethod
    def of(pid: int) -> _Status:
        """Read it.

        Raises:
            OSError: there is no such process.
        """
        text = Path(f"/proc/{pid}/stat").read_text()
        # Field 2 is the program's name in brackets, which may hold anything.
        state, parent, *rest = text.rpartition(")")[2].split()
        return _Status(state not in "ZX", int(parent), int(rest[17]))
