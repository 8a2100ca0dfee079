"""One pass over the photos that several processes compute together, batch by batch.

The process that fills the store announces its pass in a progress file and takes batches; processes
that wait for it read there what belongs where, and take batches too. The file, whole or absent:

    one line of JSON        the `Pass`
    one slot per batch      the CRC-32 of its rows in each file, then 1 once all these are written

Whoever computes a batch holds a POSIX lock on one byte, the batch's number. The system releases it
when the process dies, so a batch that is neither locked nor done is anyone's to take. A batch that
is done is never written again: once all are, no process writes, and the files get their names.

The system drops a process' POSIX locks on a file when that process closes *any* descriptor of it,
so a participant opens the progress file once. `flock` must not be used on it: on some systems the
two kinds exclude each other.

Knows no Keras: the rows come from a function that is passed in.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from results.ledger.files import write_bytes
from trainables.features.file import FeatureKey, Rows, Writing

Compute = Callable[[slice], Sequence[Rows]]
"""Gives the outputs of all asked layers for some photos, each [n, ...] float32."""


@dataclass(frozen=True)
class Work:
    """What computes a pass, and what others must have alike: `sources`, `threads` as in `Pass`."""

    compute: Compute
    sources: tuple[int, ...] = ()
    threads: int = 0


@dataclass(frozen=True)
class Done:
    """What one process did about a pass, its own or another's.

    Attributes:
        rows_computed: by this process.
        seconds_waiting: with nothing to do, for other processes.
        bytes_stored: of its own pass, whoever computed them.
    """

    rows_computed: int = 0
    seconds_waiting: float = 0.0
    bytes_stored: int = 0


@dataclass(frozen=True)
class Pass:
    """What is computed into which files, and from what.

    Attributes:
        rows: how many photos.
        batch: photos of every batch but the last.
        sources: nodes whose stored rows are read: from others the last bits may be others.
        threads: that compute one operation, for the same reason.
        keys: of the files.
        parts: the files' temporary names, beside the progress file.
        offsets: of the first row in each file, in bytes.
    """

    rows: int
    batch: int
    sources: tuple[int, ...]
    threads: int
    keys: tuple[FeatureKey, ...]
    parts: tuple[str, ...]
    offsets: tuple[int, ...]

    @property
    def batches(self) -> int:
        return -(-self.rows // self.batch)

    @cached_property
    def line(self) -> bytes:
        return json.dumps({**asdict(self), "keys": [key.text for key in self.keys]}).encode()

    @property
    def slot(self) -> np.dtype[Any]:
        return np.dtype([("sums", "<u4", (len(self.keys),)), ("done", "u1")])

    @classmethod
    def read(cls, line: bytes) -> Pass:
        """The pass that has this `line`."""
        told = json.loads(line)
        lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
        lists["keys"] = tuple(FeatureKey.read(text) for text in told["keys"])
        return cls(**{**told, **lists})

    def window(self, number: int) -> slice:
        return slice(number * self.batch, min((number + 1) * self.batch, self.rows))

    def missing(self, progress: IO[bytes]) -> list[int]:
        """Numbers of the batches that are not done."""
        return [int(one) for one in np.flatnonzero(self.slots(progress)["done"] == 0)]

    def slots(self, progress: IO[bytes]) -> NDArray[Any]:
        size, place = self.batches * self.slot.itemsize, len(self.line) + 1
        return np.frombuffer(os.pread(progress.fileno(), size, place), self.slot)


class Share:
    """What one process does of a pass.

    Attributes:
        rows_computed: by this process.
        seconds_waiting: for other processes to end their batches.
    """

    def __init__(
        self, whole: Pass, progress: IO[bytes], files: Sequence[Writing], compute: Compute
    ) -> None:
        self.rows_computed = 0
        self.seconds_waiting = 0.0
        self._whole = whole
        self._progress = progress
        self._files = files
        self._compute = compute

    def take(self) -> bool:
        """Compute a batch that nobody else computes; False if there is none."""
        for number in self._whole.missing(self._progress):
            with self._claimed(number) as claimed:
                # Another process may have ended it since the list was made.
                if claimed and number in self._whole.missing(self._progress):
                    self._fill(number)
                    return True
        return False

    def finish(self) -> NDArray[np.uint32]:
        """Compute what is left, and wait for what others compute: [files, batches] CRC-32 sums.

        Batches of processes that died are computed here.
        """
        while missing := self._whole.missing(self._progress):
            if not self.take():
                started = time.perf_counter()
                with self._claimed(missing[0], wait=True):
                    self.seconds_waiting += time.perf_counter() - started
        return np.ascontiguousarray(self._whole.slots(self._progress)["sums"].T)

    def is_announced_at(self, path: Path) -> bool:
        """Whether the progress file is still this pass': its owner, or the next one, removes it."""
        return os.path.samestat(path.stat(), os.fstat(self._progress.fileno()))

    @contextmanager
    def _claimed(self, number: int, *, wait: bool = False) -> Iterator[bool]:
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.lockf(self._progress, how, 1, number)
        except (BlockingIOError, PermissionError):  # one or the other, by the system
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._progress, fcntl.LOCK_UN, 1, number)

    def _fill(self, number: int) -> None:
        whole = self._whole
        window, slot = whole.window(number), whole.slot
        written = zip(self._files, self._compute(window), strict=True)
        sums = [file.write(window, values) for file, values in written]
        # The flag is the slot's last byte: a process that is killed meanwhile leaves it at 0.
        content = np.array((sums, 1), slot).tobytes()
        place = len(whole.line) + 1 + number * slot.itemsize
        os.pwrite(self._progress.fileno(), content, place)
        self.rows_computed += window.stop - window.start


@contextmanager
def announced(
    path: Path, files: Sequence[Writing], rows: int, batch: int, work: Work
) -> Iterator[Share]:
    """Invite other processes to a pass, as long as this lasts; whatever is at `path` is replaced.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    whole = Pass(
        rows=rows,
        batch=batch,
        sources=work.sources,
        threads=work.threads,
        keys=tuple(file.key for file in files),
        parts=tuple(file.path.name for file in files),
        offsets=tuple(file.offset for file in files),
    )
    write_bytes(path, whole.line + b"\n" + bytes(whole.batches * whole.slot.itemsize))
    with path.open("r+b", buffering=0) as progress:
        try:
            yield Share(whole, progress, files, work.compute)
        finally:
            path.unlink(missing_ok=True)
