"""Downloads from a server on this machine that cuts, lies, refuses or is not there."""

from __future__ import annotations

import fcntl
import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from search_spaces.refusals import EnvironmentRefusal
from trainables.photos.download import fetch

CONTENT = np.random.default_rng(0).bytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()
FIX = "Give --weights random."


@dataclass
class Server:
    """What the server does next, and what was requested of it."""

    url: str = ""
    content: bytes = CONTENT
    etag: str = '"one"'
    status: int = 200
    cut_after: int | None = None
    cuts: int = 0
    hang_ups: int = 0
    ranges: bool = True
    requested: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, state)

        def log_message(self, *_: object) -> None:
            pass

    class QuietServer(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is part of the tests."""

    with QuietServer(("127.0.0.1", 0), Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/file.bin"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, state: Server) -> None:
    requested = handler.headers.get("Range")
    state.requested.append(requested)
    if state.hang_ups:
        state.hang_ups -= 1
        return
    start = 0
    same = handler.headers.get("If-Range", state.etag) == state.etag
    if state.status == 200 and requested and state.ranges and same:
        start = int(requested.removeprefix("bytes=").removesuffix("-"))
        if start >= len(state.content):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(state.content)}")
            handler.end_headers()
            return
        handler.send_response(206)
        end = len(state.content)
        handler.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
    else:
        handler.send_response(state.status)
    body = state.content[start:]
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("ETag", state.etag)
    handler.end_headers()
    if state.cuts and state.cut_after is not None:
        state.cuts -= 1
        body = body[: state.cut_after]
    handler.wfile.write(body)


def test_a_closed_port_is_refused_at_once_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.bin"
    began = time.monotonic()
    with pytest.raises(EnvironmentRefusal) as refused:
        fetch(url, tmp_path / "file.bin", fix=FIX)
    assert time.monotonic() - began < 5
    line = str(refused.value)
    assert "no connection" in line
    assert url in line
    assert str(tmp_path / "file.bin") in line
    assert line.endswith(FIX)
    assert not (tmp_path / "file.bin").exists()


def test_a_host_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file.bin"
        began = time.monotonic()
        with pytest.raises(EnvironmentRefusal, match=r"cut 5 times|within 0.2 seconds"):
            fetch(url, tmp_path / "file.bin", fix=FIX, connect_seconds=0.2)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_answer_other_than_the_file_is_refused(
    tmp_path: Path, server: Server, status: int
) -> None:
    server.status = status
    with pytest.raises(EnvironmentRefusal, match=f"the server answered {status}"):
        fetch(server.url, tmp_path / "file.bin", fix=FIX)
    assert not (tmp_path / "file.bin").exists()


@pytest.mark.parametrize(("sha256", "md5"), [("0" * 64, None), (None, "0" * 32)])
def test_a_file_with_the_wrong_digest_is_moved_aside(
    tmp_path: Path, server: Server, sha256: str | None, md5: str | None
) -> None:
    target = tmp_path / "file.bin"
    with pytest.raises(EnvironmentRefusal, match=r"mismatch.*moved to file\.bin\.bad"):
        fetch(server.url, target, sha256=sha256, md5=md5, fix=FIX)
    assert not target.exists()
    assert (tmp_path / "file.bin.bad").read_bytes() == CONTENT
    assert not (tmp_path / "file.bin.sha256").exists()


def test_a_connection_cut_for_ever_is_refused_and_keeps_what_came(
    tmp_path: Path, server: Server
) -> None:
    server.cut_after, server.cuts = 1000, 1000
    with pytest.raises(EnvironmentRefusal, match="cut 5 times, 5,000 bytes have come"):
        fetch(server.url, tmp_path / "file.bin", fix=FIX)
    server.cuts = 0
    assert fetch(server.url, tmp_path / "file.bin", fix=FIX).read_bytes() == CONTENT
    assert server.requested[-1] == "bytes=5000-"


def test_a_second_process_is_told_to_wait(tmp_path: Path, server: Server) -> None:
    with (tmp_path / "file.bin.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentRefusal, match="another process"):
            fetch(server.url, tmp_path / "file.bin", fix=FIX)


@pytest.mark.parametrize(("sha256", "md5"), [(None, None), (SHA256, None), (None, MD5)])
def test_a_cut_download_goes_on_where_it_stopped(
    tmp_path: Path, server: Server, sha256: str | None, md5: str | None
) -> None:
    server.cut_after, server.cuts = 1_000_000, 2
    target = fetch(server.url, tmp_path / "new/file.bin", sha256=sha256, md5=md5, fix=FIX)
    assert target.read_bytes() == CONTENT
    assert server.requested == [None, "bytes=1000000-", "bytes=2000000-"]
    left = {path.name for path in target.parent.iterdir()}
    assert left == {"file.bin", "file.bin.sha256", "file.bin.lock"}


def test_a_server_that_hangs_up_before_it_answers_is_asked_again(
    tmp_path: Path, server: Server
) -> None:
    server.hang_ups = 2
    assert fetch(server.url, tmp_path / "file.bin", fix=FIX).read_bytes() == CONTENT
    assert server.requested == [None] * 3


def test_a_file_that_changed_on_the_server_starts_again(tmp_path: Path, server: Server) -> None:
    server.cut_after, server.cuts = 1000, 1000
    with pytest.raises(EnvironmentRefusal):
        fetch(server.url, tmp_path / "file.bin", fix=FIX)
    server.cuts, server.content, server.etag = 0, CONTENT[::-1], '"two"'
    assert fetch(server.url, tmp_path / "file.bin", fix=FIX).read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_starts_again(tmp_path: Path, server: Server) -> None:
    server.cut_after, server.cuts, server.ranges = 2_000_000, 1, False
    assert fetch(server.url, tmp_path / "file.bin", fix=FIX).read_bytes() == CONTENT


@pytest.mark.parametrize("have", [CONTENT, CONTENT + b"too much"], ids=["whole", "too long"])
def test_a_part_the_server_cannot_add_to_is_finished_or_dropped(
    tmp_path: Path, server: Server, have: bytes
) -> None:
    (tmp_path / "file.bin.part").write_bytes(have)
    assert fetch(server.url, tmp_path / "file.bin", sha256=SHA256, fix=FIX).read_bytes() == CONTENT


def test_what_is_there_and_right_is_not_asked_for_again(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    fetch(server.url, tmp_path / "file.bin", sha256=SHA256.upper(), fix=FIX)
    assert server.requested == []


def test_the_first_digest_seen_is_remembered_and_a_changed_file_replaced(
    tmp_path: Path, server: Server
) -> None:
    target = fetch(server.url, tmp_path / "file.bin", fix=FIX)
    assert (tmp_path / "file.bin.sha256").read_text().strip() == SHA256
    target.write_bytes(b"rotten")
    assert fetch(server.url, target, fix=FIX).read_bytes() == CONTENT
    assert (tmp_path / "file.bin.bad").read_bytes() == b"rotten"


def test_bytes_are_told_up_to_the_total(tmp_path: Path, server: Server) -> None:
    reports: list[tuple[str, int, int | None]] = []
    fetch(server.url, tmp_path / "file.bin", fix=FIX, progress=lambda *what: reports.append(what))
    assert reports[-1] == ("downloading file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in reports] == sorted(done for _, done, _ in reports)
