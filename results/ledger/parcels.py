"""A trial that was trained on another machine: its files as pieces of bytes, and back into a run.

The pieces arrive as parts beside their final names. `settle` compares each with the SHA-256 that
the trial's record lists, then names them, the record last: as if it had been written here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import (
    PIECE_BYTES,
    TEMPORARY_PREFIX,
    disk_faults_named,
    put_in_place,
)
from results.ledger.manifest import check_digest, read_manifest
from results.ledger.places import TrialFile
from results.ledger.store import RunFolder

_FIX = "Resume the run: the trial is trained again."


def piece_of(path: Path, offset: int) -> bytes:
    """The next piece of a file; empty at its end."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE_BYTES)


def pieces_of(folder: RunFolder, trial: str) -> Iterator[tuple[str, bytes]]:
    """Every file of a finished trial, by name and piece; each has at least one, maybe empty."""
    for path in sorted(folder.trial(trial).iterdir()):
        offset, piece = 0, piece_of(path, 0)
        yield path.name, piece
        while len(piece) == PIECE_BYTES:
            offset += len(piece)
            piece = piece_of(path, offset)
            yield path.name, piece


@dataclass(frozen=True)
class Arrival:
    """A trial on its way into a run.

    Attributes:
        folder: the run's.
        trial: its name.
        token: of this attempt, so that another one's parts are not mistaken for it.
    """

    folder: RunFolder
    trial: str
    token: str

    def add(self, name: str, piece: bytes) -> None:
        """Append a piece to one of its files.

        Raises:
            EnvironmentRefusal: the disk is full, broken or read-only.
        """
        part = self._part(name)
        with disk_faults_named(part):
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab") as file:
                file.write(piece)

    def settle(self) -> None:
        """Check all files and give them their names; nothing changes where one is not as sent.

        Raises:
            EnvironmentRefusal: a file is missing or damaged, or the disk is full.
        """
        record = self._part(TrialFile.RECORD)
        listed = read_manifest(record, fix=_FIX)
        place = self.folder.trial(self.trial)
        for name, digest in listed.items():
            check_digest(self._part(name), digest, fix=_FIX)
        with disk_faults_named(place):
            for name in (*listed, TrialFile.RECORD):
                put_in_place(self._part(name), place / name)
            for part in place.glob(f"{TEMPORARY_PREFIX}*"):  # of an attempt whose node was lost
                part.unlink()

    def _part(self, name: str) -> Path:
        return self.folder.trial(self.trial) / f"{TEMPORARY_PREFIX}{self.token}-{Path(name).name}"
