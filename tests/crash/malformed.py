"""Rubbish through the command: each is refused in one line with the right exit code, none hangs.

Runs in this process with `--plan`, which opens, decodes and checks all that a run would, and stops
before Ray. What the generators know to be sound must be accepted without a word on stderr.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import run_sweep
from tests.crash import rubbish_files, rubbish_words
from tests.crash.place import TINY, place
from tests.crash.row import Row
from tests.crash.rubbish_words import Case, Generator

SECONDS = 60
GENERATORS: tuple[Generator, ...] = (
    rubbish_words.bad_word,
    rubbish_words.stray_word,
    rubbish_words.contradiction,
    rubbish_words.space_file,
    rubbish_files.image,
    rubbish_files.layout,
    rubbish_files.archive,
    rubbish_files.dataset,
    rubbish_files.weights,
    rubbish_files.run_file,
)


class _Hangs(BaseException):
    """An input took longer than `SECONDS`."""


def malformed(seed: int, count: int) -> Row:
    """Give the command so many inputs, of each kind in turn."""
    row = Row("malformed input to the command", "inputs", seed)
    row.must_not("tracebacks", f"hangs over {SECONDS} s", "silently accepted", "wrongly refused")
    choices, kinds, sound = random.Random(seed), Counter[str](), 0
    with place(TINY) as where, _in(where.root), _alarm():
        run = where.run("made")
        where.finish(run, at_once=1)
        shutil.move(run.root, where.root / "run")
        shutil.move(run.root.parent / "cache", where.root / "cache")
        [dataset] = (where.root / "cache/datasets").glob("*.h5")
        shutil.copy(dataset, where.root / "ours.h5")
        for number in range(count):
            make = GENERATORS[number % len(GENERATORS)]
            case = make(choices, where.root)
            kinds[make.__name__] += 1
            sound += case.valid
            _judge(make.__name__, case, row)
            row.count += 1
    row.sums.update(kinds)
    row.sums["of them sound"] = sound
    return row


def _judge(kind: str, case: Case, row: Row) -> None:
    cache = () if any(word.startswith("--cache-dir") for word in case.words) else _CACHE
    words = [*case.words, *cache, "--plan"]
    code, told = _run(words)
    words = [*words, case.note]
    if code is None:
        row.fault(f"hangs over {SECONDS} s", f"{kind}: {words}")
    elif code == 0:
        if told or not case.valid:
            row.fault("silently accepted", f"{kind}: {words} {told}")
    elif not _is_refusal(code, told):
        row.fault("tracebacks", f"{kind}: {words}: {code}, {told}")
    elif case.valid:
        row.fault("wrongly refused", f"{kind}: {words}: {told}")


_CACHE = ("--cache-dir", "cache")


def _is_refusal(code: int, told: str) -> bool:
    one_line = re.fullmatch(r"error: [^\n]+\n", told) is not None
    return code in (2, 3, 4) and one_line and "unexpected" not in told


def _run(words: list[str]) -> tuple[int | None, str]:
    """Exit code, None after too long, and stderr."""
    root = logging.getLogger()
    handlers, out, err = list(root.handlers), _stream("strict"), _stream("backslashreplace")
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_sweep.main(words)
            out.flush()
            return code, _text(err)
    except _Hangs:
        return None, _text(err)
    except BaseException as fault:
        return 1, f"{_text(err)}{fault!r}"
    finally:
        signal.alarm(0)
        root.handlers[:] = handlers


def _stream(errors: str) -> io.TextIOWrapper:
    """As Python's own: stdout refuses what is no text, stderr writes it otherwise."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    content = stream.buffer
    assert isinstance(content, io.BytesIO)
    return content.getvalue().decode()


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> NoReturn:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, ring)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[None]:
    """Work in a folder, with this process's environment put back afterwards."""
    environment = dict(os.environ)
    with contextlib.chdir(folder):
        yield
    os.environ.clear()
    os.environ.update(environment)
