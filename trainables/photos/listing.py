"""What was found at a path, before anyone asks what it means: photos, folders and the rest.

`folders.py` and `archives.py` each make a `Listing`; `sources.py` reads classes out of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from results.ledger.runs import Rejected
from trainables.photos.decoding import SUFFIXES

Parts = tuple[str, ...]
"""A path below the root, one name a piece, each safe to store (see `safe_name`)."""

_MACHINE_MADE = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True)
class Found:
    """A file that is a photo by its name.

    Attributes:
        parts: where it lies, below the root.
        size: bytes, as listed.
        stamp: last change in nanoseconds; 0 inside an archive.
        read: gives the content. Raises `Undecodable` if this one file is damaged or too large, and
            `DataRefusal` if it has changed since it was listed.
    """

    parts: Parts
    size: int
    stamp: int
    read: Callable[[], bytes]


@dataclass
class Listing:
    """Everything below one root.

    Attributes:
        where: the root, for messages.
        folders: every folder that holds no hidden part, empty ones included.
        others: how many files that are no photos by their name, per folder.
        rejected: photos by their name that are not to be opened (links, pipes, devices).
    """

    where: str
    photos: list[Found] = field(default_factory=list)
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
        photos = Counter(found.parts[:-1] for found in self.photos)
        seen = sorted(self.folders | set(photos) | set(self.others))
        lines = [_seen(parts, photos[parts], self.others[parts]) for parts in seen]
        more = f" and {len(lines) - limit} more folders" if len(lines) > limit else ""
        return (", ".join(lines[:limit]) + more) or "nothing"


def _seen(parts: Parts, photos: int, others: int) -> str:
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
