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
"""The note's name in the run's folder."""


@dataclass(frozen=True)
class ProcessIdentity:
    """Attributes: the process id; its start in clock ticks since the machine was booted."""

    pid: int
    started: int


def descendants(pid: int) -> tuple[ProcessIdentity, ...]:
    """Children of a process, their children, and so on, as far as `/proc` lists them."""
    children: dict[int, list[ProcessIdentity]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            parent, started = _parent_and_start(int(entry.name))
            children.setdefault(parent, []).append(ProcessIdentity(int(entry.name), started))
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
            _end(ProcessIdentity(pid, started))
        temporary = Path(content["temporary"])
        in_place = temporary.parent == Path(tempfile.gettempdir())
        if in_place and temporary.name.startswith(TEMPORARY_PREFIX):
            shutil.rmtree(temporary, ignore_errors=True)
    note.unlink()


def _end(process: ProcessIdentity) -> None:
    with suppress(OSError):  # it has ended
        if _parent_and_start(process.pid)[1] != process.started:
            return
        # Parents first: one that sees its child end may start another.
        for pid in (process.pid, *(child.pid for child in descendants(process.pid))):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _parent_and_start(pid: int) -> tuple[int, int]:
    """The parent's id and the start time of a process: fields 4 and 22 of `/proc/PID/stat`.

    Raises:
        OSError: there is no such process.
    """
    # Field 2 is the program's name in brackets, which may hold anything; what follows is numbers.
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(after_name[1]), int(after_name[19])
