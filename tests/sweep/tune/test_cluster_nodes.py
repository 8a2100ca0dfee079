"""A real Ray cluster whose nodes share nothing: one dies, one joins, the run is one machine's."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from results.ledger.verify import verify
from sweep.process.leftovers import descendants, end
from tests.sweeps import (
    finish,
    outcomes,
    photo_folder,
    record_times,
    small,
    start,
    sweep,
    when,
    with_table_1,
)

pytestmark = pytest.mark.slow

RAY = Path(sys.executable).with_name("ray")
TRIALS = ("--trials", "5")
OBJECT_STORE = 100 * 2**20  # bytes
PATIENCE_SECONDS = 60


def without(hidden: Path | None) -> list[str]:
    """A prefix of a command that does not see a folder, as on another machine, where Linux can."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    script = f'mount -t tmpfs none "{hidden}" && exec "$0" "$@"'
    if hidden is None or not shutil.which("unshare"):
        return []
    possible = subprocess.run([*command, script, "true"], capture_output=True, check=False)
    return [*command, script] if possible.returncode == 0 else []


class Node:
    """A `ray start` with all that it has started, and a cache folder of its own.

    Args:
        hidden: the folder of the driver's machine, which this node shall not see.
    """

    def __init__(self, root: Path, hidden: Path | None, *words: str, cpus: int) -> None:
        self.cache = root / "cache"
        root.mkdir()
        self._log = (root / "log.txt").open("w")
        self._process = subprocess.Popen(
            [
                *without(hidden),
                *(str(RAY), "start", "--block", "--disable-usage-stats", *words),
                *("--num-cpus", str(cpus), "--object-store-memory", str(OBJECT_STORE)),
                *("--include-log-monitor", "false"),
            ],
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "TRANSFER_SWEEP_CACHE_DIR": str(self.cache)},
            start_new_session=True,
        )
        until = time.monotonic() + PATIENCE_SECONDS
        while "Ray runtime started" not in (root / "log.txt").read_text():
            assert self._process.poll() is None, (root / "log.txt").read_text()
            assert time.monotonic() < until, "it does not start"
            time.sleep(0.1)

    def kill(self) -> None:
        """As if its power had failed."""
        if self._process.returncode is not None:
            return
        started = descendants(self._process.pid)
        self._process.kill()
        for process in started:
            end(process)
        self._process.wait()
        self._log.close()

    def features(self) -> list[Path]:
        return sorted((self.cache / "features").glob("*.h5"))


class Cluster:
    """A head that trains nothing, and nodes of one processor each."""

    def __init__(self, root: Path, drivers: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._root, self._drivers = root, drivers
        self.nodes: list[Node] = []
        port = self.address.partition(":")[2]
        where = ("--node-ip-address", "127.0.0.1", "--port", port)
        self._start(None, "--head", "--include-dashboard", "false", *where, cpus=0)

    def join(self) -> Node:
        return self._start(self._drivers, "--address", self.address, cpus=1)

    def _start(self, hidden: Path | None, *words: str, cpus: int) -> Node:
        folder = self._root / f"node{len(self.nodes)}"
        node = Node(folder, hidden, "--temp-dir", str(folder / "ray"), *words, cpus=cpus)
        self.nodes.append(node)
        return node


@contextmanager
def cluster(root: Path, drivers: Path) -> Iterator[Cluster]:
    started = Cluster(root, drivers)
    try:
        yield started
    finally:
        for node in started.nodes:
            node.kill()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Below which the names of Ray's sockets are short enough."""
    with tempfile.TemporaryDirectory(prefix="n", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def tables(run: Path) -> list[str]:
    """Those without times."""
    folder = RunFolder(run).report / "tables"
    return [(folder / f"{name}.csv").read_text() for name in ("methods", "pairs", "scaling")]


def boards(run: Path) -> list[Path]:
    """The folder of every file of TensorBoard."""
    return sorted(path.parent.relative_to(run) for path in run.glob("tensorboard/**/events*"))


def test_a_sweep_that_loses_a_node_and_gains_one_is_one_machines_sweep(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, table_1: Path
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    photos, cache = photo_folder(tmp_path / "photos"), with_table_1(tmp_path / "cache", table_1)
    run = tmp_path / "run"
    with cluster(short_folder, tmp_path) as nodes:
        lost, kept = nodes.join(), nodes.join()
        process = start(*small(photos, cache, run), *TRIALS, "--address", nodes.address)
        when(process, lambda: len(record_times(run)) >= 1, signal.SIGCONT)
        joined = nodes.join()
        before = len(record_times(run))
        lost.kill()
        code, out, err = finish(process)
    assert (code, err) == (0, ""), out
    assert before < 9, "hardly anything was left to train"
    for node in (kept, joined):
        assert node.features(), "it was not used"
        assert list((node.cache / "fetched").glob("*/*.h5")), "it had no photos of its own"
    assert not (cache / "features").exists(), "the driver computed features"

    alone = tmp_path / "alone"
    code, _, err = sweep(*small(photos, cache, alone), *TRIALS)
    assert (code, err) == (0, "")
    assert outcomes(run) == outcomes(alone)
    assert tables(run) == tables(alone)
    assert verify(RunFolder(run)).faults == ()
    assert boards(run) == boards(alone)
