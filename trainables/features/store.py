"""The frozen-feature store: what a frozen layer says of every photo, computed once for ever.

One file per (photos, backbone, weights, scaling, layer, number type, numerics) below
`<cache>/features/`: a contiguous HDF5 dataset that readers map into memory, so that all epochs, all
trials, all processes and all later runs share the pages. A file is whole or absent and safe to
delete. A budget in bytes bounds the folder, files in the making included; the least recently used
files give way, never one that is being read, and only to what a trial cannot do without. (Beside
them lie the progress files of running passes, of some kB each: they count, but no room is asked.)

One process fills a group; others that want it take batches of its pass (`shared_pass`).
Four kinds of lock, none of which a killed process leaves behind:

    .lock-<group>   held while one group (a backbone's layers) is computed, by who announced it
    .lock-store     held while space is chosen and claimed, never while anything is computed
    a file's own    shared by its readers; exclusive while it is made, by who laid it out, so that
                    a `.part-` file without one is what a killed process left, and is removed
    a batch's       a byte of the pass' progress file, held by whoever computes the batch

The first three are `flock`, the last is POSIX'. A progress file has no lock of its own: it is what
a killed process left when nobody holds its group's.

Knows no Keras: the rows come from a function that is passed in.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from trainables.features.file import FeatureKey, Features, Writing, laid_out, mapped
from trainables.features.helping import Join, helping_until_locked
from trainables.features.shared_pass import Done, Share, Work, announced

__all__ = ["FeatureKey", "FeatureStore", "Features", "Prepare"]

_MEGABYTE = 1024 * 1024
_LOCK = ".lock-"
_PASS = f"{TEMPORARY_PREFIX}pass-"

Prepare = Callable[[Sequence[FeatureKey]], Work]
"""Told the layers that there is room for, gives what computes them."""


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
        found = mapped(path, key, rows)
        if found is None:
            os.close(held)
            path.unlink(missing_ok=True)
            return None
        features = Features(found, held)
        with suppress(FileNotFoundError):  # evicted between being opened and being locked
            os.utime(path)
        return features

    def has(self, key: FeatureKey) -> bool:
        return self._path(key).is_file()

    def fill(
        self,
        group: str,
        required: Sequence[FeatureKey],
        rows: int,
        prepare: Prepare,
        *,
        batch: int,
        spare: Sequence[FeatureKey] = (),
    ) -> Done:
        """Compute all rows of the layers that there is room for, in one pass, and store them.

        Args:
            group: what this process is `filling`; who waits for it takes batches of the pass.
            required: older files give way to these, in this order.
            prepare: called once, unless there is room for nothing.
            batch: photos per call of what computes.
            spare: stored only where room is free.

        Raises:
            EnvironmentRefusal: the disk is full or broken.
        """
        # The files' locks outlive their renaming: an unlocked part is a dead one.
        with disk_faults_named(self.folder), ExitStack() as locks, ExitStack() as parts:
            with self._store_locked():
                files = self._claimed(required, spare, rows, locks, parts)
            if not files:
                return Done()
            work = prepare([file.key for file in files])
            with self._announced(group, files, rows, batch, work) as share:
                sums = share.finish()
            for file, of_batches in zip(files, sums, strict=True):
                file.complete(of_batches, rows_per_sum=batch)
        stored = sum(file.key.row_bytes for file in files) * rows
        return Done(share.rows_computed, share.seconds_waiting, stored)

    @contextmanager
    def filling(self, group: str, join: Join) -> Iterator[Done]:
        """Hold the right to compute features of one group; until it is free, help who has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with disk_faults_named(self.folder), self._lock(_short(group)).open("w") as lock:
            done = helping_until_locked(lock, self._progress(group), join)
            self._progress(group).unlink(missing_ok=True)  # of a killed process: nobody joins it
            yield done

    def _path(self, key: FeatureKey) -> Path:
        return self.folder / f"{key.name}.h5"

    def _lock(self, name: str) -> Path:
        return self.folder / f"{_LOCK}{name}"

    def _progress(self, group: str) -> Path:
        return self.folder / f"{_PASS}{_short(group)}"

    @contextmanager
    def _store_locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock("store").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _announced(
        self, group: str, files: Sequence[Writing], rows: int, batch: int, work: Work
    ) -> Iterator[Share]:
        """Let other processes take part in the pass."""
        with ExitStack() as stack:
            # Until it has its name it is an unlocked part, which others would remove as dead.
            with self._store_locked():
                path = self._progress(group)
                share = stack.enter_context(announced(path, files, rows, batch, work))
            yield share

    def _claimed(
        self,
        required: Sequence[FeatureKey],
        spare: Sequence[FeatureKey],
        rows: int,
        locks: ExitStack,
        parts: ExitStack,
    ) -> list[Writing]:
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
            group = part.name.removeprefix(_PASS)
            with _unused(part if group == part.name else self._lock(group)) as dead:
                if dead:
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


def _short(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:24]


def _states(paths: Iterable[Path]) -> list[tuple[Path, os.stat_result]]:
    """What the system says of files, but for those that another process has removed meanwhile."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append((path, path.stat()))
    return found
