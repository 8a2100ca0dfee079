"""Downloads one file: resumed, checked, whole or absent.

    <target>             the file, only ever under this name when it is whole and checked
    <target>.part        what has arrived so far; the next call continues from there (HTTP Range)
    <target>.part.etag   which version of the file that is
    <target>.sha256      the published digest, or the one of the first download; checked ever after
    <target>.bad         a file with the wrong digest, kept for inspection, never used

Without a network the refusal comes within seconds and says what to do instead. Proxies and
certificates are those of the environment, as `requests` reads them.
"""

from __future__ import annotations

import fcntl
import hashlib
import http
import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from results.ledger.files import disk_faults_named, file_sha256, free_megabytes, write_text
from search_spaces.refusals import EnvironmentRefusal, Unreachable
from trainables.progress import Progress, quiet

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 8.0
"""For finding the host and its first answer; also the longest silence while data flows."""

_ATTEMPTS = 5
"""Connections in a row that may be cut before a whole chunk has arrived."""

_MEGABYTE = 1024 * 1024
_CHUNK = _MEGABYTE


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
        progress: called with bytes.
        fix: what to do instead, for the refusal: "Give --weights random, or ...".

    Raises:
        Unreachable: no connection, or an answer other than the file.
        EnvironmentRefusal: the wrong digest (the file is moved aside), another process downloading
            it, or the disk.
    """
    download = _Download(url, target, sha256, md5, progress, fix, connect_seconds)
    with disk_faults_named(target):
        if download.is_done():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with download.locked():
            # Another process may have finished between the first check and the lock.
            if not download.is_done():
                download.replace_target()
    return target


@dataclass(frozen=True)
class _Download:
    """The arguments of `fetch`, and its steps."""

    url: str
    target: Path
    sha256: str | None
    md5: str | None
    progress: Progress
    fix: str
    seconds: float

    def beside(self, ending: str) -> Path:
        return self.target.with_name(self.target.name + ending)

    def refusal(self, what: str, fix: str = "") -> EnvironmentRefusal:
        return EnvironmentRefusal(what, where=self.way, fix=fix or self.fix)

    def unreachable(self, what: str, fix: str = "") -> Unreachable:
        return Unreachable(what, where=self.way, fix=fix or self.fix)

    @property
    def way(self) -> str:
        return f"{self.url} -> {self.target}"

    @property
    def received(self) -> int:
        """Bytes in the `.part` file."""
        part = self.beside(".part")
        return part.stat().st_size if part.exists() else 0

    @contextmanager
    def locked(self) -> Iterator[None]:
        with self.beside(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                raise self.refusal(
                    "another process is downloading the file", "Wait for it and run again."
                ) from fault
            yield

    def is_done(self) -> bool:
        """True if the target is there with the right digest."""
        if not self.target.exists():
            return False
        digest = file_sha256(self.target)
        if self._mismatch(self.target, digest):
            return False
        with suppress(EnvironmentRefusal):  # the cache may be read-only
            self._remember(digest)
        return True

    def replace_target(self) -> None:
        if self.target.exists():
            self.target.replace(self.beside(".bad"))
        self._fill_part()
        part = self.beside(".part")
        digest = file_sha256(part)
        mismatch = self._mismatch(part, digest)
        self.beside(".part.etag").unlink(missing_ok=True)
        if mismatch:
            part.replace(self.beside(".bad"))
            raise self.refusal(f"{mismatch}; the file was moved to {self.beside('.bad').name}")
        self._remember(digest)
        part.replace(self.target)

    def _remember(self, digest: str) -> None:
        if not self.beside(".sha256").exists():
            write_text(self.beside(".sha256"), digest + "\n")

    def _mismatch(self, path: Path, sha256: str) -> str:
        """Which digest of `path` is wrong, or an empty string."""
        remembered = self.beside(".sha256")
        expected = self.sha256 or (remembered.read_text().strip() if remembered.exists() else None)
        if expected is not None and sha256 != expected.lower():
            origin = "published" if self.sha256 else f"the one kept in {remembered.name}"
            return f"SHA-256 mismatch: got {sha256}, {origin} is {expected}"
        if self.md5 is not None:
            with path.open("rb") as file:
                # Not for security, or Python refuses it where only approved digests are allowed.
                md5 = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False))
            if md5.hexdigest() != self.md5.lower():
                return f"MD5 mismatch: got {md5.hexdigest()}, published is {self.md5}"
        return ""

    def _fill_part(self) -> None:
        """Fill the `.part` file, continuing after cut connections while they bring anything."""
        # Delayed: most runs download nothing.
        import requests
        from urllib3.exceptions import HTTPError

        failures = 0
        while failures < _ATTEMPTS:
            before = self.received
            try:
                with self._opened() as response:
                    if self._take(response):
                        return
            except (requests.RequestException, HTTPError) as fault:
                if not _is_cut(fault):
                    raise self.unreachable(f"no connection: {_reason(fault)}") from fault
            failures = 0 if self.received - before >= _CHUNK else failures + 1
        raise self.unreachable(
            f"the connection was cut {_ATTEMPTS} times, {self.received:,} bytes have come",
            f"Run again to go on from there. {self.fix}",
        )

    def _opened(self) -> requests.Response:
        """Open a connection, or give up in time: no timeout of a socket covers finding the host."""
        import requests

        answers: queue.Queue[Any] = queue.Queue()
        headers = self._headers()

        def work() -> None:
            try:
                answers.put(
                    requests.get(self.url, headers=headers, timeout=self.seconds, stream=True)
                )
            except Exception as fault:
                answers.put(fault)

        threading.Thread(target=work, daemon=True).start()
        try:
            answer = answers.get(timeout=self.seconds)
        except queue.Empty:
            raise self.unreachable(f"no connection within {self.seconds:g} seconds") from None
        if isinstance(answer, Exception):
            raise answer
        response: requests.Response = answer
        return response

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": "transfer-sweep", "Accept-Encoding": "identity"}
        etag = self.beside(".part.etag")
        version = etag.read_text() if etag.exists() else ""
        # Without a digest or a version, two halves of different files would go unnoticed.
        if self.received and (version or self.sha256 or self.md5):
            headers["Range"] = f"bytes={self.received}-"
            if version:
                headers["If-Range"] = version
        return headers

    def _take(self, response: requests.Response) -> bool:
        """Append what a connection brings to the part; True if the part is then whole."""
        content_range = response.headers.get("Content-Range", "")
        if response.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            if content_range == f"bytes */{self.received}":
                return True
            self.beside(".part").unlink()
            return False
        if not response.ok:
            raise self.unreachable(f"the server answered {response.status_code} {response.reason}")
        # Servers are free to ignore the range asked for.
        partial = response.status_code == http.HTTPStatus.PARTIAL_CONTENT
        resumed = partial and content_range.startswith(f"bytes {self.received}-")
        start = self.received if resumed else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        self._refuse_small_disk((total or 0) - start)
        etag = response.headers.get("ETag", "")
        write_text(self.beside(".part.etag"), "" if etag.startswith("W/") else etag)
        self._write(response, start, total)
        return total is None or self.received == total

    def _write(self, response: requests.Response, start: int, total: int | None) -> None:
        part = self.beside(".part")
        part.touch()
        with part.open("r+b") as file:
            file.truncate(start)
            file.seek(start)
            # Not `iter_content`, which drops the last bytes before a cut.
            while chunk := response.raw.read1(_CHUNK):
                file.write(chunk)
                self.progress(f"downloading {self.target.name}", file.tell(), total)
            file.flush()
            os.fsync(file.fileno())

    def _refuse_small_disk(self, missing: int) -> None:
        free = free_megabytes(self.target)
        if (needed := missing // _MEGABYTE) > free:
            raise self.refusal(
                f"the download needs {needed} MB, {free} MB free",
                "Make room, or choose another folder with --cache-dir.",
            )


def _is_cut(fault: Exception) -> bool:
    """True if a connection was made and then broke or fell silent, so that another may help."""
    import requests
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    causes = (fault, *fault.args[:1])  # `requests` wraps what breaks before the first answer
    kinds = (ProtocolError, ReadTimeoutError, requests.ReadTimeout)
    return any(isinstance(cause, kinds) for cause in causes)


def _reason(fault: Exception) -> str:
    """The innermost cause in one line: `requests` wraps it several times."""
    while (inner := fault.__cause__ or fault.__context__) and isinstance(inner, Exception):
        fault = inner
    return " ".join(str(fault).split()) or type(fault).__name__
