"""One file over HTTP into its `.part`, going on where an earlier call or connection stopped."""

from __future__ import annotations

import http
import http.client
import os
import queue
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.ledger.files import free_megabytes, write_text
from search_spaces.refusals import EnvironmentRefusal
from trainables.progress import Progress

CONNECT_SECONDS = 8.0
"""For finding the host and getting its first answer; also the longest silence while data flows."""

_ATTEMPTS = 5
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Job:
    """A download and what its refusals say; see `downloads.fetch`. `seconds`: of silence."""

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
        return EnvironmentRefusal(what, where=f"{self.url} -> {self.target}", fix=fix or self.fix)


def download(job: Job) -> None:
    """Fill the `.part` file, going on after cut connections while they bring anything."""
    failures = 0
    while failures < _ATTEMPTS:
        before = _size(job)
        try:
            if _attempt(job):
                return
        except urllib.error.HTTPError as fault:
            with fault:
                if _is_complete(job, fault):
                    return
                if fault.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    raise job.refusal(f"the server answered {fault.code} {fault.reason}") from fault
            job.beside(".part").unlink()
        except urllib.error.URLError as fault:
            raise job.refusal(f"no connection: {fault.reason}") from fault
        except (http.client.HTTPException, ConnectionError, TimeoutError):
            pass
        failures = 0 if _size(job) - before >= _PIECE else failures + 1
    raise job.refusal(
        f"the connection was cut {_ATTEMPTS} times, {_size(job):,} bytes have come",
        f"Run again to go on from there. {job.fix}",
    )


def _attempt(job: Job) -> bool:
    """Open one connection and take what it brings; True if the file is whole."""
    with _opened(job, _request(job)) as response:
        start = _start(job, response)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        _refuse_small_disk(job, (total or 0) - start)
        write_text(job.beside(".part.etag"), _version(response))
        _take(job, response, start, total)
    return total is None or _size(job) == total


def _request(job: Job) -> urllib.request.Request:
    headers = {"User-Agent": "transfer-sweep", "Accept-Encoding": "identity"}
    etag = job.beside(".part.etag")
    version = etag.read_text() if etag.exists() else ""
    # Without a digest or a version, two halves of different files would go unnoticed.
    if _size(job) and (version or job.sha256 or job.md5):
        headers["Range"] = f"bytes={_size(job)}-"
        if version:
            headers["If-Range"] = version
    return urllib.request.Request(job.url, headers=headers)


def _opened(job: Job, request: urllib.request.Request) -> http.client.HTTPResponse:
    """Open a connection, or give up in time: no timeout of urllib's covers finding the host."""
    answers: queue.Queue[Any] = queue.Queue()

    def work() -> None:
        try:
            answers.put(urllib.request.urlopen(request, timeout=job.seconds))
        except Exception as fault:
            answers.put(fault)

    threading.Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=job.seconds)
    except queue.Empty:
        raise job.refusal(f"no connection within {job.seconds:g} seconds") from None
    if isinstance(answer, Exception):
        raise answer
    response: http.client.HTTPResponse = answer
    return response


def _start(job: Job, response: http.client.HTTPResponse) -> int:
    """Where in the file the answer starts: servers are free to ignore the range asked for."""
    have = _size(job)
    answered = response.headers.get("Content-Range", "")
    partial = response.status == http.HTTPStatus.PARTIAL_CONTENT
    return have if partial and answered.startswith(f"bytes {have}-") else 0


def _version(response: http.client.HTTPResponse) -> str:
    etag = response.headers.get("ETag", "")
    return "" if etag.startswith("W/") else etag


def _take(job: Job, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
    part = job.beside(".part")
    part.touch()
    with part.open("r+b") as file:
        file.truncate(start)
        file.seek(start)
        while piece := response.read1(_PIECE):
            file.write(piece)
            job.progress(f"downloading {job.target.name}", file.tell(), total)
        file.flush()
        os.fsync(file.fileno())


def _is_complete(job: Job, fault: urllib.error.HTTPError) -> bool:
    """True if the server has nothing to add because the part is the whole file already."""
    whole = fault.headers.get("Content-Range", "") == f"bytes */{_size(job)}"
    return whole and fault.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def _refuse_small_disk(job: Job, missing: int) -> None:
    free = free_megabytes(job.target)
    if missing // _PIECE > free:
        raise job.refusal(
            f"the download needs {missing // _PIECE} MB, {free} MB free",
            "Make room, or choose another folder with --cache-dir.",
        )


def _size(job: Job) -> int:
    part = job.beside(".part")
    return part.stat().st_size if part.exists() else 0
