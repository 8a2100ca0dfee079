"""Where a run's files are, and whose the folder is.

run.json  split.json  warm_start.json  left_out.json  optuna.db  importances.json
characteristics.json  log.txt  thumbnails.npz  thumbnails.json
trials/<Backbone>/<tNN or tNN-sN>/
                            suggestion.json history.csv predictions.npz sealed_test.npz weights.npz
                            trial.json, and error.txt where it failed
tensorboard/  models/  report/  ray/
"""

from __future__ import annotations

import fcntl
import itertools
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from results.ledger.files import TEMPORARY_PREFIX, disk_faults_named, refuse_others_folder
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

_LOCK, _TRAINERS_LOCK = ".lock", ".trainers-lock"
_SECONDS_FOR_TRAINERS = 10.0
_SECONDS_BETWEEN_LOOKS = 0.05
_HOLDER = "process {} on {}"
_SECONDS_FOR_THE_DEAD = 10


class TrialFile(StrEnum):
    """Names in a trial's folder."""

    SUGGESTION = "suggestion.json"
    HISTORY = "history.csv"
    PREDICTIONS = "predictions.npz"
    SEALED_TEST = "sealed_test.npz"
    WEIGHTS = "weights.npz"
    ERROR = "error.txt"
    RECORD = "trial.json"


class _Below:
    """A fixed name below the run's folder, read as its path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, places: RunPlaces, _: type) -> Path:
        return places.root / self.name


@dataclass(frozen=True)
class RunPlaces:
    """The names below `root`, and the lock on it."""

    root: Path

    run_json = _Below("run.json")
    split_json = _Below("split.json")
    warm_start_json = _Below("warm_start.json")
    left_out_json = _Below("left_out.json")
    optuna_db = _Below("optuna.db")
    optuna_journal = _Below("optuna.db-journal")
    importances_json = _Below("importances.json")
    characteristics_json = _Below("characteristics.json")
    thumbnails_npz = _Below("thumbnails.npz")
    thumbnails_json = _Below("thumbnails.json")
    log = _Below("log.txt")
    trials = _Below("trials")
    tensorboard = _Below("tensorboard")
    models = _Below("models")
    models_json = _Below("models/manifest.json")
    model_card = _Below("models/README.md")
    report = _Below("report")
    report_json = _Below("report/manifest.json")
    summary_json = _Below("report/summary.json")
    report_html = _Below("report/report.html")
    ray = _Below("ray")

    def trial(self, trial: str) -> Path:
        """The folder of one trial, named as in its record."""
        return self.trials / trial

    def exists(self) -> bool:
        """Whether a run was started here."""
        # Not `Path.is_file`, which raises for names that are too long for any file.
        return os.path.isfile(self.run_json)  # noqa: PTH113

    def foreign_files(self) -> list[str]:
        """Names in the folder that no run of ours would have, sorted; hidden ones do not count."""
        visible = (path for path in self.root.iterdir() if not path.name.startswith("."))
        return sorted({path.name for path in visible} - set(_top_names()))

    def discard_unstarted(self) -> None:
        """Remove a folder in which no run was started: nothing but a lock and a log is there."""
        if self.exists() or not self.root.is_dir():
            return
        for name in (_LOCK, _TRAINERS_LOCK, self.log.name):
            (self.root / name).unlink(missing_ok=True)
        with suppress(OSError):  # it holds something of the user's
            self.root.rmdir()

    def clear(self) -> None:
        """Remove the run, `run.json` first, and nothing that is not a run's; the log goes on."""
        self.run_json.unlink(missing_ok=True)
        for name in _top_names():
            if name == self.log.name:
                continue
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def clear_killed_trials(self) -> None:
        """Remove what trials without a record left behind, all but their suggestions."""
        for suggestion in self.trials.glob(f"*/*/{TrialFile.SUGGESTION}"):
            if (suggestion.parent / TrialFile.RECORD).is_file():
                continue
            for path in suggestion.parent.iterdir():
                if path != suggestion:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()

    def discard_trial(self, trial: str) -> None:
        """Remove a trial, its record first, so that it was never finished."""
        (self.trial(trial) / TrialFile.RECORD).unlink(missing_ok=True)
        shutil.rmtree(self.trial(trial))

    def clear_parts(self) -> None:
        """Remove parts of files that killed processes left anywhere but in Ray's folder."""
        pattern = f"{TEMPORARY_PREFIX}*"
        below = (place.rglob(pattern) for place in (self.trials, self.report, self.models))
        for part in itertools.chain(self.root.glob(pattern), *below):
            part.unlink(missing_ok=True)

    # ---- one writer ----------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the folder for one process; the operating system frees it if the process dies.

        Yields the lock's descriptor: a process that is given it holds the folder too.

        Raises:
            UsageRefusal: another process holds it.
            EnvironmentRefusal: it cannot be written, or others can write to it.
        """
        with disk_faults_named(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            refuse_others_folder(self.root)
            file = (self.root / _LOCK).open("a+")
        with file:  # and not what happens inside: its faults are not the lock's
            self._hold(file)
            yield file.fileno()

    @contextmanager
    def training(self, holder: str) -> Iterator[None]:
        """Say that this process writes trials: it may outlive the one that holds the folder.

        Args:
            holder: what `holder` was when this process was started.

        Raises:
            EnvironmentRefusal: another process holds the folder by now, or it cannot be written.
        """
        with self._trainers_lock() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            # Only now: whoever takes the folder over writes its name, then waits for this lock.
            if self.holder() != holder:
                raise EnvironmentRefusal(
                    "the process that wanted this trial is gone", where=str(self.root)
                )
            yield

    def holder(self) -> str:
        """Who holds the folder, or held it last, in words and with a token; empty for nobody."""
        path = self.root / _LOCK
        return path.read_text() if path.is_file() else ""

    def wait_for_trainers(self, seconds: float = _SECONDS_FOR_TRAINERS) -> None:
        """Wait for training processes of a run that was killed, which could still write a trial.

        Raises:
            EnvironmentRefusal: they are not gone in time.
        """
        if not (self.root / _TRAINERS_LOCK).exists():
            return
        until = time.monotonic() + seconds
        with self._trainers_lock() as file:
            while not _try_lock(file):
                if time.monotonic() > until:
                    raise EnvironmentRefusal(
                        "training processes of the run that was killed are still at work",
                        where=str(self.root),
                        fix="Wait for them, or end them, and try again.",
                    )
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _trainers_lock(self) -> IO[str]:
        with disk_faults_named(self.root):
            return (self.root / _TRAINERS_LOCK).open("a+")

    def _hold(self, file: IO[str]) -> None:
        until = time.monotonic() + _SECONDS_FOR_THE_DEAD
        while not _try_lock(file):
            file.seek(0)
            holder = file.readline().strip()
            if not _is_dead(holder) or time.monotonic() > until:
                raise UsageRefusal(
                    f"the run is in use by {holder or 'another process'}",
                    where=str(self.root),
                    fix="Wait for it, or choose another --run-dir.",
                )
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        with disk_faults_named(self.root):
            file.truncate(0)
            token = secrets.token_hex(8)  # since another process may have the same id some day
            file.write(f"{_HOLDER.format(os.getpid(), socket.gethostname())}\n{token}\n")
            file.flush()


def _try_lock(file: IO[str]) -> bool:
    """Whether the lock is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_dead(holder: str) -> bool:
    """Whether the process that took the lock has ended; its guardian may hold the lock a little
    longer, while it ends the children."""
    words = holder.split()
    if len(words) != 4 or holder != _HOLDER.format(words[1], socket.gethostname()):
        return False
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError, OverflowError):
        pass
    return False


def _top_names() -> list[str]:
    """Of everything that a run writes directly below its folder, `run.json` first."""
    names = (place.name for place in vars(RunPlaces).values() if isinstance(place, _Below))
    return [name for name in names if "/" not in name]
