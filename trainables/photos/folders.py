"""A folder on disk as a `Listing`. Links are not followed, and nothing but plain files is opened.

Not following links is what makes loops, links out of the folder, pipes and devices harmless. Only
the folder named by the user may itself be a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from results.ledger.runs import Rejected
from search_spaces.refusals import DataRefusal
from trainables.photos.decoding import MAX_BYTES, Undecodable
from trainables.photos.listing import Found, Listing, Parts, is_photo, safe_name


def list_folder(root: Path) -> Listing:
    """List every file below `root`, folders sorted by name.

    Raises:
        DataRefusal: a folder cannot be read.
    """
    listing = Listing(where=str(root))
    waiting: list[tuple[Path, Parts]] = [(root, ())]
    while waiting:
        folder, parts = waiting.pop()
        for entry in _entries(folder):
            inside = (*parts, safe_name(entry.name))
            if entry.is_dir(follow_symlinks=False):
                listing.add_folder(inside)
                waiting.append((Path(entry.path), inside))
            else:
                _add(listing, entry, inside)
    listing.photos.sort(key=lambda found: found.parts)
    listing.rejected.sort(key=lambda one: one.file)
    return listing


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


def _add(listing: Listing, entry: os.DirEntry[str], parts: Parts) -> None:
    if entry.is_symlink():
        # A link without a suffix may stand for a whole folder of photos, so it is named as well.
        listing.rejected.append(Rejected("/".join(parts), "a link; links are not followed"))
    elif not is_photo(parts):
        listing.others[parts[:-1]] += 1
    elif not entry.is_file(follow_symlinks=False):
        listing.rejected.append(Rejected("/".join(parts), "a pipe or device, no file"))
    else:
        state = _state(entry)
        read = partial(_read, Path(entry.path), state.st_size)
        listing.photos.append(Found(parts, state.st_size, state.st_mtime_ns, read))


def _state(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError as fault:
        raise _changed(entry.path) from fault


def _read(path: Path, size: int) -> bytes:
    """The content of a plain file that still has `size` bytes."""
    if size > MAX_BYTES:
        raise Undecodable(f"the file has {size:,} bytes, more than {MAX_BYTES:,}")
    try:
        # Neither flag matters for the file that was listed; both do if it was swapped since.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
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
