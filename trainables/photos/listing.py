"""What lies at a path, before anyone asks what it means: photos, folders and the rest.

`list_folder` and `archives.listed_zip` each make a `Listing`; `labels.labelled` reads classes out
of it. Links in a folder are not followed, and nothing but plain files is opened, so that loops,
links out of the folder, pipes and devices do no harm. Only the folder that the user names may
itself be a link.

The fingerprints tell whether photos are those of an earlier run, without reading them. Names, sizes
and times of change are not enough: archivers and `cp -p` set the time, and photos of one camera or
generator often have equal sizes. So the place, each file's inode and its `ctime`, which no program
can set, count as well. The price is one more decoding after a move or a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from results.ledger.runs import Rejected
from search_spaces.refusals import DataRefusal
from trainables.photos.decoding import MAX_BYTES, SUFFIXES, Undecodable

Parts = tuple[str, ...]
"""A path below the root, one name a part, each safe to store (see `safe_name`)."""

_MACHINE_MADE = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class PhotoFile:
    """A file that is a photo by its name.

    Attributes:
        parts: where it lies, below the root.
        size: bytes, as listed.
        state: last change and `ctime`, in nanoseconds, and inode; empty inside an archive.
        read: returns the content. Raises `Undecodable` if this file is damaged or too large, and
            `DataRefusal` if it has changed since it was listed.
    """

    parts: Parts
    size: int
    state: tuple[int, ...]
    read: Callable[[], bytes]


@dataclass
class Listing:
    """Everything below one root.

    Attributes:
        where: the root, for messages.
        folders: every folder that is not hidden, empty ones included.
        others: how many files that are no photos by their name, per folder.
        rejected: photos by their name that are not to be opened (links, pipes, devices).
    """

    where: str
    photos: list[PhotoFile] = field(default_factory=list)
    folders: set[Parts] = field(default_factory=set)
    others: Counter[Parts] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def ignored(self) -> int:
        return self.others.total()

    def add_folder(self, parts: Parts) -> None:
        if not any(is_hidden(part) for part in parts):
            self.folders.update(parts[:depth] for depth in range(1, len(parts) + 1))

    def tree(self, limit: int = 8) -> str:
        """The folders seen, in one line: `cats/ 12 photos, docs/ 3 other files`."""
        photos = Counter(photo.parts[:-1] for photo in self.photos)
        folders = sorted(self.folders | set(photos) | set(self.others))
        lines = [_folder_line(parts, photos[parts], self.others[parts]) for parts in folders]
        more = f" and {len(lines) - limit} more folders" if len(lines) > limit else ""
        return (", ".join(lines[:limit]) + more) or "nothing"


def _folder_line(parts: Parts, photos: int, others: int) -> str:
    counts = [f"{photos} photos"] * bool(photos) + [f"{others} other files"] * bool(others)
    return f"{'/'.join(parts) or '.'}/ {' and '.join(counts) or 'empty'}"


def safe_name(name: str) -> str:
    r"""A name that any JSON, HDF5 or HTML writer accepts: bytes that are no UTF-8 become `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_hidden(name: str) -> bool:
    """True for names that some machine made: `.DS_Store`, `__MACOSX`, `Thumbs.db`."""
    return name.startswith(".") or name.casefold() in _MACHINE_MADE


def is_photo(parts: Parts) -> bool:
    """True if the path has a photo's suffix, in any case, and no hidden part."""
    suffix = PurePosixPath(parts[-1]).suffix.casefold()
    return suffix in SUFFIXES and not any(is_hidden(part) for part in parts)


def list_folder(root: Path) -> Listing:
    """List every file below `root`, sorted by name.

    Raises:
        DataRefusal: a folder cannot be read.
    """
    listing = Listing(where=str(root))
    waiting: list[tuple[Path, Parts]] = [(root, ())]
    while waiting:
        folder, above = waiting.pop()
        for entry in _entries(folder):
            parts = (*above, safe_name(entry.name))
            if entry.is_dir(follow_symlinks=False):
                listing.add_folder(parts)
                waiting.append((Path(entry.path), parts))
            else:
                _add_file(listing, entry, parts)
    listing.photos.sort(key=lambda photo: photo.parts)
    listing.rejected.sort(key=lambda rejected: rejected.file)
    return listing


def folder_fingerprint(root: Path, listing: Listing) -> str:
    """SHA-256 of a folder's place, its names, and the state of every photo in it."""
    photos = [(photo.parts, photo.size, photo.state) for photo in listing.photos]
    rejected = [photo.file for photo in listing.rejected]
    return _digest(root, photos, sorted(listing.folders), listing.ignored, rejected)


def file_fingerprint(path: Path) -> str:
    """SHA-256 of an archive's place and state."""
    status = path.stat()
    return _digest(path, status.st_size, *_state(status))


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def _digest(path: Path, *identity: Any) -> str:
    place = safe_name(str(path.resolve()))
    return hashlib.sha256(json.dumps([place, *identity]).encode()).hexdigest()


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as fault:
        raise DataRefusal(
            f"a folder cannot be read: {fault.strerror}",
            where=safe_name(str(folder)),
            fix="Check its permissions.",
        ) from fault


def _add_file(listing: Listing, entry: os.DirEntry[str], parts: Parts) -> None:
    if entry.is_symlink():
        # A link without a suffix may stand for a whole folder of photos, so it is named as well.
        listing.rejected.append(Rejected("/".join(parts), "a link; links are not followed"))
    elif not is_photo(parts):
        listing.others[parts[:-1]] += 1
    elif not entry.is_file(follow_symlinks=False):
        listing.rejected.append(Rejected("/".join(parts), "a pipe or device, no file"))
    else:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as fault:
            raise _changed(entry.path) from fault
        read = partial(_read, Path(entry.path), status.st_size)
        listing.photos.append(PhotoFile(parts, status.st_size, _state(status), read))


def _read(path: Path, size: int) -> bytes:
    """The content of a plain file that still has `size` bytes."""
    if size > MAX_BYTES:
        raise Undecodable(f"the file has {size:,} bytes, more than {MAX_BYTES:,}")
    try:
        # Neither flag matters for the file that was listed; both do if it was swapped since.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _changed(str(path))
            content = file.read(size + 1)
    except OSError as fault:
        raise _changed(str(path), f": {fault.strerror}") from fault
    if len(content) != size:
        raise _changed(str(path))
    return content


def _changed(path: str, detail: str = "") -> DataRefusal:
    return DataRefusal(
        f"a photo cannot be read or was changed while it was being read{detail}",
        where=safe_name(path),
        fix="Check its permissions, leave the folder alone while it is read, and run again.",
    )
