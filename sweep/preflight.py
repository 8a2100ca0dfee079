"""What a sweep needs of the machine, checked before any work: room, memory, places to write."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from results.ledger.files import disk_faults_named, free_megabytes, refuse_file_in_the_way
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.process.leftovers import TEMPORARY_PREFIX

_LEAST_MEGABYTES = 200
"""On each disk that is written to; photos, features and weights come on top of it."""
_TENSORFLOW_MEGABYTES = 700
"""Of a process that has loaded it and built one small network."""
_SOCKET_BYTES = 107 if sys.platform == "linux" else 103
"""The longest name of a socket, `sun_path` less its end."""
_SESSION = "session_2026-01-01_00-00-00_000000"


def refuse_unfit(
    machine: Machine,
    hardware: Hardware,
    run: Path,
    *,
    temporary: Path | None = None,
    free: Callable[[Path], int] = free_megabytes,
) -> None:
    """Check disks, memory, and the temporary folder.

    Args:
        run: the run's folder.
        temporary: where Ray keeps its sockets and logs; None for the system's choice.
        free: megabytes free on a folder's disk.

    Raises:
        UsageRefusal: the temporary folder's path is too long for Ray, or more trials at a time are
            asked for than memory can hold.
        EnvironmentRefusal: a folder cannot be written, or its disk is full.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    if not machine.address:
        _refuse_long_path(temporary)
        _refuse_little_memory(machine, hardware)
    places = {"TMPDIR": temporary, "--run-dir": run, "--cache-dir": machine.cache_dir}
    for name, folder in places.items():
        _refuse_unwritable(folder, name)
        megabytes = free(folder)
        if megabytes < _LEAST_MEGABYTES:
            raise EnvironmentRefusal(
                f"at least {_LEAST_MEGABYTES} MB must be free, got {megabytes} MB",
                where=str(folder),
                fix=f"Make room, or choose another {name}.",
            )


def _refuse_long_path(temporary: Path) -> None:
    below = f"/{TEMPORARY_PREFIX}12345678/{_SESSION}_{os.getpid()}/sockets/plasma_store"
    most = _SOCKET_BYTES - len(below)
    length = len(os.fsencode(temporary))
    if length > most:
        raise UsageRefusal(
            f"Ray's sockets need a temporary folder of at most {most} bytes, got {length}",
            where=str(temporary),
            fix="Set a shorter one, such as TMPDIR=/tmp.",
        )


def _refuse_little_memory(machine: Machine, hardware: Hardware) -> None:
    most = max(1, hardware.memory_megabytes // _TENSORFLOW_MEGABYTES)
    if machine.max_concurrent > most:
        raise UsageRefusal(
            f"{machine.max_concurrent} trials at a time need at least {_TENSORFLOW_MEGABYTES} MB "
            f"of memory each, this machine has {hardware.memory_megabytes:,} MB",
            where="--max-concurrent",
            fix=f"Give at most {most}.",
        )


def _refuse_unwritable(folder: Path, name: str) -> None:
    refuse_file_in_the_way(folder, name)
    with disk_faults_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
