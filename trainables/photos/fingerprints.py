"""Tells whether photos are those of an earlier run, without reading them.

Names, sizes and times of change are not enough: archivers and `cp -p` set the time, and photos of
one camera or generator often have equal sizes. So the place, each file's inode and its `ctime`,
which no program can set, count as well. The price is one more decoding after a move or a copy.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from search_spaces.refusals import DataRefusal
from trainables.photos.listing import Listing, Parts, is_photo, safe_name


def folder_fingerprint(root: Path, listing: Listing) -> str:
    """Of a folder's place, its names, and the state of every photo in it."""
    photos = [(found.parts, found.size, found.stamp) for found in listing.photos]
    rejected = [one.file for one in listing.rejected]
    rest = [sorted(listing.folders), listing.ignored, rejected]
    return _digest([_place(root), photos, rest, _states(root)])


def file_fingerprint(path: Path) -> str:
    """Of an archive's place and state."""
    state = path.stat()
    return _digest([_place(path), state.st_size, state.st_mtime_ns, *_state(state)])


def _place(path: Path) -> str:
    return safe_name(str(path.resolve()))


def _states(root: Path) -> list[tuple[Parts, int, int]]:
    """Name, inode and time of the last change of each photo, sorted."""
    found = []
    for folder, _, files in os.walk(root):
        inside = Path(folder).relative_to(root).parts
        for file in files:
            parts = tuple(safe_name(part) for part in (*inside, file))
            if is_photo(parts):
                found.append((parts, *_state_now(Path(folder, file))))
    return sorted(found)


def _state_now(path: Path) -> tuple[int, int]:
    try:
        return _state(path.lstat())
    except OSError as fault:
        raise DataRefusal(
            f"a photo vanished while the folder was being read: {fault.strerror}",
            where=safe_name(str(path)),
            fix="Leave the folder alone while it is read, and run again.",
        ) from fault


def _state(state: os.stat_result) -> tuple[int, int]:
    return state.st_ino, state.st_ctime_ns


def _digest(identity: list[Any]) -> str:
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
