"""The sweep that is killed, starved and refused: two small backbones, a few trials, made-up photos.

It takes a fifth of a second, and lives in memory where that is a folder: every record is flushed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from results.ledger.files import TEMPORARY_PREFIX
from results.ledger.store import RunFolder
from tests.crash.driver import Process, inside, preload, share_memory, start
from tests.crash.runner import Local
from tests.sweep.helpers import MEMORY
from tests.sweeps import photo_folder

TINY = ("--backbones", "vgg16", "--trials", "1", "--epochs", "2")
WHOLE = ("--backbones", "vgg16", "--trials", "2", "--epochs", "2")
"""For the whole command, report and all."""
SMALL = ("--backbones", "vgg16,xception", "--trials", "4", "--epochs", "4")


@dataclass(frozen=True)
class Place:
    """Where sweeps of one kind are run.

    Attributes:
        root: of everything, removed at the end.
        words: what is typed besides folders and concurrency.
    """

    root: Path
    words: tuple[str, ...]

    @property
    def told(self) -> Path:
        return self.root / "stderr"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    def run(self, name: str) -> RunFolder:
        return RunFolder(self.root / name / "run")

    def typed(self, run: RunFolder, *, at_once: int = 2) -> list[str]:
        """What starts a run, or goes on with it where there is one."""
        shared = ["--max-concurrent", str(at_once), "--cpus-per-trial", "1"]
        if run.exists():
            return ["--resume", str(run.root), *shared]
        return [
            *(*self.words, *shared, "--image-size", "75", "--weights", "random"),
            *("--data", str(self.root / "photos"), "--run-dir", str(run.root)),
            *("--cache-dir", str(run.root.parent / "cache")),
        ]

    def start(self, run: RunFolder, local: Local | None = None, *, at_once: int = 2) -> Process:
        words = self.typed(run, at_once=at_once)
        return start(words, local or Local(self.journal), self.told)

    def finish(self, run: RunFolder, local: Local | None = None, *, at_once: int = 2) -> str:
        """Run to the end; how it ended where that was not well, else nothing."""
        process = self.start(run, local, at_once=at_once)
        code, told = process.wait(), process.stderr()
        return "" if (code, told) == (0, "") else f"exit code {code}, {told}"

    def forget(self, run: RunFolder) -> None:
        shutil.rmtree(run.root.parent)


@contextmanager
def place(words: tuple[str, ...] = SMALL) -> Iterator[Place]:
    """A place with photos in it, and everything loaded that a forked command needs."""
    _warm_once()
    with _cold(words) as made:
        yield made


@cache
def _warm_once() -> None:
    """Start a run and go on with it in this process, of which the others are copies."""
    preload()
    with _cold(SMALL) as where:
        run = where.run("warm")
        for _ in ("new", "finished"):
            ended = inside(where.typed(run), Local(where.journal, mirror=True))
            assert ended == (0, ""), ended
        read_all(run)
    share_memory()


@contextmanager
def _cold(words: tuple[str, ...]) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="crash-") as name:
        root = Path(name)
        photo_folder(root / "photos")
        yield Place(root, words)


def read_all(run: RunFolder) -> None:
    """Read a run's files once: what that takes is loaded then, for all that are forked later."""
    run.read_run()
    run.read_split()
    run.records()


def content(run: RunFolder) -> dict[str, bytes]:
    """Every file that must come out the same, by its name below the run's folder: the split, and
    all that trials wrote."""
    files = [run.split_json, *(path for path in run.trials.rglob("*") if path.is_file())]
    return {str(path.relative_to(run.root)): path.read_bytes() for path in sorted(files)}


def differences(run: RunFolder, reference: dict[str, bytes]) -> list[str]:
    """Names of files that differ from the reference, or are in one of the two alone."""
    found = content(run)
    return sorted(name for name in {*found, *reference} if found.get(name) != reference.get(name))


def litter(run: RunFolder) -> list[str]:
    """Parts of files that killed processes left in the run's folder."""
    return [str(path) for path in run.root.rglob(f"{TEMPORARY_PREFIX}*")]


def record_states(run: RunFolder) -> dict[str, tuple[int, int]]:
    """Per recorded trial, when its record was written and which file it is."""
    states = {}
    for path in run.trials.glob("*/*/trial.json"):
        status = path.stat()
        trial = path.parent.relative_to(run.trials).as_posix()
        states[trial] = (status.st_mtime_ns, status.st_ino)
    return states
