"""Contiguous HDF5 datasets that are written as plain bytes and read by mapping the file.

HDF5 only makes the container: the space is reserved first and the rows are written at the dataset's
offset, because HDF5 that meets a full disk can later crash the whole process.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np

HEADER_BYTES = 16 * 1024
"""Of a file, besides its rows."""


def lay_out(part: Path, name: str, shape: tuple[int, ...], dtype: str, *, more: int = 0) -> int:
    """Make an HDF5 file with one dataset, not yet written; return where its bytes belong.

    Args:
        more: bytes that will be added to the file afterwards.

    Raises:
        OSError: the disk has no room.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize + more + HEADER_BYTES
    reserve(part, size)
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(part, "w", locking=False) as file:
        kind = h5py.h5t.py_create(np.dtype(dtype), logical=True)
        stored = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple(shape), plan)
        offset = int(stored.get_offset())
    reserve(part, size)
    return offset


def reserve(part: Path, size: int) -> None:
    """Claim disk space for a file, where the system and the file system can.

    Raises:
        OSError: the disk has no room.
    """
    with part.open("r+b") as file, suppress(AttributeError):  # not every system has the call
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as fault:
            if fault.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # nor every file system
                raise
