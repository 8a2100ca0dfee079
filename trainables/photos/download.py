"""Downloads one file: resumed, checked, whole or absent.

    <target>             the file, only ever under this name when it is whole and checked
    <target>.part        what has come so far; the next call goes on from there (HTTP Range)
    <target>.part.etag   which version of the file that is
    <target>.sha256      the digest: the published one, or the one seen first, checked ever after
    <target>.bad         a file with the wrong digest, kept to be looked at, never used

Without a network the refusal comes within seconds and says what to do instead.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from results.ledger.files import disk_faults_named, file_sha256, write_text
from search_spaces.refusals import EnvironmentRefusal
from trainables.photos.transfers import CONNECT_SECONDS, Job, download
from trainables.progress import Progress, quiet


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    md5: str | None = None,
    progress: Progress = quiet,
    fix: str,
    connect_seconds: float = CONNECT_SECONDS,
) -> Path:
    """Return `target`, downloaded from `url` if it is not there yet.

    Args:
        sha256, md5: published digests, hexadecimal; without any, the first download is trusted.
        progress: told of bytes.
        fix: what to do instead, for the refusal: "Give --weights random, or ...".

    Raises:
        EnvironmentRefusal: no connection, an answer other than the file, the wrong digest (the file
            is moved aside), another process downloading it, or the disk.
    """
    job = Job(url, target, sha256, md5, progress, fix, connect_seconds)
    with disk_faults_named(target):
        if _is_good(job):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(job):
            # Another process may have finished while this one waited for nothing but the lock.
            if not _is_good(job):
                _replace_target(job)
    return target


def _is_good(job: Job) -> bool:
    if not job.target.exists():
        return False
    digest = file_sha256(job.target)
    if _problem(job, job.target, digest):
        return False
    with suppress(EnvironmentRefusal):  # a cache that may only be read is as good
        _remember(job, digest)
    return True


def _replace_target(job: Job) -> None:
    if job.target.exists():
        job.target.replace(job.beside(".bad"))
    download(job)
    part = job.beside(".part")
    digest = file_sha256(part)
    problem = _problem(job, part, digest)
    job.beside(".part.etag").unlink(missing_ok=True)
    if problem:
        part.replace(job.beside(".bad"))
        raise job.refusal(f"{problem}; the file was moved to {job.beside('.bad').name}")
    _remember(job, digest)
    part.replace(job.target)


def _problem(job: Job, path: Path, digest: str) -> str:
    """What is wrong with the content of `path`, or an empty string."""
    remembered = job.beside(".sha256")
    expected = job.sha256 or (remembered.read_text().strip() if remembered.exists() else None)
    if expected is not None and digest != expected.lower():
        known = "published" if job.sha256 else f"the one kept in {remembered.name}"
        return f"SHA-256 mismatch: got {digest}, {known} is {expected}"
    if job.md5 is not None:
        with path.open("rb") as file:
            got = hashlib.file_digest(file, _md5).hexdigest()
        if got != job.md5.lower():
            return f"MD5 mismatch: got {got}, published is {job.md5}"
    return ""


def _md5() -> Any:
    return hashlib.md5(usedforsecurity=False)


def _remember(job: Job, digest: str) -> None:
    if not job.beside(".sha256").exists():
        write_text(job.beside(".sha256"), digest + "\n")


@contextmanager
def _alone(job: Job) -> Iterator[None]:
    with job.beside(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise job.refusal(
                "another process is downloading the file", "Wait for it and run again."
            ) from fault
        yield
