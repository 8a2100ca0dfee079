"""Keeps what was typed apart from what works, so that neither signals nor kills leave anything.

    sys.exit(guarded(work))

Three processes: the one that was typed waits and passes signals on; the guardian, in a session of
its own, is the parent of the driver; the driver does the work and starts everything else. A signal
to the first one's process group reaches none of the others. Whatever ends the first or the driver,
the guardian then ends all that the driver has started, before the run's lock is free again.

On Linux orphans become the guardian's children (`PR_SET_CHILD_SUBREAPER`), and its descendants in
`/proc` are all there is. Elsewhere it ends the driver's process group, which a process may leave.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from results.ledger.places import RunPlaces
from results.ledger.remedies import MORE_FILES, resume_command
from search_spaces.refusals import EnvironmentRefusal, Refusal
from sweep.process.leftovers import NOTE, descendants, end, end_leftovers
from sweep.process.messages import DriverState, Guardian, GuardianByMessages
from sweep.process.ray_watch import SECONDS_BETWEEN_LOOKS, RayWatch, ray_died
from sweep.signals import STOP

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
_SECONDS_TO_STOP = 4.0
_SECONDS_TO_END = 10.0
_LEAST_DESCRIPTORS = 256
"""With fewer than 50 Ray dies as it starts; every trial at a time takes some more."""
NOTHING_DONE = "stopped before any work; nothing was changed"
"""Of a sweep, new or resumed, that had not taken its folder yet."""
_ENVIRONMENT = EnvironmentRefusal.exit_code
_SAID_WHY = (2, 3, _ENVIRONMENT)
"""Exit codes of a driver that has printed its line."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def guarded(work: Callable[[Guardian], int], *, patience: float = _SECONDS_TO_STOP) -> int:
    """Do the work in a process of its own; return its exit code, or 128 and a signal's number.

    The first signal lets the work stop, a second one ends at once. To be called before any thread
    is started: this process is copied.

    Args:
        work: tells its guardian when the run's folder is locked; returns an exit code.
        patience: seconds that it may take to put things away after a signal; compiled code may
            never return.
    """
    if refusal := _too_few_descriptors():
        _say(f"error: {refusal}", 2)
        return _ENVIRONMENT
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    lifeline, ours = os.pipe()
    guardian = os.fork()
    if guardian == 0:
        os.close(ours)
        os._exit(_guard(lifeline, work, patience))
    os.close(lifeline)
    seen: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if seen:
            os._exit(128 + number)  # closes the lifeline
        seen.append(number)
        with suppress(OSError):  # it is ending already
            os.write(ours, bytes([number]))

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:  # nohup
            signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    code = os.waitstatus_to_exitcode(os.waitpid(guardian, 0)[1])
    if code >= 0:
        return code
    refusal = EnvironmentRefusal(f"the guardian was ended with {code}", fix="Start it again.")
    _say(f"error: {refusal}", 2)
    return _ENVIRONMENT


def _too_few_descriptors() -> EnvironmentRefusal | None:
    """Checked here and not in the preflight: the guardian itself needs some to end what is left."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY or allowed >= _LEAST_DESCRIPTORS:
        return None
    return EnvironmentRefusal(
        f"a process must be allowed {_LEAST_DESCRIPTORS} open files, got {allowed}",
        where="ulimit -n",
        fix=MORE_FILES,
    )


def _guard(lifeline: int, work: Callable[[Guardian], int], patience: float) -> int:
    """The guardian: start the driver, see it end, end the rest; signals stay blocked."""
    os.setsid()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    driver = os.fork()
    if driver == 0:
        os.close(lifeline)
        ours.close()
        os._exit(_drive(work, GuardianByMessages(theirs)))
    theirs.close()
    state = DriverState(ours)
    end_seen = _await(driver, lifeline, state, patience)
    _end_all(driver)
    state.read()
    if state.root is not None:
        end_leftovers(state.root / NOTE)
    return _verdict(end_seen, state)


def _prctl(option: int, value: int) -> None:
    """Tell Linux how this process and its family are to be treated; other systems have no such."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _drive(work: Callable[[Guardian], int], guardian: GuardianByMessages) -> int:
    """The driver: the work's exit code; nothing is left to the interpreter's own end."""
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # not without the guardian
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        code = work(guardian)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        code = _ENVIRONMENT
    with suppress(OSError, ValueError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    guardian.say_ended()
    return code


@dataclass(frozen=True)
class _End:
    """Attributes: the driver's exit code, None if it still runs; the first signal that came, or 0;
    whether the process that was typed is gone; which of Ray's processes is, while Ray is needed."""

    code: int | None
    signal: int = 0
    abandoned: bool = False
    without: str | None = None


def _await(driver: int, lifeline: int, state: DriverState, patience: float) -> _End:
    """Wait until the driver has ended or must be ended; orphans that end are collected."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked, until, watch = 0, math.inf, RayWatch(os.getpid())
    while True:
        code = _collect(driver)
        left = until - time.monotonic()
        if code is not None or left <= 0:
            return _End(code, asked)
        state.read()
        if state.needs_ray and not asked:
            without = watch.ended()
            state.read()  # Ray may end because it is no longer needed
            if without and state.needs_ray:
                return _End(None, without=without)
            left = SECONDS_BETWEEN_LOOKS
        waited_for: list[int | socket.socket] = [lifeline, woken, state.socket]
        ready, _, _ = select.select(waited_for, [], [], None if left == math.inf else left)
        if woken in ready:
            os.read(woken, 4096)
        if lifeline in ready:
            said = os.read(lifeline, 1)
            if not said:
                return _End(None, abandoned=True)
            if not asked:
                asked, until = said[0], time.monotonic() + patience
                os.kill(driver, STOP)


def _collect(driver: int) -> int | None:
    """Collect children that have ended; the driver's exit code if it is one of them."""
    code = None
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == driver:
                code = os.waitstatus_to_exitcode(status)
    return code


def _end_all(driver: int) -> None:
    """End everything below this process, and wait until it has."""
    until = time.monotonic() + _SECONDS_TO_END
    while time.monotonic() < until:
        if Path("/proc/self/stat").is_file():
            for process in descendants(os.getpid()):
                end(process)
        else:
            with suppress(OSError):
                os.killpg(driver, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
            time.sleep(0.02)
            continue
        return


def _verdict(end_seen: _End, state: DriverState) -> int:
    """Say what the driver could not say itself; return the exit code."""
    code = end_seen.code
    if end_seen.abandoned:
        return _ENVIRONMENT  # nobody is there to see it
    if not state.ended and os.isatty(1):
        os.write(1, b"\x1b[?25h")  # the cursor, which a table may hide
    if end_seen.signal and not (state.ended and code in (0, 1)):
        _say(_stopped(state.root), 1)
        return 128 + end_seen.signal
    if end_seen.without and state.root is not None:
        return _without_ray(end_seen.without, RunPlaces(state.root))
    if code is not None and (state.ended or code in _SAID_WHY):
        return code
    refusal = EnvironmentRefusal(
        f"the process that led the sweep ended unexpectedly with {code}; out of memory?",
        where=str(RunPlaces(state.root).log) if state.root else "",
        fix=f"Go on with: {resume_command(state.root)}" if state.root else "Start it again.",
    )
    _say(f"error: {refusal}", 2)
    return _ENVIRONMENT


def _without_ray(name: str, places: RunPlaces) -> int:
    refusal = ray_died(f"its {name} has ended", places)
    _say(f"error: {refusal}", 2)
    with suppress(OSError), places.log.open("a") as log:
        log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} ERROR {refusal}\n")
    return refusal.exit_code


def _stopped(root: Path | None) -> str:
    """How far the run is, and how to go on with it."""
    if root is None or not RunPlaces(root).exists():
        return NOTHING_DONE
    from results.ledger.repeats import count_planned  # heavy, for a process that mostly waits
    from results.ledger.store import RunFolder

    done = str(len(list(RunPlaces(root).trials.glob("*/*/trial.json"))))
    with suppress(Refusal):  # a damaged file is told by whoever resumes
        folder = RunFolder(root)
        done += f" of {count_planned(folder.read_run().settings, folder.records())}"
    return f"stopped with {done} trials done and kept; go on with: {resume_command(root)}"


def _say(line: str, descriptor: int) -> None:
    with suppress(OSError):  # nobody reads any more
        os.write(descriptor, f"{line}\n".encode())
