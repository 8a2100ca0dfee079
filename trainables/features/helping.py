"""What a process does while another computes features that it wants too: it takes batches as well.

It leaves the other's pass as it found it, whatever goes wrong here: see `shared_pass`.
"""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from trainables.features.file import reopened
from trainables.features.shared_pass import Compute, Done, Pass, Share

_LOG = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 0.05

_WORTH_JOINING = 8
"""Batches left, at least. A helper first traces its layers, which takes as long as some batches do;
for fewer it would still be tracing, and late for its own trial, when the others are done."""

Join = Callable[[Pass], Compute | None]
"""Gives what computes another process' pass to the same bits, or None where this one cannot."""


def helping_until_locked(lock: IO[str], path: Path, join: Join) -> Done:
    """Get a lock; as long as another process has it, help with what is announced at `path`."""
    seconds = 0.0
    with Helper(path, join) as helper:
        while not _is_locked_now(lock):
            if not helper.help():
                started = time.perf_counter()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                seconds += time.perf_counter() - started
    return Done(helper.rows_computed, seconds)


def _is_locked_now(lock: IO[str]) -> bool:
    """Whether this process has the lock, after trying to get it."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


class Helper:
    """Takes batches of the passes that are announced at a path, one pass after another.

    Attributes:
        rows_computed: so far, of all passes.
    """

    def __init__(self, path: Path, join: Join) -> None:
        self.rows_computed = 0
        self._path = path
        self._join = join
        self._share: Share | None = None
        self._opened = ExitStack()
        self._judged = b""

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def help(self) -> bool:
        """Compute one batch of another process' pass; False if there is none to take.

        An error ends this process' part in the pass and no more: the batch stays undone, and who
        announced the pass meets the error as well, unless it was only this process' own.
        """
        try:
            self._share = self._share or self._joined()
            if self._share and self._share.is_announced_at(self._path) and self._share.take():
                return True
        except FileNotFoundError:  # nothing is announced, or no longer
            pass
        except Exception as fault:
            _LOG.warning("cannot help to compute features: %s: %s", type(fault).__name__, fault)
        self._leave()
        return False

    def _joined(self) -> Share | None:
        """A share in the pass, unless it was judged before, or would be too small, or not alike."""
        progress = self._opened.enter_context(self._path.open("r+b", buffering=0))
        line = progress.read().partition(b"\n")[0]
        if line == self._judged:
            return None
        self._judged = line
        whole = Pass.read(line)
        if len(whole.missing(progress)) < _WORTH_JOINING:
            return None
        if (compute := self._join(whole)) is None:
            return None
        files = [
            self._opened.enter_context(reopened(self._path.with_name(part), key, offset))
            for part, key, offset in zip(whole.parts, whole.keys, whole.offsets, strict=True)
        ]
        return Share(whole, progress, files, compute)

    def _leave(self) -> None:
        if self._share is not None:
            self.rows_computed += self._share.rows_computed
        self._share = None
        self._opened.close()
