"""Serves TensorBoard next to a run, on this machine only."""

from __future__ import annotations

import logging
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOG = logging.getLogger(__name__)
_SECONDS_TO_END = 5


def command(logdir: Path) -> str:
    """What to type to open TensorBoard later."""
    return f"tensorboard --logdir {shlex.quote(str(logdir))}"


@contextmanager
def served(logdir: Path, *, wanted: bool) -> Iterator[str | None]:
    """Serve TensorBoard for the time of the block; yields its address, or None if not wanted."""
    if not wanted:
        yield None
        return
    logdir.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    options = ["--logdir", str(logdir), "--host", "localhost", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://localhost:{port}"
    finally:
        if process.poll() is not None:
            _LOG.warning("TensorBoard ended by itself with code %s", process.returncode)
        process.terminate()
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])
