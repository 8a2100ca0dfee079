"""One file of the feature store: its key, how its rows are written, and how they are mapped.

An HDF5 file with one contiguous dataset and three attributes, written last: the key in full, the
rows' CRC-32, and `complete`. Rows are summed as they are written, and the sum is compared when a
process first opens the file: a flipped bit would otherwise train on wrong numbers in silence.

The check costs one read of the file, which the first epoch would do anyway: 0.17 s per GB in memory
where opening without it takes 1 ms (measured; zlib's CRC-32 alone runs at 7 GB/s), and writing gets
slower by 0.13 s per GB of the 2 s that it takes to store one. Computing that GB takes minutes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from trainables.contiguous import lay_out

_DATASET = "features"
_PIECE = 1024 * 1024
_HEADER_BYTES = 16 * 1024  # what `lay_out` adds to the rows

_verified: set[tuple[str, int, int]] = set()
"""Name, inode and sum of the files whose rows this process has summed."""

Rows = NDArray[Any]


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

    def file_bytes(self, rows: int) -> int:
        """Of the whole file, its header included."""
        return self.row_bytes * rows + _HEADER_BYTES

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @property
    def name(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:24]


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


@dataclass
class Writing:
    """A file in the making.

    Attributes:
        path: its temporary name.
        key: what it is to hold.
        file: open where the next rows belong.
        missing: bytes of rows that are still to come.
    """

    path: Path
    key: FeatureKey
    file: IO[bytes]
    missing: int
    _sum: int = field(default=0, init=False)

    def append(self, values: Rows) -> None:
        """Write the next rows, given as any kind of number."""
        stored = np.ascontiguousarray(values, self.key.dtype)
        self.file.write(stored.data)
        self.missing -= stored.nbytes
        self._sum = zlib.crc32(stored.data, self._sum)

    def complete(self) -> None:
        """Say in the file that it is whole."""
        if self.missing:
            raise ValueError(f"{self.missing} bytes of {self.key.name} were not computed")
        self.file.flush()
        with h5py.File(self.path, "r+", locking=False) as file:
            attributes = file[_DATASET].attrs
            attributes["key"] = self.key.text
            attributes["crc32"] = self._sum
            attributes["complete"] = True


@contextmanager
def laid_out(path: Path, key: FeatureKey, rows: int) -> Iterator[Writing]:
    """Claim the disk space of a file; it is locked as long as this lasts."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.seek(lay_out(path, _DATASET, (rows, *key.shape), key.dtype))
        yield Writing(path, key, file, key.row_bytes * rows)


def mapped(path: Path, key: FeatureKey, rows: int) -> Rows | None:
    """A file's rows, [rows, ...] mapped read-only; None unless all of them are as written."""
    shape = (rows, *key.shape)
    try:
        with h5py.File(path, "r", locking=False) as file:
            dataset = file[_DATASET]
            offset, told = dataset.id.get_offset(), dict(dataset.attrs)
            whole = dataset.shape == shape and dataset.dtype == key.dtype and not dataset.external
        if not (whole and offset and told["complete"] and told["key"] == key.text):
            return None
        if not _is_intact(path, offset, key.row_bytes * rows, int(told["crc32"])):
            return None
        return np.memmap(path, dtype=key.dtype, mode="r", offset=offset, shape=shape)
    except (OSError, KeyError, ValueError, RuntimeError):  # h5py's, by where the damage is
        return None


def _is_intact(path: Path, offset: int, size: int, expected: int) -> bool:
    """Whether the rows have the sum that was noted; read once a process."""
    with path.open("rb", buffering=0) as file:
        known = (path.name, os.fstat(file.fileno()).st_ino, expected)
        if known in _verified:
            return True
        file.seek(offset)
        found = 0
        while size and (piece := file.read(min(_PIECE, size))):
            found = zlib.crc32(piece, found)
            size -= len(piece)
    if size or found != expected:
        return False
    _verified.add(known)
    return True
