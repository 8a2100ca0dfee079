"""Where a node that shares nothing with the driver trains: below its own cache, then ships.

    <cache>/fetched/<digest>/   photos and weight files, once per node, checked by digest
    <cache>/nodes/<token>/      a run folder per worker: what `RunFolder` writes is sent and removed
    <cache>/features/           as on any machine

A node's cache folder is `TRANSFER_SWEEP_CACHE_DIR` in its environment, else its platform's. Knows
no Ray: a `Depot` is whatever answers.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from results.ledger.files import (
    TEMPORARY_PREFIX,
    disk_faults_named,
    file_sha256,
    whole_or_absent,
)
from results.ledger.parcels import pieces_of
from results.ledger.places import TrialFile
from results.ledger.records import EpochRecord, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from search_spaces.presets import default_cache_dir
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from sweep.hardware import detect, on_node
from sweep.process.activity import Activity
from sweep.process.attempts import train
from sweep.process.context import RunContext
from sweep.schedule.assignment import Assignment

PHOTOS, WEIGHTS = "photos", "weights"
CACHE_DIR = "TRANSFER_SWEEP_CACHE_DIR"

Logs = Mapping[str, bytes]
"""TensorBoard's files by their names below its folder."""


class Depot(Protocol):
    """The driver's side. Refusals of its own are raised as they are."""

    def piece(self, key: str, offset: int) -> bytes:
        """Of the photos, of `weights/<Backbone>`, or of a file of the run by its name there."""

    def has(self, trial: str) -> bool:
        """Whether a trial has its record."""

    def take(self, trial: str, token: str, name: str, piece: bytes) -> None:
        """See `results.ledger.parcels.Arrival`."""

    def settle(self, trial: str, token: str, logs: Logs) -> None:
        """The trial is all there: check it and take it into the ledger."""


def node_cache() -> Path:
    """This node's cache folder."""
    typed = os.environ.get(CACHE_DIR)
    return (Path(typed) if typed else default_cache_dir()).expanduser().absolute()


class Outpost:
    """One worker's place on its node, for one run, until its process ends.

    Args:
        photos_sha256: of the dataset's file.
        attempt: trains a trial, see `attempts.train`.

    Raises:
        EnvironmentRefusal: the node's disk is full, broken or read-only.
    """

    def __init__(
        self,
        context: RunContext,
        photos_sha256: str,
        depot: Depot,
        *,
        attempt: Callable[..., TrialRecord] = train,
    ) -> None:
        cache = node_cache()
        self._depot = depot
        self._held = ExitStack()
        self._folder = self._own_folder(cache / "nodes")
        self._fetched = cache / "fetched"
        files = {
            backbone: self._place(context.weights.digests[backbone]) / path.name
            for backbone, path in context.weights.files.items()
        }
        self._context = replace(
            context,
            run=self._folder.root,
            dataset=self._place(photos_sha256) / context.dataset.name,
            weights=replace(context.weights, files=files),
            machine=on_node(context.machine, detect(), cache),
            holder=self._folder.holder(),
            temporary=self._folder.root,  # Ray ends it without a warning; the next worker tidies up
        )
        self._photos_sha256 = photos_sha256
        self._attempt = attempt
        self._here: set[str] = set()

    def train(
        self,
        assignment: Assignment,
        report: Callable[[EpochRecord], None],
        show: Callable[[Activity], None],
    ) -> None:
        """Train a trial here; its record is then in the driver's ledger.

        Raises:
            Refusal: a reason that concerns every trial; nothing was recorded.
        """
        trial = assignment.trial_id.name
        if self._depot.has(trial):
            return
        try:
            self._fetch_what_it_needs(assignment, show)
            self._folder.write_suggestion(trial, assignment.config)
            self._attempt(assignment, self._context, report, show)
            show(Activity("sending"))
            self._send(trial)
        finally:
            shutil.rmtree(self._folder.trials, ignore_errors=True)
            shutil.rmtree(self._folder.tensorboard, ignore_errors=True)

    def _fetch_what_it_needs(
        self, assignment: Assignment, show: Callable[[Activity], None]
    ) -> None:
        backbone, context = assignment.config.backbone, self._context
        show(Activity("fetching"))
        if not self._folder.split_json.is_file():
            self._copy(self._folder.split_json.name, self._folder.split_json)
        self._fetch(PHOTOS, context.dataset, self._photos_sha256)
        if backbone in context.weights.files:
            digest = context.weights.digests[backbone]
            self._fetch(f"{WEIGHTS}/{backbone}", context.weights.files[backbone], digest)
        if assignment.config.head_from:
            head = self._folder.trial(TrialId(backbone, assignment.config.head_from).name)
            for name in (TrialFile.WEIGHTS, TrialFile.RECORD):  # both are checked when read
                self._copy(f"{head.relative_to(self._folder.root)}/{name}", head / name)

    def _place(self, sha256: str) -> Path:
        return self._fetched / sha256[:32]

    def _fetch(self, key: str, path: Path, sha256: str) -> None:
        """Have a file on this node: once, whichever of its workers asks first."""
        if sha256 in self._here:
            return
        with _locked(path.parent):
            if not path.is_file() or file_sha256(path) != sha256:
                for part in path.parent.glob(f"{TEMPORARY_PREFIX}*"):  # of a killed worker
                    part.unlink()
                self._copy(key, path)
                if file_sha256(path) != sha256:
                    path.unlink()
                    raise EnvironmentRefusal(
                        f"the {key} that came over the network are not those of the run",
                        where=str(path),
                        fix="Were they changed since it began? Put them back and resume the run.",
                    )
        self._here.add(sha256)

    def _copy(self, key: str, path: Path) -> None:
        with whole_or_absent(path) as part, part.open("wb") as file:
            while piece := self._depot.piece(key, file.tell()):
                file.write(piece)

    def _send(self, trial: str) -> None:
        token = secrets.token_hex(8)
        for name, piece in pieces_of(self._folder, trial):
            self._depot.take(trial, token, name, piece)
        board = self._folder.tensorboard
        logs = {
            path.relative_to(board).as_posix(): path.read_bytes()
            for path in board.rglob("*")
            if path.is_file()
        }
        self._depot.settle(trial, token, logs)

    def _own_folder(self, folders: Path) -> RunFolder:
        """A folder that is locked until this process ends; those of dead workers are removed."""
        with _locked(folders):
            for other in folders.iterdir():
                if other.is_dir():
                    with suppress(UsageRefusal), RunFolder(other).locked():
                        shutil.rmtree(other, ignore_errors=True)
            own = RunFolder(folders / secrets.token_hex(8))
            self._held.enter_context(own.locked())
            return own


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with disk_faults_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
