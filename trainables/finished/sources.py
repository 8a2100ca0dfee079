"""Which photos are asked about: files, folders, patterns, addresses, and lists of all of these.

    photo.jpg  photos/  'photos/*.jpg'  'photos/**/*.png'  https://host/photo.jpg
    list.txt        a text file, one of the above a line
    -               the same, from standard input

Nothing is listed before it is needed, but for one folder or pattern at a time.
"""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from search_spaces.refusals import DataRefusal, EnvironmentRefusal
from trainables.photos.decoding import MAX_BYTES, SUFFIXES, Undecodable
from trainables.photos.download import fetch
from trainables.photos.listing import safe_name

STANDARD_INPUT = "-"
LIST_SUFFIX = ".txt"

Source = Path | str
"""A file, or an address as a text."""


def photo_files(given: Sequence[Source], *, typed: Iterable[str] = ()) -> Iterator[Source]:
    """Every photo that is asked for, in order, those below a folder or of a pattern sorted.

    What a list names is not looked up here: a file that is not there is skipped when it is read.

    Args:
        given: see the module's table.
        typed: the lines of standard input.

    Raises:
        DataRefusal: something given does not exist, a list cannot be read, or there is no photo.
    """
    names = [str(source) for source in given]
    for name in names:
        if not (name == STANDARD_INPUT or _is_address(name) or _exists(name) or _matching(name)):
            raise DataRefusal("there is no such photo or folder", where=safe_name(name))
    photos = chain.from_iterable(_listed(name, typed) for name in names)
    first = next(photos, None)
    if first is None:
        raise DataRefusal("there are no photos", where=", ".join(map(safe_name, names)))
    return chain([first], photos)


def content(source: Source) -> bytes:
    """What a photo's file holds.

    Raises:
        Undecodable: it cannot be read or downloaded, or is too large.
    """
    if isinstance(source, str):
        return _downloaded(source)
    try:
        if not source.is_file():
            raise Undecodable("there is no such file")
        if source.stat().st_size > MAX_BYTES:
            raise Undecodable(f"the file has more than {MAX_BYTES:,} bytes")
        return source.read_bytes()
    except OSError as fault:
        raise Undecodable(f"it cannot be read: {fault.strerror}") from fault


def _listed(given: str, typed: Iterable[str]) -> Iterator[Source]:
    if given == STANDARD_INPUT:
        return _lines(typed)
    if Path(given).suffix.lower() == LIST_SUFFIX and not _is_folder(given):
        return _lines(_file_lines(Path(given)))
    return _photos(given)


def _lines(lines: Iterable[str]) -> Iterator[Source]:
    for line in lines:
        if name := line.strip("\r\n"):
            yield from _photos(name)


def _file_lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
            yield from lines
    except OSError as fault:
        raise DataRefusal(
            f"this list cannot be read: {fault.strerror}", where=safe_name(str(path))
        ) from fault


def _photos(name: str) -> Iterator[Source]:
    if _is_address(name):
        yield name
    elif _is_folder(name):
        for folder, below, files in os.walk(name):
            below.sort()
            paths = (Path(folder) / file for file in sorted(files))
            yield from (
                path for path in paths if path.suffix.lower() in SUFFIXES and path.is_file()
            )
    elif _exists(name):
        yield Path(name)
    else:
        yield from map(Path, _matching(name) or [name])


def _matching(pattern: str) -> list[str]:
    """Files and folders of a pattern, sorted; nothing for a name without `*`, `?` or `[`."""
    if "\0" in pattern or not glob.has_magic(pattern):  # as from `find -print0`: names no file
        return []
    # Not `Path.glob`, which refuses patterns such as `**.jpg`.
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207


def _exists(name: str) -> bool:
    # Not `Path.exists`, which raises for names that are too long for any file.
    return os.path.exists(name)  # noqa: PTH110


def _is_folder(name: str) -> bool:
    return os.path.isdir(name)  # noqa: PTH112


def _is_address(name: str) -> bool:
    return name.startswith(("http://", "https://"))


def _downloaded(url: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return content(fetch(url, Path(folder) / "photo", fix="Check the address."))
        except EnvironmentRefusal as fault:
            raise Undecodable(fault.what) from fault
