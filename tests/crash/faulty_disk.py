"""A disk that fails at the Nth thing that a process asks of it: to open, write, flush or rename.

Works below Python's own functions; the product knows nothing of it. What HDF5 and SQLite write by
themselves is not counted.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.crash.driver import replaced

KILL, FULL, BROKEN = "kill", "ENOSPC", "EIO"
KINDS = (KILL, FULL, BROKEN)
_OPEN = os.open
_CALLS = ("replace", "rename", "fsync", "pwrite", "posix_fallocate")
_NUMBERS = {FULL: errno.ENOSPC, BROKEN: errno.EIO}


@dataclass
class FaultyDisk:
    """Attributes:
    below: only files below this folder count.
    fails_at: the event that fails, from 1; 0 for none.
    kind: how.
    events: how many there were.
    told: a file for what it was that failed.
    """

    below: str
    fails_at: int = 0
    kind: str = KILL
    events: int = 0
    told: Path | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Put it below this process, for the block."""
        os_open, io_open = os.open, io.open

        def opened(path: Any, flags: int, *rest: Any, **named: Any) -> int:
            if flags & os.O_CREAT and self._counts(path):
                self._event(f"create {path}")
            return os_open(path, flags, *rest, **named)

        def io_opened(path: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            writes = any(letter in mode for letter in "wax+") and self._counts(path)
            if writes:
                self._event(f"open {path}")
            file = io_open(path, mode, *rest, **named)
            return self._watched(file, str(path)) if writes else file

        with replaced(
            (os, "open", opened),
            *((module, "open", io_opened) for module in (io, builtins)),
            *((os, name, self._before(name, getattr(os, name))) for name in _CALLS),
        ):
            yield

    def _before(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(first: Any, *rest: Any, **named: Any) -> Any:
            place = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else first
            if self._counts(place):
                self._event(f"{name} {place}")
            return function(first, *rest, **named)

        return called

    def _watched(self, file: Any, name: str) -> Any:
        """A file whose writes count; the one that fails is half done."""
        write = file.write

        def written(content: Any) -> int:
            self._event(
                f"write {name}", lambda: (write(content[: len(content) // 2]), file.flush())
            )
            return int(write(content))

        try:
            file.write = written
        except AttributeError:  # a C type: its subclass in Python takes attributes
            return _Relay(file, written)
        return file

    def _counts(self, place: Any) -> bool:
        return str(place).startswith(self.below)

    def _event(self, what: str, half: Callable[[], Any] = lambda: None) -> None:
        self.events += 1
        if self.events != self.fails_at:
            return
        if self.told is not None:
            handle = _OPEN(self.told, os.O_WRONLY | os.O_CREAT)
            os.write(handle, what.encode())
            os.close(handle)
        half()
        if self.kind == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        number = _NUMBERS[self.kind]
        raise OSError(number, os.strerror(number))


class _Relay:
    """A file, but for its `write`."""

    def __init__(self, file: Any, write: Callable[[Any], int]) -> None:
        self._file = file
        self.write = write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Any:
        return iter(self._file)
