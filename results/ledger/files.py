"""Whole or absent: the one way this project writes a file.

A file is written under a temporary name beside its final one, flushed to the disk, renamed, and its
folder flushed. Killed at any moment, the final name holds the old content or the new, never a part.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from search_spaces.refusals import EnvironmentRefusal

TEMPORARY_PREFIX = ".part-"
_MEGABYTE = 1024 * 1024


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
            _flush(part)
            part.replace(path)
            _flush(path.parent)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def disk_faults_named(path: Path) -> Iterator[None]:
    """Turn the operating system's disk errors into a refusal that names the path and the remedy."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise EnvironmentRefusal(
                f"the disk is full while writing, {free_megabytes(path)} MB free",
                where=str(path),
                fix="Make room, or choose another folder with --run-dir or --cache-dir.",
            ) from fault
        if fault.errno in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE):
            raise EnvironmentRefusal(
                f"cannot write: {fault.strerror}",
                where=str(path),
                fix="Check the disk and the permissions, or choose another folder.",
            ) from fault
        raise


def free_megabytes(path: Path) -> int:
    """Megabytes free on the disk that holds `path` or its nearest existing folder."""
    place = path
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free // _MEGABYTE


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


def write_json(path: Path, value: Any) -> None:
    """Write a JSON document; a NaN or an infinity is an error, not a value."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        EnvironmentRefusal: the file is missing or is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as fault:
        raise EnvironmentRefusal("a file of the run is missing", where=str(path)) from fault
    except ValueError as fault:
        raise EnvironmentRefusal(
            "a file of the run is damaged", where=str(path), fix="Remove it and resume the run."
        ) from fault


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
