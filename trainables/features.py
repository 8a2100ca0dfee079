"""The frozen-feature store: what a frozen layer says of every photo, computed once for ever.

One file per (photos, backbone, weights, scaling, layer, number type, numerics) below
`<cache>/features/`: a contiguous HDF5 dataset that readers map into memory, so that all epochs, all
trials, all processes and all later runs share the pages. A file is whole or absent and safe to
delete. A budget in bytes bounds the folder; the least recently used files give way, never one that
is being read.

Knows no Keras: the rows come from a function that is passed in.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from results.files import TEMPORARY_PREFIX, disk_faults_named, free_megabytes, whole_or_absent
from trainables.contiguous import lay_out

_DATASET = "features"
_STALE_SECONDS = 24 * 3600
_DISK_RESERVE_BYTES = 512 * 1024 * 1024

Rows = NDArray[Any]
Compute = Callable[[slice], Sequence[Rows]]
"""Gives the outputs of all asked layers for some photos, each [n, ...] float32."""


@dataclass(frozen=True)
class FeatureKey:
    """Everything that a layer's output depends on.

    Attributes:
        photos: the dataset's digest (the image size is part of it).
        backbone: its name.
        weights: the digest of its weights.
        scaling: kind of input scaling.
        node: the layer's index, see `trainables.backbones`.
        layer: the layer's class, so that another structure is another key.
        shape: of one photo's output.
        dtype: `float32` or `float16`, as stored.
        numerics: what else moves the last bits: library versions, oneDNN, device.
    """

    photos: str
    backbone: str
    weights: str
    scaling: str
    node: int
    layer: str
    shape: tuple[int, ...]
    dtype: str
    numerics: str

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def name(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, eq=False)
class Features:
    """Rows of one layer, mapped from the file; the file is not evicted while this lives.

    Attributes:
        rows: [N, ...] read-only, of the key's number type.
        held: the descriptor that holds the file's shared lock, closed with the object.
    """

    rows: Rows
    held: int

    def __post_init__(self) -> None:
        weakref.finalize(self, os.close, self.held)


@dataclass(frozen=True)
class FeatureStore:
    """A folder of feature files.

    Attributes:
        folder: where they are.
        max_bytes: how much the folder may hold.
    """

    folder: Path
    max_bytes: int

    def open(self, key: FeatureKey, rows: int) -> Features | None:
        """Map a layer's rows, or None if they are not there in full. A damaged file is removed."""
        path = self._path(key)
        try:
            held = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        fcntl.flock(held, fcntl.LOCK_SH)
        mapped = _mapped(path, key, rows)
        if mapped is None:
            os.close(held)
            path.unlink(missing_ok=True)
            return None
        os.utime(path)
        return Features(mapped, held)

    def has(self, key: FeatureKey) -> bool:
        return self._path(key).is_file()

    def affordable(self, keys: Sequence[FeatureKey], rows: int) -> list[FeatureKey]:
        """The keys, in their order, that the budget and the disk have room for; makes the room."""
        chosen: list[FeatureKey] = []
        needed = 0
        for key in keys:
            size = key.row_bytes * rows
            if self._make_room(needed + size):
                chosen.append(key)
                needed += size
        return chosen

    def fill(self, keys: Sequence[FeatureKey], rows: int, compute: Compute, *, batch: int) -> int:
        """Compute all rows of some layers in one pass and write their files.

        Args:
            batch: photos per call of `compute`.

        Returns:
            Bytes written.

        Raises:
            EnvironmentRefusal: the disk is full or broken.
        """
        self._remove_stale_parts()
        with disk_faults_named(self.folder), ExitStack() as stack:
            parts = [stack.enter_context(whole_or_absent(self._path(key))) for key in keys]
            with ExitStack() as files:
                targets = [
                    files.enter_context(_rows_written(part, key, rows))
                    for part, key in zip(parts, keys, strict=True)
                ]
                for start in range(0, rows, batch):
                    outputs = compute(slice(start, min(start + batch, rows)))
                    for target, values in zip(targets, outputs, strict=True):
                        target(values)
            for part, key in zip(parts, keys, strict=True):
                _complete(part, key)
        return sum(key.row_bytes for key in keys) * rows

    @contextmanager
    def filling(self, group: str) -> Iterator[None]:
        """Hold the right to compute features of one group; other processes wait."""
        path = self.folder / f".lock-{hashlib.sha256(group.encode()).hexdigest()[:24]}"
        with disk_faults_named(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield

    def _path(self, key: FeatureKey) -> Path:
        return self.folder / f"{key.name}.h5"

    def _make_room(self, size: int) -> bool:
        if size > self.max_bytes:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        files = [(path, state) for path in self.folder.glob("*.h5") if (state := _state(path))]
        used = sum(state.st_size for _, state in files)
        for path, state in sorted(files, key=lambda file: file[1].st_mtime_ns):
            if self._fits(used, size):
                break
            if _evict(path):
                used -= state.st_size
        return self._fits(used, size)

    def _fits(self, used: int, size: int) -> bool:
        free = free_megabytes(self.folder) * 1024 * 1024 - _DISK_RESERVE_BYTES
        return used + size <= self.max_bytes and size <= free

    def _remove_stale_parts(self) -> None:
        for part in self.folder.glob(f"{TEMPORARY_PREFIX}*"):
            state = _state(part)
            if state and time.time() - state.st_mtime > _STALE_SECONDS:
                part.unlink(missing_ok=True)


@contextmanager
def _rows_written(part: Path, key: FeatureKey, rows: int) -> Iterator[Callable[[Rows], None]]:
    """Yield what appends rows, in order, to the file's dataset."""
    offset = lay_out(part, _DATASET, (rows, *key.shape), key.dtype)
    with part.open("r+b") as file:
        file.seek(offset)
        yield lambda values: _write(file, np.ascontiguousarray(values, key.dtype))


def _write(file: IO[bytes], values: Rows) -> None:
    file.write(values.data)


def _complete(part: Path, key: FeatureKey) -> None:
    with h5py.File(part, "r+", locking=False) as file:
        file[_DATASET].attrs["key"] = json.dumps(asdict(key), sort_keys=True)
        file[_DATASET].attrs["complete"] = True


def _mapped(path: Path, key: FeatureKey, rows: int) -> Rows | None:
    shape = (rows, *key.shape)
    try:
        with h5py.File(path, "r") as file:
            dataset = file[_DATASET]
            offset = dataset.id.get_offset()
            whole = dataset.shape == shape and dataset.dtype == key.dtype and not dataset.external
            if not (whole and dataset.attrs.get("complete", False) and offset):
                return None
        return np.memmap(path, dtype=key.dtype, mode="r", offset=offset, shape=shape)
    except (OSError, KeyError, ValueError):
        return None


def _evict(path: Path) -> bool:
    """Remove a file unless somebody reads it; tells whether it is gone."""
    with suppress(FileNotFoundError), path.open("rb") as file:  # another process may be faster
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
    return True


def _state(path: Path) -> os.stat_result | None:
    """What the system says of a file, or None if another process has removed or renamed it."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
