"""The feature store: the outputs of frozen layers for every photo, computed once for all runs.

One file per (photos, backbone, weights, scaling, layer, number type, numerics) below
`<cache>/features/`: a contiguous HDF5 dataset that readers map into memory, so that all epochs, all
trials, all processes and all later runs share the pages. A file is whole or absent and safe to
delete. A budget in bytes bounds the folder, files in the making included; the least recently used
files give way, never one that is being read, and only to what a trial cannot do without.

Three kinds of lock, all `flock`, none of which a killed process leaves behind:

    .lock-<group>   held while one group (a backbone's layers) is computed: the others wait for it
    .lock-store     held while space is chosen and claimed, never while anything is computed
    a file's own    shared by its readers; exclusive while it is made, so that a `.part-` file
                    without one is what a killed process left, and is removed

Knows no Keras: the rows are handed to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from results.ledger.files import (
    TEMPORARY_PREFIX,
    disk_faults_named,
    free_megabytes,
    whole_or_absent,
)
from trainables.features.file import FeatureKey, Features, FeatureWriter, laid_out, mapped

_MEGABYTE = 1024 * 1024
_LOCK = ".lock-"


@dataclass(frozen=True)
class FeatureStore:
    """A folder of feature files.

    Attributes:
        folder: where they are.
        max_bytes: how much the folder may hold.
        leave_free: bytes of the disk that are left to others.
    """

    folder: Path
    max_bytes: int
    leave_free: int = 512 * _MEGABYTE

    def open(self, key: FeatureKey, rows: int) -> Features | None:
        """Map a layer's rows, or None if they are not there in full. A damaged file is removed."""
        path = self._path(key)
        try:
            held = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        fcntl.flock(held, fcntl.LOCK_SH)
        values = mapped(path, key, rows)
        if values is None:
            os.close(held)
            path.unlink(missing_ok=True)
            return None
        features = Features(values, held)
        with suppress(OSError):  # evicted between being opened and being locked, or another user's
            os.utime(path)
        return features

    def has(self, key: FeatureKey) -> bool:
        return self._path(key).is_file()

    @contextmanager
    def group_locked(self, group: str) -> Iterator[float]:
        """Hold the right to compute one group's features; yields the seconds waited for it."""
        started = time.perf_counter()
        with self._locked(hashlib.sha256(group.encode()).hexdigest()[:24]):
            yield time.perf_counter() - started

    @contextmanager
    def writing(
        self, required: Sequence[FeatureKey], rows: int, *, spare: Sequence[FeatureKey] = ()
    ) -> Iterator[tuple[FeatureWriter, ...]]:
        """Yield a writer per layer that there is room for; all their files are whole afterwards.

        Args:
            required: older files give way to these, in this order.
            rows: photos; each writer must be given all of them.
            spare: stored only where room is free.

        Raises:
            EnvironmentRefusal: the disk is full or broken.
        """
        # The files' locks outlive their renaming: an unlocked part is a dead one.
        with disk_faults_named(self.folder), ExitStack() as locks, ExitStack() as parts:
            with self._locked("store"):
                writers = self._claimed(required, spare, rows, locks, parts)
            yield tuple(writers)
            for writer in writers:
                writer.complete()

    def _path(self, key: FeatureKey) -> Path:
        return self.folder / f"{key.name}.h5"

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with disk_faults_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{_LOCK}{name}").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield

    def _claimed(
        self,
        required: Sequence[FeatureKey],
        spare: Sequence[FeatureKey],
        rows: int,
        locks: ExitStack,
        parts: ExitStack,
    ) -> list[FeatureWriter]:
        """Lay out the files that there is room for; under the store's lock."""
        self._remove_dead_parts()
        claimed = []
        for key in (*required, *spare):
            if self._make_room(key.file_bytes(rows), evict=key in required):
                part = parts.enter_context(whole_or_absent(self._path(key)))
                claimed.append(locks.enter_context(laid_out(part, key, rows)))
        return claimed

    def _make_room(self, size: int, *, evict: bool) -> bool:
        """Whether `size` more bytes fit, after evicting; evicts nothing if they never will."""
        # Parts come first, and by inode: one may be renamed meanwhile, and must count exactly once.
        sizes = {state.st_ino: state.st_size for _, state in _states(self._parts())}
        whole = _states(self.folder.glob("*.h5"))
        sizes |= {state.st_ino: state.st_size for _, state in whole}
        used = sum(sizes.values())
        free = free_megabytes(self.folder) * _MEGABYTE - self.leave_free
        over = max(used + size - self.max_bytes, size - free)
        if over <= 0 or not evict:
            return over <= 0
        with ExitStack() as stack:
            leaving = []
            for path, state in sorted(whole, key=lambda file: file[1].st_mtime_ns):
                if over > 0 and stack.enter_context(_unused(path)):
                    leaving.append(path)
                    over -= state.st_size
            if over <= 0:
                for path in leaving:
                    path.unlink(missing_ok=True)
        return over <= 0

    def _parts(self) -> Iterator[Path]:
        return self.folder.glob(f"{TEMPORARY_PREFIX}*")

    def _remove_dead_parts(self) -> None:
        """Remove what killed processes left; the living hold a lock on theirs."""
        for part in self._parts():
            with _unused(part) as is_dead:
                if is_dead:
                    part.unlink(missing_ok=True)


@contextmanager
def _unused(path: Path) -> Iterator[bool]:
    """Whether nobody reads or writes a file, which then nobody can while this lasts."""
    with ExitStack() as stack:
        try:
            file: IO[bytes] = stack.enter_context(path.open("rb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):  # in use, or removed by a reader as damaged
            yield False
        else:
            yield True


def _states(paths: Iterable[Path]) -> list[tuple[Path, os.stat_result]]:
    """What the system says of files, but for those that another process has removed meanwhile."""
    states = []
    for path in paths:
        with suppress(FileNotFoundError):
            states.append((path, path.stat()))
    return states
