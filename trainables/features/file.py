"""One file of the feature store: its key, how its rows are written, and how they are mapped.

An HDF5 file with one contiguous dataset and four attributes, written last: the key in full, how
many rows have a sum of their own, the sum of these sums, and `complete`. Sums are CRC-32. Rows are
summed as they are written, in any order and by any process, and the sums are compared when a
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from trainables.features.contiguous import lay_out

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
        node: the layer's index, see `trainables.networks.backbones`.
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

    @classmethod
    def read(cls, text: str) -> FeatureKey:
        """The key that has this `text`."""
        told = json.loads(text)
        return cls(**{**told, "shape": tuple(told["shape"])})

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


@dataclass(frozen=True)
class Writing:
    """A file in the making, which several processes may write.

    Attributes:
        path: its temporary name.
        key: what it is to hold.
        file: open for writing.
        offset: of its first row, in bytes.
    """

    path: Path
    key: FeatureKey
    file: IO[bytes]
    offset: int

    def write(self, window: slice, values: Rows) -> int:
        """Write the rows of a window of photos, given as any kind of number.

        Returns:
            The CRC-32 of the rows as stored.

        Raises:
            ValueError: these are not the window's rows.
        """
        stored = np.ascontiguousarray(values, self.key.dtype)
        asked = (window.stop - window.start, *self.key.shape)
        if stored.shape != asked:
            raise ValueError(f"{asked} numbers of {self.key.name} were asked, got {stored.shape}")
        left, place = stored.data.cast("B"), self.offset + window.start * self.key.row_bytes
        while left:
            written = os.pwrite(self.file.fileno(), left, place)
            left, place = left[written:], place + written
        return zlib.crc32(stored.data)

    def complete(self, sums: NDArray[np.uint32], rows_per_sum: int) -> None:
        """Say in the file that it is whole."""
        with h5py.File(self.path, "r+", locking=False) as file:
            attributes = file[_DATASET].attrs
            attributes["key"] = self.key.text
            attributes["rows_per_sum"] = rows_per_sum
            attributes["crc32"] = _sum_of(sums)
            attributes["complete"] = True


@contextmanager
def laid_out(path: Path, key: FeatureKey, rows: int) -> Iterator[Writing]:
    """Claim the disk space of a file; it is locked as long as this lasts."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Writing(path, key, file, lay_out(path, _DATASET, (rows, *key.shape), key.dtype))


@contextmanager
def reopened(path: Path, key: FeatureKey, offset: int) -> Iterator[Writing]:
    """Write a file that another process has laid out, and holds the lock of.

    Raises:
        FileNotFoundError: it is no longer in the making.
    """
    with path.open("r+b") as file:
        yield Writing(path, key, file, offset)


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
        starts = range(0, rows, int(told["rows_per_sum"]))
        sizes = [min(starts.step, rows - start) * key.row_bytes for start in starts]
        if not _is_intact(path, offset, sizes, int(told["crc32"])):
            return None
        return np.memmap(path, dtype=key.dtype, mode="r", offset=offset, shape=shape)
    except (OSError, KeyError, ValueError, RuntimeError):  # h5py's, by where the damage is
        return None


def _is_intact(path: Path, offset: int, sizes: Sequence[int], expected: int) -> bool:
    """Whether the rows, summed by so many bytes, have the sum that was noted; once a process."""
    with path.open("rb", buffering=0) as file:
        known = (path.name, os.fstat(file.fileno()).st_ino, expected)
        if known in _verified:
            return True
        file.seek(offset)
        found = _sum_of([_sum_of_next(file, size) for size in sizes])
    if found != expected:
        return False
    _verified.add(known)
    return True


def _sum_of_next(file: IO[bytes], size: int) -> int:
    found = 0
    while size and (piece := file.read(min(_PIECE, size))):
        found = zlib.crc32(piece, found)
        size -= len(piece)
    return found


def _sum_of(sums: Sequence[int] | NDArray[np.uint32]) -> int:
    return zlib.crc32(np.asarray(sums, "<u4").tobytes())
