"""A training process of its own, kept for trial after trial and replaced when it has grown.

TensorFlow is imported once and networks are built once per process. But whatever is dropped, a
process that builds network after network keeps some 100 MB of native memory of each, so that only
its end gives them back. Ray's own worker stays small, and outlives it.

The process has a folder of its own for temporary files, since TensorFlow leaves behind a file of
generated code for every function that it traces; the folder goes when the process does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from results.ledger.records import EpochRecord, TrialRecord
from search_spaces.refusals import Refusal
from sweep.process.activity import Activity
from sweep.process.context import RunContext
from sweep.process.environment import module_of_ours, path_to_our_code, with_onednn
from sweep.process.patience import LEAST_SECONDS, Patience
from sweep.schedule.assignment import Assignment

_SECONDS_TO_END = 10


class TrainerDied(RuntimeError):
    """The training process ended in the middle of a trial, or was ended since it hung."""


class MemoryLacking(TrainerDied):
    """The trial needs more memory than there is."""


@dataclass(frozen=True)
class OutOfMemory:
    """What the training process says of a trial that it has no memory for."""

    error: str


@dataclass(frozen=True)
class TrialFinished:
    """A trial has its record; how many bytes of memory its process holds now."""

    record: TrialRecord
    resident_bytes: int


class Trainer:
    """The parent's end of a training process; see `sweep.process.worker.serve` for the other.

    Args:
        least_silence: seconds; see `sweep.process.patience`.
    """

    def __init__(self, context: RunContext, *, least_silence: float = LEAST_SECONDS) -> None:
        self._patience = Patience(least_silence)
        self._most_bytes = context.machine.trainer_bytes
        self._resident_bytes = 0
        self._temporary = tempfile.TemporaryDirectory(
            prefix="sweep-trainer-", dir=context.temporary, ignore_cleanup_errors=True
        )
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                module_of_ours("sweep.process.worker", str(theirs.fileno()), self._temporary.name),
                pass_fds=[theirs.fileno()],
                cwd=self._temporary.name,
                env={
                    **with_onednn(context.onednn),
                    **path_to_our_code(),
                    "TMPDIR": self._temporary.name,
                },
            )
        self._connection = Connection(ours.detach())
        self._connection.send(context)

    @property
    def is_too_large(self) -> bool:
        """Whether the process holds more memory than a trial's share of the machine."""
        return self._resident_bytes > self._most_bytes

    def train(
        self,
        assignment: Assignment,
        report: Callable[[EpochRecord], None],
        show: Callable[[Activity], None] = lambda _: None,
    ) -> TrialRecord:
        """Train one trial; returns when its record is in the ledger.

        Args:
            report: called with every epoch.
            show: called with what the process is doing, about once a second.

        Raises:
            Refusal: a reason that concerns every trial; nothing was recorded.
            MemoryLacking: there is not enough memory.
            TrainerDied: the process ended first, or hung and was ended.
        """
        killed_before = kills_for_memory()
        self._patience.start()
        try:
            self._connection.send(assignment)
            while True:
                message = self._receive()
                if isinstance(message, EpochRecord):
                    report(message)
                elif isinstance(message, Activity):
                    show(message)
                elif isinstance(message, Refusal):
                    raise message
                elif isinstance(message, OutOfMemory):
                    raise MemoryLacking(f"out of memory: {message.error}")
                elif isinstance(message, TrialFinished):
                    self._resident_bytes = message.resident_bytes
                    return message.record
        except (EOFError, ConnectionError) as fault:
            code = self.close()
            if code == -signal.SIGKILL and kills_for_memory() > killed_before:
                raise MemoryLacking("out of memory: the system killed the process") from fault
            raise TrainerDied(f"the training process ended with {code}; out of memory?") from fault

    def _receive(self) -> object:
        """What the process sends next.

        Raises:
            TrainerDied: it hung, and was ended.
        """
        while not self._connection.poll(max(0.0, self._patience.seconds_left)):
            if self._patience.seconds_left <= 0:
                self.kill()
                raise TrainerDied(self._patience.verdict)
        message = self._connection.recv()
        self._patience.heard(message)
        return message

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self.close()

    def close(self) -> int:
        """End the process, which is idle or dead; return its exit code."""
        self._connection.close()
        with self._temporary:
            try:
                return self._process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._process.kill()
                return self._process.wait()


def is_out_of_memory(fault: BaseException) -> bool:
    """Whether a fault of Python, NumPy, TensorFlow or XLA says that memory is lacking."""
    kinds = {kind.__name__ for kind in type(fault).__mro__}
    return bool(kinds & {"MemoryError", "ResourceExhaustedError"}) or "RESOURCE_EXHAUSTED" in str(
        fault
    )


def kills_for_memory(vmstat: Path = Path("/proc/vmstat")) -> int:
    """How many processes Linux has killed for want of memory since boot; 0 where it is not said."""
    if not vmstat.is_file():
        return 0
    counts = dict(line.split() for line in vmstat.read_text().splitlines())
    return int(counts.get("oom_kill", 0))


def resident_bytes() -> int:
    """Memory that this process holds, what it only maps from files not counted; 0 if unknown."""
    statm = Path("/proc/self/statm")
    if not statm.is_file():
        return 0
    _, resident, shared, *_ = (int(pages) for pages in statm.read_text().split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
