"""Files listed with their SHA-256 in a JSON document, which carries its own.

A trial's record lists what lies beside it; thumbnails, models and the report have a list each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from results.ledger.files import file_sha256, read_json, unreadable, write_json
from results.ledger.serialise import from_json
from search_spaces.refusals import EnvironmentRefusal

FILES = "files"
"""The key of the list."""


def write_manifest(
    path: Path, files: Iterable[Path], *, known: Mapping[str, str] | None = None, **more: Any
) -> None:
    """List files below the folder of `path`; `more` stands beside the list.

    Args:
        known: what `digests` gave of further files, which may be large.
    """
    write_json(path, {FILES: {**(known or {}), **digests(files, below=path.parent)}, **more})


def read_manifest(path: Path, *, fix: str) -> dict[str, str]:
    """SHA-256 of the files that were listed, by name.

    Raises:
        EnvironmentRefusal: the list is missing, damaged, or of another version.
    """
    listed = read_json(path, fix=fix).get(FILES)
    try:
        return from_json(dict[str, str], listed)
    except ValueError as fault:
        raise EnvironmentRefusal(
            "this list of files was written by another version", where=str(path), fix=fix
        ) from fault


def digests(files: Iterable[Path], *, below: Path) -> dict[str, str]:
    """SHA-256 of files by their names below a folder, sorted; `check_digest` compares one."""
    return {path.relative_to(below).as_posix(): file_sha256(path) for path in sorted(files)}


def check_digest(path: Path, digest: str | None, *, fix: str) -> None:
    """Check that a file is the one that was listed.

    Args:
        digest: its SHA-256 as listed; None where it is not.

    Raises:
        EnvironmentRefusal: it is missing, another one, or not listed.
    """
    try:
        intact = file_sha256(path) == digest
    except OSError as fault:
        raise unreadable(path, fault, fix=fix) from fault
    if not intact:
        raise EnvironmentRefusal(
            "a file of the run is damaged: it is not the one that was recorded",
            where=str(path),
            fix=fix,
        )
