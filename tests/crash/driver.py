"""The command `run_sweep.py` in a forked process, its libraries loaded once, so that a start costs
milliseconds.

All is the product's own, from the command line to the ledger, but for two things: trials are run by
`tests.crash.runner` in place of Ray, and the command ends where the report would begin.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import importlib.metadata
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from tests.crash.runner import Local

_PRELOADED = (
    *("run_sweep", "sweep.stages", "sweep.schedule.suggest", "results.scores.summary"),
    *("results.report.terminal", "results.report.write", "rich._emoji_codes"),
    *("trainables.networks.weight_files", "trainables.networks.devices"),
    *("trainables.photos.named", "trainables.photos.splits"),
)

BUG = 70
"""Exit code of a process whose own code failed: neither a result nor a refusal."""


class _Trained(BaseException):
    """All trials have a record; what follows is not for this harness."""


@dataclass(frozen=True)
class Process:
    """A forked command.

    Attributes:
        pid: also of its process group.
        told: the file that its stderr goes to.
    """

    pid: int
    told: Path

    def kill(self, *, group: bool = True) -> None:
        """SIGKILL, to its trainers as well or to the driver alone."""
        (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """The exit code; minus the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def is_over(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def stderr(self) -> str:
        return self.told.read_text(errors="replace")


def preload() -> None:
    """Load in this process all that a forked one would."""
    for module in _PRELOADED:
        importlib.import_module(module)
    importlib.metadata.version = functools.cache(importlib.metadata.version)


def inside(
    words: list[str],
    local: Local,
    *,
    out: io.StringIO | None = None,
    run: Callable[[list[str], Local], int] | None = None,
) -> tuple[int, str]:
    """Run the command in this process, which it leaves as it was; exit code and stderr.

    Half of what a fork costs are the pages of its memory that it comes to own.

    Args:
        out: takes what it prints.
        run: `command`, unless another is given.
    """
    root, environment, told = logging.getLogger(), dict(os.environ), io.StringIO()
    handlers, level = list(root.handlers), root.level
    try:
        with (
            contextlib.redirect_stdout(io.StringIO() if out is None else out),
            contextlib.redirect_stderr(told),
        ):
            code = (run or command)(words, local)
    finally:
        for handler in set(root.handlers) - set(handlers):
            with contextlib.suppress(OSError):
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
        os.environ.clear()
        os.environ.update(environment)
    return code, told.getvalue()


def share_memory() -> None:
    """Keep what is loaded by now shared with forked processes."""
    gc.collect()
    gc.freeze()


def forked(function: Callable[[], int], told: Path) -> Process:
    """Call a function in a process of its own, a group's first, its stderr in a file."""
    told.unlink(missing_ok=True)
    told.touch()
    pid = os.fork()
    if not pid:
        _child(function, told)
    os.setpgid(pid, pid)  # here as well: a kill may come before the child does it
    return Process(pid, told)


def _child(function: Callable[[], int], told: Path) -> NoReturn:
    code = BUG
    gc.disable()  # it would touch, and so copy, what is shared
    try:
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 (a descriptor)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
        code = function()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else BUG
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):  # a limit on the size of files holds for it as well
            sys.stderr.flush()
        os._exit(code)


def start(words: list[str], local: Local, told: Path) -> Process:
    """Start `run_sweep.py WORDS`."""
    return forked(lambda: command(words, local), told)


def command(words: list[str], local: Local) -> int:
    """The command in this process, up to the report."""
    import run_sweep
    from sweep.stages import Sweep

    def end(*_: object) -> NoReturn:
        raise _Trained

    measure = Sweep.measure
    Sweep.measure = end  # type: ignore[method-assign, assignment]
    try:
        return _with_local_trials(words, local)
    except _Trained:
        return run_sweep.COMPLETE
    finally:
        Sweep.measure = measure  # type: ignore[method-assign]


def whole_command(words: list[str], local: Local) -> int:
    """The command to its end, report and all, but for what needs Keras: Table 1 and the models."""
    import sweep.stages

    with replaced(
        (sweep.stages, "measure_backbones", lambda _: True),
        (sweep.stages, "exporting_winners", lambda _: contextlib.nullcontext()),
    ):
        return _with_local_trials(words, local)


def _with_local_trials(words: list[str], local: Local) -> int:
    import run_sweep

    stand_in = ModuleType("sweep.tune.runner")
    stand_in.run_trials = local.run_trials  # type: ignore[attr-defined]
    sys.modules["sweep.tune.runner"] = stand_in
    return run_sweep.main(words)


@contextlib.contextmanager
def replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """Something else under names of modules, for the block."""
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
