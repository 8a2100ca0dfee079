"""The driver's side of `sweep.process.outpost`: gives nodes what they lack, takes up their trials.

Keeps nothing between calls but the run's context, so that it may be started again at any time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from results.ledger.files import unreadable, write_bytes
from results.ledger.parcels import Arrival, piece_of
from results.ledger.places import TrialFile
from results.ledger.store import RunFolder
from sweep.process.context import RunContext
from sweep.process.outpost import PHOTOS, WEIGHTS, Logs

_FIX = "Put the file back and resume the run."


class LedgerDesk:
    """See `outpost.Depot`. Writes only while the run's folder is its context's holder's."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._folder = RunFolder(context.run)

    def piece(self, key: str, offset: int) -> bytes:
        path = self._path(key)
        try:
            return piece_of(path, offset)
        except OSError as fault:
            raise unreadable(path, fault, fix=_FIX) from fault

    def has(self, trial: str) -> bool:
        return (self._folder.trial(trial) / TrialFile.RECORD).is_file()

    def take(self, trial: str, token: str, name: str, piece: bytes) -> None:
        with self._folder.training(self._context.holder):
            Arrival(self._folder, trial, token).add(name, piece)

    def settle(self, trial: str, token: str, logs: Logs) -> None:
        with self._folder.training(self._context.holder):
            shutil.rmtree(self._folder.tensorboard / trial, ignore_errors=True)
            for name, content in logs.items():
                write_bytes(self._folder.tensorboard / name, content)
            Arrival(self._folder, trial, token).settle()

    def _path(self, key: str) -> Path:
        if key == PHOTOS:
            return self._context.dataset
        kind, _, backbone = key.partition("/")
        if kind == WEIGHTS:
            return self._context.weights.files[backbone]
        return self._folder.root / key
