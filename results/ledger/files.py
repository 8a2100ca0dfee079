"""Whole or absent, and known again: the one way this project writes a file.

A file is written under a temporary name beside its final one, flushed to the disk, renamed, and its
folder flushed. Killed at any moment, the final name holds the old content or the new, never a part.

A JSON document carries its own SHA-256 as its last key, checked whenever it is read; other files
that are read back are listed with theirs in such a document.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import shlex
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from results.ledger.remedies import MORE_FILES
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

TEMPORARY_PREFIX = ".part-"
DIGEST = "sha256"
"""The last key of a JSON document: of the text that it has without this key."""

_LAST_KEY = re.compile(rb',?\n  "%s": "([0-9a-f]{64})"\n}\n\Z' % DIGEST.encode())
_MEGABYTE = 1024 * 1024
PIECE_BYTES = 16 * _MEGABYTE
"""Of a file that is copied to another place, as much is in memory at a time."""
_CANNOT_WRITE = (
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG, errno.ENOENT),
    *(errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG),
)


@contextmanager
def whole_or_absent(path: Path, *, suffix: str = "") -> Iterator[Path]:
    """Yield a temporary path; when the block ends well, it becomes `path`.

    Args:
        path: the final name; its folder is made.
        suffix: how the temporary name ends, for writers that insist on one.

    Raises:
        EnvironmentRefusal: the disk is full, broken or read-only.
    """
    with disk_faults_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{suffix}"
        # Not `mkstemp`, whose files only their owner may read: a `chmod` afterwards would need the
        # umask, which no process can read without changing it for all its threads. Here the system
        # applies it, and the folder's access lists.
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield part
            put_in_place(part, path)
        finally:
            part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished part its final name, in the same folder, on the disk for good."""
    _flush(part)
    part.replace(path)
    _flush(path.parent)


@contextmanager
def disk_faults_named(path: Path) -> Iterator[None]:
    """Turn the operating system's disk errors into a refusal that names the path and the remedy."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EnvironmentRefusal(
                f"the disk is full while writing, {_what_is_left(path)}",
                where=str(path),
                fix="Make room, or choose another folder with --run-dir or --cache-dir.",
            ) from fault
        if refusal := no_more_files(fault):
            raise refusal from fault
        if fault.errno in _CANNOT_WRITE:
            raise EnvironmentRefusal(
                f"cannot write: {fault.strerror}",
                where=str(path),
                fix="Check the disk and the permissions, or choose another folder.",
            ) from fault
        raise


def no_more_files(fault: BaseException) -> EnvironmentRefusal | None:
    """A refusal that says so, where the system let a process open no more files."""
    if not isinstance(fault, OSError) or fault.errno not in (errno.EMFILE, errno.ENFILE):
        return None
    return EnvironmentRefusal(
        f"the system lets this process open no more files: {fault.strerror}",
        where=str(fault.filename or ""),
        fix=MORE_FILES,
    )


def refuse_file_in_the_way(folder: Path, flag: str) -> None:
    """Check that a folder, or the nearest above it that exists, is none but a folder.

    Raises:
        UsageRefusal: it is a file or a device.
    """
    nearest = _nearest_existing(folder)
    if nearest.exists() and not nearest.is_dir():
        raise UsageRefusal(
            "this is a file, a folder is needed", where=str(nearest), fix=f"Choose another {flag}."
        )


def refuse_others_folder(folder: Path) -> None:
    """Check that nobody else can put files into a folder whose files are trusted.

    Raises:
        EnvironmentRefusal: it belongs to another user, or everyone may write to it.
    """
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH:
        quoted = shlex.quote(str(folder))
        raise EnvironmentRefusal(
            "this folder must be yours and not everyone's to write: it belongs to user "
            f"{status.st_uid} and has mode {stat.S_IMODE(status.st_mode):o}",
            where=str(folder),
            fix=f"Choose another one, or if it is yours: chmod o-w {quoted}",
        )


def free_megabytes(path: Path) -> int:
    """Megabytes free on the disk that holds `path` or its nearest existing folder."""
    return shutil.disk_usage(_nearest_existing(path)).free // _MEGABYTE


def _what_is_left(path: Path) -> str:
    """Of a disk that takes no more: bytes, or inodes where those are what it lacks."""
    status = os.statvfs(_nearest_existing(path))
    if status.f_files and not status.f_favail:
        return f"none of its {status.f_files:,} inodes is free: it holds too many files"
    return f"{free_megabytes(path)} MB free"


def _nearest_existing(path: Path) -> Path:
    """The path or the nearest folder above it that exists; the top where none does."""
    # Not `Path.exists`, which raises for names that are too long for any file.
    places = (place for place in (path, *path.parents) if os.path.exists(place))  # noqa: PTH110
    return next(places, Path(path.anchor))


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, or leave the old one."""
    with whole_or_absent(path) as part:
        part.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text, or leave the old one."""
    write_bytes(path, text.encode())


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON document, its digest added; a NaN or an infinity is an error, not a value."""
    digest = hashlib.sha256(_json_text(document).encode()).hexdigest()
    write_text(path, _json_text({**document, DIGEST: digest}))


def read_json(path: Path, *, fix: str = "") -> dict[str, Any]:
    """Read what `write_json` wrote, less the digest.

    Args:
        fix: what to do about a file that is missing or not as written.

    Raises:
        EnvironmentRefusal: the file is missing, or a byte of it is not as it was written.
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise unreadable(path, fault, fix=fix) from fault
    try:
        document = json.loads(content)
        undigested = isinstance(document, dict) and document.pop(DIGEST, None) is None
        # The text decides, not the values: two digits may be read as the same number.
        intact = undigested or _is_intact(content)
    except (ValueError, TypeError, RecursionError):
        undigested = intact = False
    if undigested:
        raise EnvironmentRefusal(
            "this file carries no digest: an earlier version wrote it, or it is damaged",
            where=str(path),
            fix=fix,
        )
    if not intact:
        raise EnvironmentRefusal(
            "a file of the run is damaged: it is not as it was written", where=str(path), fix=fix
        )
    return dict(document)


def _is_intact(content: bytes) -> bool:
    """Whether the text without its last key has the digest that this key states.

    The text is taken as it is, since writing it anew takes most of the time that 10,000 records do.
    """
    found = _LAST_KEY.search(content)
    if found is None:
        return False
    rest = content[: found.start()]
    text = rest + (b"}\n" if rest == b"{" else b"\n}\n")
    return hashlib.sha256(text).hexdigest().encode() == found[1]


def _json_text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def unreadable(path: Path, fault: OSError, *, fix: str) -> EnvironmentRefusal:
    """The refusal of a run's file that cannot be read."""
    return EnvironmentRefusal(
        f"a file of the run is missing or cannot be read: {fault.strerror}",
        where=str(path),
        fix=fix,
    )


def file_sha256(path: Path, *, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's content, in hexadecimal; `progress` gets the bytes of each piece read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_MEGABYTE):
            digest.update(piece)
            if progress is not None:
                progress(len(piece))
    return digest.hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
