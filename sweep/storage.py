"""`--storage PATH|s3://…|gs://…`: a copy of the run elsewhere, trial by trial, to resume from.

Below the storage stands a folder of the run's name, laid out as the run's own. A trial's record is
copied last of it, and `run.json` last of all that a start writes; the local folder is what counts.
What comes back is only bytes, which are checked where they are read, as in any run.

pyarrow reads and writes; credentials are where AWS' and Google's own tools look for them, another
S3 server is `s3://BUCKET/PATH?endpoint_override=http://HOST:PORT`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from results.ledger.files import PIECE_BYTES, TEMPORARY_PREFIX, file_sha256, whole_or_absent
from results.ledger.places import TrialFile
from results.ledger.records import Status
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

RUN = RunFolder(Path()).run_json.name
_APPEARS_WHOLE = ("s3", "gcs")
"""Where an object is whole or absent by itself; elsewhere a file is written aside and renamed."""
_FIX = "Check the address, the network and the credentials; then resume the run with --storage."


def opened(storage: str) -> tuple[Any, str]:
    """A file system of pyarrow's and the path in it.

    Raises:
        UsageRefusal: there is no such kind of storage.
    """
    from pyarrow import ArrowException
    from pyarrow.fs import FileSystem, LocalFileSystem

    if "://" not in storage:
        return LocalFileSystem(), str(Path(storage).expanduser().absolute())
    try:
        files, path = FileSystem.from_uri(storage)
    except (ArrowException, ValueError, OSError) as fault:
        raise UsageRefusal(
            f"a folder, s3://… or gs://… is needed, got {storage!r}: {fault}",
            where="--storage",
            fix="Give one of them.",
        ) from fault
    return files, str(path)


class Storage:
    """A run's copy.

    Args:
        folder: the run.
        files: a file system of pyarrow's.
        path: of the storage in it.
    """

    def __init__(self, folder: RunFolder, files: Any, path: str) -> None:
        self._folder = folder
        self._files = files
        self._base = f"{path.rstrip('/')}/{folder.root.name}"
        self._copied: dict[str, str] = {}
        """By the name of a trial's record, its digest when it was copied."""

    def refuse_taken(self) -> None:
        """Check that a new run may be kept under its name.

        Raises:
            UsageRefusal: another run is.
            EnvironmentRefusal: the storage cannot be reached.
        """
        if self.has_run():
            raise UsageRefusal(
                "the storage holds a run of this name already",
                where=self._base,
                fix="Use --resume or --overwrite, or choose another --run-dir.",
            )

    def has_run(self) -> bool:
        """Whether a run of this name is there.

        Raises:
            EnvironmentRefusal: the storage cannot be reached.
        """
        with self._faults_named():
            return bool(self._files.get_file_info(f"{self._base}/{RUN}").is_file)

    def fetch(self) -> None:
        """Bring the run back into its empty folder; `run.json` comes last.

        Raises:
            UsageRefusal: it is not there.
            EnvironmentRefusal: the storage cannot be reached, a name there leads out of the folder,
                or the disk is full.
        """
        if not self.has_run():
            raise UsageRefusal(
                "there is no run here, nor in the storage",
                where=self._base,
                fix="Give the folder that holds a run.json, or the storage that has its copy.",
            )
        with self._faults_named():
            places = {name: self._place(name) for name in sorted(self._kept(), key=_in_order)}
            for name, place in places.items():
                with (
                    self._files.open_input_stream(f"{self._base}/{name}") as source,
                    whole_or_absent(place) as part,
                    part.open("wb") as file,
                ):
                    copyfileobj(source, file, PIECE_BYTES)

    def refuse_ahead(self) -> None:
        """Check that the folder has all trials of the copy, which loses those that it has not.

        Raises:
            UsageRefusal: the run went on elsewhere.
            EnvironmentRefusal: the storage cannot be reached.
        """
        with self._faults_named():
            ahead = [
                name
                for name in sorted(self._kept())
                if _is_record(name)
                and not (self._folder.root / name).exists()
                and not self._is_cut_repeat(name)
            ]
        if ahead:
            raise UsageRefusal(
                f"the storage has {len(ahead)} finished trials that are not here, such as "
                f"{ahead[0]}: the run went on elsewhere",
                where=self._base,
                fix="Move the folder away; --resume then brings the run back from the storage.",
            )

    def _is_cut_repeat(self, record: str) -> bool:
        """Whether a resume that was killed may have removed a trial: the time budget had cut it."""
        with suppress(UsageRefusal):  # of a folder that is no trial's
            trial = TrialId.parse("/".join(record.split("/")[-3:-1]))
            return trial.repeat > 0 and Status.OUT_OF_TIME.encode() in self._content(record)
        return False

    def keep(self, paths: Iterable[Path]) -> None:
        """Copy files of the run, those that others rely on last.

        Raises:
            EnvironmentRefusal: the storage cannot be reached.
        """
        names = [path.relative_to(self._folder.root).as_posix() for path in paths]
        with self._faults_named():
            for name in sorted(names, key=_in_order):
                digest = file_sha256(self._folder.root / name) if _is_record(name) else ""
                self._write(name)
                if digest:  # from before it was copied: a record may be written again meanwhile
                    self._copied[name] = digest

    def keep_trial(self, trial: str) -> None:
        """Copy a finished trial with its curves, its record last."""
        board = self._folder.tensorboard / trial
        self.keep([*_files(board), *_files(self._folder.trial(trial))])

    def keep_all(self, *, derived: bool = True) -> None:
        """Make the copy what the run is: copy what differs, remove what the run has no more.

        Args:
            derived: with models and report, which follow from the rest.

        Raises:
            EnvironmentRefusal: the storage cannot be reached.
        """
        left_alone = () if derived else (self._folder.models.name, self._folder.report.name)
        mine = {name for name in self._of_the_run() if name.split("/")[0] not in left_alone}
        with self._faults_named():
            kept = {name for name in self._kept() if name.split("/")[0] not in left_alone}
            whole = {name for name in mine & kept if _is_record(name) and self._is_copied(name)}
            # The run's own record goes first and comes last: without it the rest is no run.
            for name in sorted(kept - (mine - {RUN}), key=_in_order, reverse=True):
                self._files.delete_file(f"{self._base}/{name}")
        folders = {name.rpartition("/")[0] for name in whole}
        self.keep(
            self._folder.root / name
            for name in mine
            if not (name in kept and name.rpartition("/")[0] in folders)
        )

    def _is_copied(self, name: str) -> bool:
        """Whether a trial's record there is the one here; its files are listed in it."""
        digest = file_sha256(self._folder.root / name)
        if name not in self._copied:
            self._copied[name] = sha256(self._content(name)).hexdigest()
        return self._copied[name] == digest

    def _of_the_run(self) -> Iterator[str]:
        """Names of all files that are worth keeping: neither locks nor Ray's own."""
        for path in _files(self._folder.root):
            name = path.relative_to(self._folder.root).as_posix()
            if not name.startswith((".", f"{self._folder.ray.name}/")):
                yield name

    def _kept(self) -> set[str]:
        """Names of the files that are in the storage."""
        from pyarrow.fs import FileSelector

        found = self._files.get_file_info(
            FileSelector(self._base, recursive=True, allow_not_found=True)
        )
        return {
            file.path.removeprefix(f"{self._base}/")
            for file in found
            if file.is_file and not file.base_name.startswith(TEMPORARY_PREFIX)
        }

    def _content(self, name: str) -> bytes:
        with self._files.open_input_stream(f"{self._base}/{name}") as there:
            return bytes(there.read())

    def _place(self, name: str) -> Path:
        """Where a file of the storage goes; an object's name may hold anything."""
        root = self._folder.root
        place = Path(os.path.normpath(root / name))
        if not place.is_relative_to(root):
            raise EnvironmentRefusal(
                f"names of a run's files are needed in the storage, got {name!r}",
                where=self._base,
                fix="Remove it there; this tool wrote no such file.",
            )
        return place

    def _write(self, name: str) -> None:
        target = f"{self._base}/{name}"
        aside = target
        if self._files.type_name not in _APPEARS_WHOLE:
            above, _, last = target.rpartition("/")
            self._files.create_dir(above, recursive=True)
            aside = f"{above}/{TEMPORARY_PREFIX}{last}"
        with (
            (self._folder.root / name).open("rb") as file,
            self._files.open_output_stream(aside) as stream,
        ):
            copyfileobj(file, stream, PIECE_BYTES)
        if aside != target:
            self._files.move(aside, target)

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        from pyarrow import ArrowException

        try:
            yield
        except (ArrowException, OSError) as fault:
            raise EnvironmentRefusal(
                f"the storage cannot be used: {str(fault)[:200]}",
                where=self._base,
                fix=_FIX,
            ) from fault


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(TEMPORARY_PREFIX)
    ]


def _in_order(name: str) -> tuple[bool, bool, str]:
    """Records after all else, and the run's own last."""
    return name == RUN, _is_record(name), name


def _is_record(name: str) -> bool:
    return name.rpartition("/")[2] == TrialFile.RECORD
