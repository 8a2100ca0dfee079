"""Where a run's files are, and whose the folder is.

run.json  split.json  optuna.db  importances.json  thumbnails.npz  log.txt
trials/<Backbone>/<tNN>/    suggestion.json history.csv predictions.npz weights.npz
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
from pathlib import Path
from typing import IO

from results.ledger.files import disk_faults_named
from search_spaces.refusals import UsageRefusal

_LOCK = ".lock"
_OURS = (
    "run.json",
    "split.json",
    "optuna.db",
    "optuna.db-journal",
    "importances.json",
    "characteristics.json",
    "profiles.json",  # of runs of earlier versions
    "thumbnails.npz",
    "log.txt",
    "trials",
    "tensorboard",
    "models",
    "report",
    "ray",
)


@dataclass(frozen=True)
class RunPlaces:
    """The names below `root`, and the lock on it."""

    root: Path

    @property
    def run_json(self) -> Path:
        return self.root / "run.json"

    @property
    def split_json(self) -> Path:
        return self.root / "split.json"

    @property
    def optuna_db(self) -> Path:
        return self.root / "optuna.db"

    @property
    def trials(self) -> Path:
        return self.root / "trials"

    @property
    def tensorboard(self) -> Path:
        return self.root / "tensorboard"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def summary_json(self) -> Path:
        return self.report / "summary.json"

    @property
    def report_html(self) -> Path:
        return self.report / "report.html"

    @property
    def ray(self) -> Path:
        return self.root / "ray"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @property
    def importances_json(self) -> Path:
        return self.root / "importances.json"

    @property
    def characteristics_json(self) -> Path:
        return self.root / "characteristics.json"

    @property
    def thumbnails_npz(self) -> Path:
        return self.root / "thumbnails.npz"

    def trial(self, trial: str) -> Path:
        """The folder of one trial, named as in its record."""
        return self.trials / trial

    def exists(self) -> bool:
        """Whether a run was started here."""
        return self.run_json.is_file()

    def foreign_files(self) -> list[str]:
        """Names in the folder that no run of ours would have, sorted; hidden ones do not count."""
        visible = (path for path in self.root.iterdir() if not path.name.startswith("."))
        return sorted(path.name for path in visible if path.name not in _OURS)

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
        for name in _OURS:
            if name == self.log.name:
                continue
            path = self.root / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    # ---- one writer ----------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one process; the operating system frees it if the process dies.

        Raises:
            UsageRefusal: another process holds it.
        """
        with disk_faults_named(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
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
