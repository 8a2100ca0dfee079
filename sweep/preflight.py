"""What a sweep needs of the machine, checked before any work: room, memory, places to write."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from operator import itemgetter
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
_ESCAPED = re.compile(r"\\([0-7]{3})")
"""How Linux writes a blank in the list of mounts."""
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
        EnvironmentRefusal: a folder cannot be written, its locks do not hold, or its disk is full.
    """
    temporary = temporary or Path(tempfile.gettempdir())
    if not machine.address:
        _refuse_long_path(temporary)
        _refuse_little_memory(machine, hardware)
    places = {"TMPDIR": temporary, "--run-dir": run, "--cache-dir": machine.cache_dir}
    for name, folder in places.items():
        if folder == temporary:
            _refuse_unwritable(folder, name)
        else:
            refuse_unlockable(folder, name, mode="r+b" if folder == run else "rb")
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


def try_elsewhere(path: Path) -> bool:
    """Whether another process gets an exclusive lock on a file."""
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-I", "-S", "-c", code, str(path)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def refuse_unlockable(
    folder: Path,
    name: str,
    *,
    mode: str = "rb",
    lock: Callable[[int, int], None] = fcntl.flock,
    elsewhere: Callable[[Path], bool] = try_elsewhere,
) -> None:
    """Check that a lock in a folder keeps other processes out; network disks may not keep it.

    NFS refuses exclusive locks on read-only descriptors, which the feature store takes.

    Args:
        name: of the flag or variable that chose the folder.
        mode: in which files are locked there.
        lock: takes a lock; elsewhere: see `try_elsewhere`.

    Raises:
        EnvironmentRefusal: no lock can be taken there, or it has no effect.
    """
    _refuse_unwritable(folder, name)
    named = disk_faults_named(folder)
    with named, tempfile.NamedTemporaryFile(dir=folder, prefix=".lock-test-") as file:
        path = Path(file.name)
        with path.open(mode) as held:
            try:
                lock(held.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as fault:
                why = f"{fault.strerror}"
            else:
                why = "it keeps nobody out" if elsewhere(path) else ""
    if why:
        raise EnvironmentRefusal(
            f"file locks must hold in this folder: {why}",
            where=str(folder),
            fix=f"Choose a {name} on a local disk.",
        )


_SHARED = re.compile(r"nfs4?|cifs|smb3|lustre|gpfs|beegfs|ceph|afs|fuse\.(sshfs|glusterfs|ceph)\S*")


def refuse_shared(folder: Path, name: str, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Check that a node's cache is on no disk that other nodes may see: locks there may hold within
    one node alone, and nothing tells.

    Raises:
        EnvironmentRefusal: it is on a network disk.
    """
    kind = _filesystem(folder, mounts)
    if _SHARED.fullmatch(kind):
        raise EnvironmentRefusal(
            f"each node of a cluster needs a cache on a disk of its own, this one is on {kind}",
            where=str(folder),
            fix=f"Set {name} on every node, to a local folder.",
        )


def _filesystem(folder: Path, mounts: Path) -> str:
    """The type of the file system that holds a folder; empty where the system does not say."""
    found = (0, "")
    for line in mounts.read_text().splitlines() if mounts.is_file() else ():
        fields, _, rest = line.partition(" - ")
        point = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields.split()[4])
        if folder.is_relative_to(point):
            found = max((len(point), rest.split()[0]), found, key=itemgetter(0))
    return found[1]
