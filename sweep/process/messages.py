"""What a driver tells its guardian (`sweep.process.guardian`), by a socket between the two."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ENDED, _RAY_BEGINS, _RAY_ENDS = b"\0end", b"\0ray", b"\0no ray"
"""What the driver tells beside the path of the run's folder, in which there is no NUL."""


class Guardian:
    """The guardian as its driver knows it.

    This one is nobody, for those who end themselves what they have started.
    """

    def hold(self, root: Path, lock: int) -> None:
        """Tell it the run's folder, and the descriptor of its lock, which it then holds too."""

    @contextmanager
    def watching_ray(self) -> Iterator[None]:
        """Have it watch Ray's own processes in the block, and end the sweep if one of them dies."""
        yield


UNGUARDED = Guardian()


class GuardianByMessages(Guardian):
    """The guardian at the other end of a socket."""

    def __init__(self, guardian: socket.socket) -> None:
        self._guardian = guardian

    def hold(self, root: Path, lock: int) -> None:
        socket.send_fds(self._guardian, [os.fsencode(root)], [lock])

    @contextmanager
    def watching_ray(self) -> Iterator[None]:
        self._guardian.send(_RAY_BEGINS)
        try:
            yield
        finally:
            self._guardian.send(_RAY_ENDS)

    def say_ended(self) -> None:
        """The work came to its end."""
        self._guardian.send(_ENDED)


class DriverState:
    """What the driver has told of itself so far.

    Attributes:
        socket: where it tells.
        root: the run's folder, once it is locked.
        needs_ray: whether it goes on only while Ray's processes do.
        ended: whether the work came to its end.
    """

    def __init__(self, driver: socket.socket) -> None:
        driver.setblocking(False)
        self.socket = driver
        self.root: Path | None = None
        self.needs_ray = self.ended = False

    def read(self) -> None:
        """Read what was sent; a lock that came with it is held until this process ends."""
        with suppress(BlockingIOError):
            while True:
                message, _, _, _ = socket.recv_fds(self.socket, 65536, 1)
                if message in (_RAY_BEGINS, _RAY_ENDS):
                    self.needs_ray = message == _RAY_BEGINS
                elif message == _ENDED:
                    self.ended = True
                else:
                    self.root = Path(os.fsdecode(message))
