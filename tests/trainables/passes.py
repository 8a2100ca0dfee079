"""Processes that take part in one pass, with functions of numbers instead of networks.

Each notes what it computes in a common file, and can be made to wait, to fail or to die there.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from trainables.features.shared_pass import Compute, Done, Pass, Work
from trainables.features.store import FeatureKey, FeatureStore

ROOT = Path(__file__).resolve().parents[2]
BATCH, BATCHES = 4, 20
ROWS = BATCH * BATCHES - 1
KEYS = tuple(
    FeatureKey(
        photos="p" * 64,
        backbone="VGG16",
        weights="w" * 64,
        scaling="caffe",
        node=node,
        layer="Conv2D",
        shape=(50, node),
        dtype=dtype,
        numerics="keras 3",
    )
    for node, dtype in ((3, "float32"), (5, "float16"))
)
VALUES = [np.random.default_rng(3).random((ROWS, *key.shape), np.float32) for key in KEYS]
OWNER, HELPER = "owner", "helper"
GROUP = "group"

Before = Callable[[int], object]
"""Called before each batch of a process with the number of those that it has computed."""


def computing(folder: Path, name: str, before: Before = int) -> Compute:
    """Computes rows, and notes whose they are."""
    count = 0

    def compute(window: slice) -> Sequence[NDArray[Any]]:
        nonlocal count
        before(count)
        count += 1
        with (folder / "computed").open("a") as file:
            file.write(f"{name} {window.start}\n")
        return [values[window] for values in VALUES]

    return compute


def computed(folder: Path, name: str = "") -> list[int]:
    """First rows of the batches that processes whose names begin so have computed."""
    path = folder / "computed"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [int(row) for who, row in lines if who.startswith(name)]


def names(folder: Path) -> list[str]:
    """Helpers that have computed a batch."""
    return [name for name in (f"{HELPER}{number}" for number in range(9)) if computed(folder, name)]


def store(folder: Path) -> FeatureStore:
    return FeatureStore(folder / "features", 10**9)


def contents(folder: Path) -> dict[str, dict[str, Any]]:
    """Rows and attributes of every feature file; HDF5 notes the time beside them."""
    found = {}
    for path in store(folder).folder.glob("*.h5"):
        with h5py.File(path, "r") as file:
            dataset = file["features"]
            found[path.name] = {**dataset.attrs, "rows": dataset[:].tobytes()}
    return found


def progress(folder: Path) -> list[Path]:
    """The progress files of passes."""
    return list((folder / "features").glob(".part-pass-*"))


def take_part(folder: Path, compute: Compute, *, joins: bool = True) -> tuple[Done, Done]:
    """Wait and help, then fill what is still missing, as a trial does."""

    def join(_: Pass) -> Compute | None:
        (folder / "asked").touch()
        return compute if joins else None

    shared, filled = store(folder), Done()
    with shared.filling(GROUP, join) as helped:
        if not all(shared.has(key) for key in KEYS):
            filled = shared.fill(GROUP, KEYS, ROWS, lambda _: Work(compute), batch=BATCH)
    return helped, filled


def started(folder: Path, name: str, before: str = "int", **words: object) -> Popen[str]:
    """Start a process that takes part; `before` is Python in the names of this module."""
    code = (
        "import pathlib, sys\n"
        "from tests.trainables.passes import *\n"
        "folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        f"take_part(folder, computing(folder, name, {before}), **{words})\n"
    )
    command = [sys.executable, "-c", code, str(folder), name]
    return Popen(command, cwd=ROOT, stderr=PIPE, text=True)


def said(process: Popen[str]) -> str:
    """Wait for a process' end: what it wrote to its standard error."""
    return process.communicate(timeout=60)[1]


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait for a condition; give up loudly."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.002)


def at(number: int, *actions: Callable[[], object]) -> Before:
    """Does something before one batch."""

    def before(count: int) -> None:
        for action in actions if count == number else ():
            action()

    return before


def helped_by(folder: Path, helpers: int) -> Callable[[], None]:
    """Waits until so many helpers have computed a batch."""
    return lambda: until(lambda: len(names(folder)) == helpers)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    time.sleep(600)


def fail() -> None:
    raise MemoryError("no room for this")
