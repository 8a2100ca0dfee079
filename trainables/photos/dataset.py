"""A dataset as one HDF5 file: written whole, and checked whenever it is read.

    photos  [N, S, S, 3] uint8, contiguous, so that a reader can map it straight from the file
    labels  [N] int64, indices into the class names
    index   UTF-8 JSON in uint8: files, SHA-256 of files and of pixels, given parts, the DataRecord
    attributes: schema, index_sha256 (of labels and index), rows, and last of all complete=True

HDF5 can point at other files (external storage, virtual datasets, links): such a file is refused,
since reading it would read whatever it points at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from results.ledger.files import whole_or_absent
from results.ledger.runs import DataRecord
from results.ledger.serialise import from_json, to_json
from search_spaces.refusals import DataRefusal
from trainables.features.contiguous import lay_out
from trainables.photos.decoding import Pixels

SCHEMA = 1
SUFFIX = ".h5"
THUMBNAIL_SIZE = 64  # pixels
_OVERHEAD = 64 * 1024  # bytes; HDF5's own, generously


@dataclass(frozen=True, eq=False)
class Dataset:
    """Decoded photos on disk, with everything small already read.

    Attributes:
        path: the HDF5 file.
        record: what the photos are and what was left out.
        labels: [N] int64, read-only.
        files: [N] names, unique.
        sha256: [N] of each file's content, hexadecimal.
        pixel_sha256: [N] of each photo's decoded pixels; equal for photos that look the same.
        given_parts: [N] members of `SPLITS` if the photos came already split, else None.
    """

    path: Path
    record: DataRecord
    labels: NDArray[np.int64]
    files: tuple[str, ...]
    sha256: tuple[str, ...]
    pixel_sha256: tuple[str, ...]
    given_parts: tuple[str, ...] | None

    def photos(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        """Map the pixels: [N, S, S, 3] uint8, RGB, read-only; nothing is read until touched.

        Raises:
            DataRefusal: the file was damaged or removed since it was opened.
        """
        with _damage_named(self.path), h5py.File(self.path, "r", locking=False) as file:
            stored = _stored(file, "photos", "u1", 4, self.path)
            offset, shape = stored.id.get_offset(), stored.shape
        return np.memmap(self.path, dtype=np.uint8, mode="r", offset=offset, shape=shape)

    def thumbnails(self, rows: Iterable[int]) -> dict[int, Pixels]:
        """Shrink the photos of some rows to [64, 64, 3] uint8 each, for the report."""
        photos, shape = self.photos(), (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
        return {row: np.asarray(Image.fromarray(photos[row]).resize(shape)) for row in rows}


@dataclass(frozen=True)
class Row:
    """What is known of one photo beside its pixels; see `Dataset`."""

    file: str
    label: int
    part: str | None
    sha256: str
    pixel_sha256: str


def write_dataset(
    path: Path, *, record: DataRecord, rows: list[Row], pixels: Iterable[Pixels]
) -> None:
    """Write `pixels`, one [S, S, 3] per row, and all that `rows` and `record` say.

    The record's `digest` is computed here, while the pixels pass; its `photos` is the row count.

    Raises:
        EnvironmentRefusal: the disk is full, broken or read-only.
    """
    size = record.image_size
    shape = (len(rows), size, size, 3)
    labels = np.array([row.label for row in rows], dtype="<i8")
    draft = _index(replace(record, digest="0" * 64, photos=len(rows)), rows)
    with whole_or_absent(path) as part:
        more = labels.nbytes + len(draft) + _OVERHEAD
        offset = lay_out(part, "photos", shape, "uint8", more=more)
        digest = _write_pixels(part, offset, pixels)
        digest.update(labels.data)
        for names in (list(record.classes), [row.file for row in rows]):
            digest.update(_json(names))
        final = replace(record, digest=digest.hexdigest(), photos=len(rows))
        _write_rest(part, labels, _index(final, rows))


def _write_pixels(part: Path, offset: int, pixels: Iterable[Pixels]) -> hashlib._Hash:
    """Write the rows as plain bytes; return the digest over them."""
    digest = hashlib.sha256()
    with part.open("r+b") as file:
        file.seek(offset)
        for photo in pixels:
            file.write(photo.data)
            digest.update(photo.data)
    return digest


def _write_rest(part: Path, labels: NDArray[np.int64], index: bytes) -> None:
    with h5py.File(part, "r+", locking=False) as file:
        file.create_dataset("labels", data=labels)
        file.create_dataset("index", data=np.frombuffer(index, np.uint8))
        file.attrs["schema"] = SCHEMA
        file.attrs["index_sha256"] = hashlib.sha256(labels.tobytes() + index).hexdigest()
        file.attrs["rows"] = len(labels)
        file.flush()
        file.attrs["complete"] = True


def open_dataset(path: Path, rows: Iterable[int] | None = None) -> Dataset:
    """Open a file that `write_dataset` wrote.

    Labels, names and digests are checked against their digest, and the pixels of every photo
    against theirs. That is a pass over the file, 1.4 s per GB measured on a busy machine, once or
    twice in a process; training reads it all anyway.

    Args:
        rows: the photos that will be looked at, where only these are to be checked.

    Raises:
        DataRefusal: the file is no such file, of another version, or damaged.
    """
    with _damage_named(path), h5py.File(path, "r", locking=False) as file:
        if file.attrs.get("schema") != SCHEMA or not file.attrs.get("complete", False):
            raise _refusal(path, "it is incomplete or of another version")
        labels = _stored(file, "labels", "<i8", 1, path)[()].astype(np.int64)
        index = _stored(file, "index", "u1", 1, path)[()].tobytes()
        digest = hashlib.sha256(labels.astype("<i8").tobytes() + index).hexdigest()
        if digest != file.attrs.get("index_sha256"):
            raise _refusal(path, "its names and labels do not match their digest")
        dataset = _dataset(path, labels, json.loads(index))
        size = dataset.record.image_size
        shape = (int(file.attrs["rows"]), size, size, 3)
        if _stored(file, "photos", "u1", 4, path).shape != shape or len(labels) != shape[0]:
            raise _refusal(path, "its photos and labels differ in number or size")
    _check_pixels(dataset, range(len(labels)) if rows is None else rows)
    return dataset


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turn whatever h5py, numpy or json raise on a damaged file into a refusal."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, TypeError, LookupError) as fault:
        raise _refusal(path, " ".join(str(fault).split())) from fault


def _stored(file: Any, name: str, dtype: str, dimensions: int, path: Path) -> Any:
    """A dataset whose bytes all lie in this very file, in one piece.

    A shape alone proves nothing: HDF5 happily declares petabytes that were never written.
    """
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise _refusal(path, f"{name!r} is a link")
    stored = file[name]
    if not isinstance(stored, h5py.Dataset) or stored.is_virtual or stored.external:
        raise _refusal(path, f"{name!r} keeps its data elsewhere")
    offset = stored.id.get_offset()
    if stored.dtype != dtype or stored.ndim != dimensions or stored.chunks or offset is None:
        raise _refusal(path, f"{name!r} has another layout")
    if offset + stored.nbytes > path.stat().st_size:
        raise _refusal(path, f"{name!r} is cut")
    return stored


def _index(record: DataRecord, rows: list[Row]) -> bytes:
    given_parts = None if rows and rows[0].part is None else [row.part for row in rows]
    return _json(
        {
            "record": to_json(record),
            "files": [row.file for row in rows],
            "sha256": [row.sha256 for row in rows],
            "pixel_sha256": [row.pixel_sha256 for row in rows],
            "given_parts": given_parts,
        }
    )


def _dataset(path: Path, labels: NDArray[np.int64], index: dict[str, Any]) -> Dataset:
    columns = {name: tuple(index[name]) for name in ("files", "sha256", "pixel_sha256")}
    given_parts = index["given_parts"] and tuple(index["given_parts"])
    if any(len(column) != len(labels) for column in (*columns.values(), given_parts or labels)):
        raise _refusal(path, "its columns differ in length")
    labels.flags.writeable = False
    record = from_json(DataRecord, index["record"])
    return Dataset(path=path, record=record, labels=labels, given_parts=given_parts, **columns)


def _check_pixels(dataset: Dataset, rows: Iterable[int]) -> None:
    photos = dataset.photos()
    for row in rows:
        if hashlib.sha256(photos[row]).hexdigest() != dataset.pixel_sha256[row]:
            raise _refusal(dataset.path, f"the pixels of {dataset.files[row]!r} have changed")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _refusal(path: Path, why: str) -> DataRefusal:
    return DataRefusal(
        f"the dataset file is damaged or not ours: {why}",
        where=str(path),
        fix="Remove it and prepare the photos again.",
    )
