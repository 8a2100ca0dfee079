"""A sweep from a notebook: the command in a process of its own, its progress shown in the cell.

>>> from sweep import run
>>> run(backbones="vgg17", trials=4)
Traceback (most recent call last):
    ...
search_spaces.refusals.UsageRefusal: there is no backbone 'vgg17'; known are ...

    monday = run(data="photos", backbones=["xception", "vgg16"], trials=8)
    monday.summary, monday.trials(), monday.figures      # see `results.notebook`

The notebook's process loads neither TensorFlow nor Ray. Its interrupt reaches the sweep as Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any

from results.notebook import OpenRun, open_run
from search_spaces.refusals import (
    DataRefusal,
    EnvironmentRefusal,
    Refusal,
    UsageRefusal,
    one_of,
)
from sweep.prepare import run_folder
from sweep.process.environment import module_of_ours, path_to_our_code
from sweep.terminal.arguments import resolved
from sweep.terminal.flags import switches
from sweep.terminal.given import PREFIX, Given, words_of

_ERROR = "error: "
_NOT_ALL = 1
_REFUSALS = {kind.exit_code: kind for kind in (UsageRefusal, DataRefusal, EnvironmentRefusal)}
_FOR_TERMINALS = ("help", "print_config", "plan", "reproduce")


def run(*, show: Callable[[str], object] | None = None, **settings: Any) -> OpenRun:
    """Train a sweep, or with `resume` what is left of one; returns when it is done.

    Args:
        show: is given every line of progress; by default they are printed.
        settings: by the names of the flags, `run_sweep.py --help`. Lists are lists, switches True
            or False; None is as good as nothing. Files of `config` and the environment count as
            they do for the command.

    Returns:
        The run, also where some of its trials failed or were not started, as it then says.

    Raises:
        Refusal: of the kind that the command would end with.
        KeyboardInterrupt: after an interrupt, when all processes have ended.
    """
    arguments = resolved(_given(settings), os.environ)
    root = run_folder(arguments).root
    given = {name: one for name, one in arguments.given.items() if name != "config"}
    if arguments.resume is None:
        given["run_dir"] = Given((str(root),), "run_dir")
    words = [word for name, one in given.items() for word in one.typed(name)]
    code, error = _command(words, show)
    if code in (0, _NOT_ALL):
        return open_run(root)
    if code == 128 + signal.SIGINT:
        raise KeyboardInterrupt(f"the sweep is stopped; go on with run(resume={str(root)!r})")
    raise _refusal(code, error, str(root))


def _given(settings: Mapping[str, Any]) -> dict[str, Given]:
    known = {name: one for name, one in switches().items() if name not in _FOR_TERMINALS}
    given = {}
    for written, value in settings.items():
        where = f"run({written}=...)"
        name = one_of(written, known, what="setting", where=where)
        if value is not None:
            given[name] = Given(words_of(value, switch=known[name], where=where), where)
    return given


def _command(words: list[str], show: Callable[[str], object] | None) -> tuple[int, str]:
    """Run the command to its end; its exit code, and its last line of error.

    The process leads a group of its own, so that a terminal's Ctrl-C reaches it through us alone:
    a second signal would end it at once.
    """
    live = show is None and sys.stdout.isatty()
    ours = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        with subprocess.Popen(
            module_of_ours("run_sweep", *words),
            stdin=subprocess.DEVNULL,
            stdout=None if live else subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            env={**ours, **path_to_our_code(), "PYTHONUNBUFFERED": "1"},
            process_group=0,
        ) as process:
            code = _follow(process, show or _print)
        errors.seek(0)
        lines = errors.read().splitlines()
    told = [line for line in lines if line.startswith(_ERROR)]
    for line in lines:
        if line not in told[-1:]:
            (show or _print)(f"{line}\n")
    return code, told[-1] if told else ""


def _follow(process: subprocess.Popen[str], show: Callable[[str], object]) -> int:
    """Show what a process prints, and pass interrupts on, until it ends."""
    output: IO[str] | tuple[str, ...] = process.stdout or ()
    while True:
        try:
            for line in output:
                show(line)
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
        except BaseException:
            process.terminate()
            raise


def _print(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def _refusal(code: int, error: str, root: str) -> Refusal:
    """The refusal that the command printed."""
    kind = _REFUSALS.get(code)
    if kind is None or not error:
        return EnvironmentRefusal(
            f"the sweep's process ended with {code}",
            where=root,
            fix=f"Go on with run(resume={root!r}).",
        )
    return kind(error.removeprefix(_ERROR).removesuffix("."))
