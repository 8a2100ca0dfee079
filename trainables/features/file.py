"""One file of the feature store: its key, how its rows are written, and how they are mapped.

An HDF5 file with one contiguous dataset and three attributes, written last: the key in full, the
CRC-32 of all rows, and `complete`. The sum is compared when a process first opens the file: a
flipped bit would otherwise train on wrong numbers in silence.

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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from search_spaces.refusals import UsageRefusal
from trainables.features.contiguous import HEADER_BYTES, lay_out

_DATASET = "features"
_PIECE = 1024 * 1024

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
        return self.row_bytes * rows + HEADER_BYTES

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


class FeatureWriter:
    """Writes the rows of a file in the making, batch after batch.

    Attributes:
        key: of the layer.
    """

    def __init__(
        self, path: Path, key: FeatureKey, file: IO[bytes], *, offset: int, rows: int
    ) -> None:
        self.key = key
        self._path = path
        self._file = file
        self._offset = offset
        self._end = offset + rows * key.row_bytes
        self._crc32 = 0

    def append(self, values: Rows) -> None:
        """Write the next rows, [n, ...] of any kind of number.

        Raises:
            ValueError: these are no rows of this layer.
            UsageRefusal: a value is beyond the range of the key's number type.
        """
        if not np.can_cast(values.dtype, self.key.dtype):
            _refuse_out_of_range(values, self.key)
        stored = np.ascontiguousarray(values, self.key.dtype)
        if stored.shape[1:] != self.key.shape:
            raise ValueError(f"rows must have the shape {self.key.shape}, got {stored.shape[1:]}")
        left = stored.data.cast("B")
        while left:
            written = os.pwrite(self._file.fileno(), left, self._offset)
            left, self._offset = left[written:], self._offset + written
        self._crc32 = zlib.crc32(stored.data, self._crc32)

    def complete(self) -> None:
        """Say in the file that it is whole.

        Raises:
            ValueError: it has not been given as many rows as it has room for.
        """
        if self._offset != self._end:
            missing = (self._end - self._offset) // self.key.row_bytes
            raise ValueError(f"all rows must be written, {missing} are missing")
        with h5py.File(self._path, "r+", locking=False) as file:
            attributes = file[_DATASET].attrs
            attributes["key"] = self.key.text
            attributes["crc32"] = self._crc32
            attributes["complete"] = True


def _refuse_out_of_range(values: Rows, key: FeatureKey) -> None:
    """Infinities that the layer itself produced are not an overflow of rounding."""
    largest = float(np.max(np.abs(values), initial=0, where=np.isfinite(values)))
    limit = float(np.finfo(key.dtype).max)
    if largest > limit:
        raise UsageRefusal(
            f"features of {key.backbone}'s layer {key.node} reach {largest:.3g}, "
            f"{key.dtype} ends at {limit:.0f}",
            where="--cache-dtype",
            fix="Give --cache-dtype float32.",
        )


@contextmanager
def laid_out(path: Path, key: FeatureKey, rows: int) -> Iterator[FeatureWriter]:
    """Claim the disk space of a file; it is locked as long as this lasts."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        offset = lay_out(path, _DATASET, (rows, *key.shape), key.dtype)
        yield FeatureWriter(path, key, file, offset=offset, rows=rows)


def mapped(path: Path, key: FeatureKey, rows: int) -> Rows | None:
    """A file's rows, [rows, ...] mapped read-only; None unless all of them are as written."""
    shape = (rows, *key.shape)
    try:
        with h5py.File(path, "r", locking=False) as file:
            dataset = file[_DATASET]
            offset, attributes = dataset.id.get_offset(), dict(dataset.attrs)
            fits = dataset.shape == shape and dataset.dtype == key.dtype and not dataset.external
        if not (fits and offset and attributes["complete"] and attributes["key"] == key.text):
            return None
        if not _is_intact(path, offset, rows * key.row_bytes, int(attributes["crc32"])):
            return None
        return np.memmap(path, dtype=key.dtype, mode="r", offset=offset, shape=shape)
    except (OSError, KeyError, ValueError, RuntimeError):  # h5py's, by where the damage is
        return None


def _is_intact(path: Path, offset: int, size: int, expected: int) -> bool:
    """Whether the rows have the sum that was noted; read once a process."""
    with path.open("rb", buffering=0) as file:
        identity = (path.name, os.fstat(file.fileno()).st_ino, expected)
        if identity in _verified:
            return True
        file.seek(offset)
        crc32 = 0
        while size and (piece := file.read(min(_PIECE, size))):
            crc32 = zlib.crc32(piece, crc32)
            size -= len(piece)
    if crc32 != expected:
        return False
    _verified.add(identity)
    return True
