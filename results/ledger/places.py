"""Where a run's files are, and whose the folder is.

run.json  split.json  optuna.db  importances.json  characteristics.json  log.txt
thumbnails.npz  thumbnails.json
trials/<Backbone>/<tNN>/    suggestion.json history.csv predictions.npz sealed_test.npz weights.npz
                            trial.json, and error.txt where it failed
tensorboard/  models/  report/  ray/
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from results.ledger.files import disk_faults_named, refuse_others_folder
from search_spaces.refusals import UsageRefusal

_LOCK = ".lock"


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
        return self.run_json.is_file()

    def foreign_files(self) -> list[str]:
        """Names in the folder that no run of ours would have, sorted; hidden ones do not count."""
        visible = (path for path in self.root.iterdir() if not path.name.startswith("."))
        return sorted({path.name for path in visible} - set(_top_names()))

    def discard_unstarted(self) -> None:
        """Remove a folder in which no run was started: nothing but a lock and a log is there."""
        if self.exists() or not self.root.is_dir():
            return
        for name in (_LOCK, self.log.name):
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

    # ---- one writer ----------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one process; the operating system frees it if the process dies.

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
            yield

    def _hold(self, file: IO[str]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            file.seek(0)
            raise UsageRefusal(
                f"the run is in use by {file.read().strip() or 'another process'}",
                where=str(self.root),
                fix="Wait for it, or choose another --run-dir.",
            ) from fault
        with disk_faults_named(self.root):
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
            file.flush()


def _top_names() -> list[str]:
    """Of everything that a run writes directly below its folder, `run.json` first."""
    names = (place.name for place in vars(RunPlaces).values() if isinstance(place, _Below))
    return [name for name in names if "/" not in name]
