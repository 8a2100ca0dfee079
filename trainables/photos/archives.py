"""A zip as a `Listing`. Nothing is unpacked to disk: photos are read straight out of the archive.

The whole directory of the zip is judged before the first photo is read. What no honest packer
writes is refused and named: names that climb out (`..`), absolute names, links, two members with
one name (also if only case differs), encryption, members that share bytes, and bombs.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from search_spaces.refusals import DataRefusal
from trainables.photos.decoding import MAX_BYTES, Undecodable
from trainables.photos.listing import Listing, Parts, PhotoFile, is_hidden, is_photo, safe_name

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
_LOCAL_HEADER_BYTES = 30
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What zipfile raises on damaged archives and members, and on methods it does not know."""


@dataclass(frozen=True)
class Limits:
    """Above these an archive counts as a bomb.

    Attributes:
        members: files and folders.
        total_bytes: of all members, unpacked.
        ratio: unpacked / packed, judged only above `small_bytes` unpacked.
    """

    members: int = 2_000_000
    total_bytes: int = 512 * 1024**3
    ratio: float = 100.0
    small_bytes: int = 64 * 1024**2


@contextmanager
def listed_zip(path: Path, limits: Limits | None = None) -> Iterator[Listing]:
    """Open a zip and list it; its photos can be read, from any thread, until the block ends.

    Raises:
        DataRefusal: the file is no whole zip, or a member must not be trusted (see the module).
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as fault:
        raise _no_zip(path, fault) from fault
    with archive:
        members = archive.infolist()
        _refuse_bombs(members, path, limits or Limits())
        yield _listing(archive, members, path)


def _no_zip(path: Path, fault: Exception) -> DataRefusal:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(512).lstrip().lower()
    except OSError as unreadable:
        return DataRefusal(f"the file cannot be read: {unreadable.strerror}", where=str(path))
    if not size:
        what = "the zip is empty (0 bytes)"
    elif head.startswith(b"pk\x03\x04"):
        what = f"not a complete zip ({size:,} bytes): {fault}"
    elif head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        what = "a web page was saved in place of the zip"
    else:
        what = "neither a zip nor a dataset file of ours"
    return DataRefusal(what, where=str(path), fix="Download it again, or give a folder.")


def _refuse_bombs(members: list[zipfile.ZipInfo], path: Path, limits: Limits) -> None:
    unpacked = sum(member.file_size for member in members)
    packed = max(1, path.stat().st_size)
    if len(members) > limits.members:
        what = f"the zip holds {len(members):,} members, more than {limits.members:,}"
    elif unpacked > limits.total_bytes:
        what = f"the zip unpacks to {unpacked:,} bytes, more than {limits.total_bytes:,}"
    elif unpacked > limits.small_bytes and unpacked > limits.ratio * packed:
        what = f"the zip unpacks to {unpacked:,} bytes, {unpacked // packed} times its own size"
    elif (shared := _overlapping(members)) is not None:
        what = f"two members of the zip share bytes: {shared!r}"
    else:
        return
    raise DataRefusal(what, where=str(path), fix="Pack the photos again.")


def _overlapping(members: list[zipfile.ZipInfo]) -> str | None:
    for before, member in pairwise(sorted(members, key=lambda member: member.header_offset)):
        end = before.header_offset + _LOCAL_HEADER_BYTES + before.compress_size
        if member.header_offset < end:
            return member.filename
    return None


def _listing(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], path: Path) -> Listing:
    listing = Listing(where=str(path))
    files: set[Parts] = set()
    spellings: dict[str, str] = {}
    for member in members:
        # Old Windows packers write backslashes as separators.
        name = member.filename.replace("\\", "/")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        problem = _problem(member, name, parts) or _other_spelling(parts, spellings)
        if problem or parts in files:
            raise DataRefusal(
                f"a member of the zip {problem or 'occurs twice'}: {safe_name(member.filename)!r}",
                where=str(path),
                fix="Pack the photos again.",
            )
        if member.is_dir():
            listing.add_folder(parts)
            continue
        files.add(parts)
        listing.add_folder(parts[:-1])
        if is_photo(parts):
            read = partial(_read, archive, member)
            listing.photos.append(PhotoFile(parts, member.file_size, (), read))
        else:
            _refuse_nested(parts, path)
            listing.others[parts[:-1]] += 1
    listing.photos.sort(key=lambda photo: photo.parts)
    return listing


def _other_spelling(parts: Parts, spellings: dict[str, str]) -> str:
    """Why some disk would take the path for an earlier one, or an empty string.

    Args:
        spellings: of earlier paths and their folders, by what they have in common; added to.
    """
    for depth in range(1, len(parts) + 1):
        spelling = "/".join(parts[:depth])
        folded = unicodedata.normalize("NFC", spelling).casefold()
        earlier = spellings.setdefault(folded, spelling)
        if earlier != spelling:
            return f"differs only in case from {earlier!r}"
    return ""


def _problem(member: zipfile.ZipInfo, name: str, parts: Parts) -> str:
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not parts or ".." in parts:
        return "has a name that leads out of it"
    if name.startswith("/") or parts[0][1:2] == ":":
        return "has an absolute name"
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    return ""


def _refuse_nested(parts: Parts, path: Path) -> None:
    if parts[-1].casefold().endswith(_ARCHIVES) and not any(is_hidden(part) for part in parts):
        raise DataRefusal(
            f"the zip holds another archive: {'/'.join(parts)!r}",
            where=str(path),
            fix="Unpack it and give the folder, or the inner zip.",
        )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The content of a member; zipfile checks its CRC-32 and locks the file among threads."""
    if member.file_size > MAX_BYTES:
        raise Undecodable(f"the file has {member.file_size:,} bytes, more than {MAX_BYTES:,}")
    try:
        return archive.read(member)
    except OSError as fault:
        raise DataRefusal(
            f"the zip can no longer be read: {fault.strerror}", where=str(archive.filename)
        ) from fault
    except _DAMAGE as fault:
        raise Undecodable(f"damaged inside the zip: {' '.join(str(fault).split())}") from fault
