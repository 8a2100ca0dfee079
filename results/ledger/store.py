"""The run folder, both ways: what is written there, and read back.

The ledger is the set of `trial.json` files. Each is written last in its folder, whole or absent, so
a trial whose record exists has all its artefacts, and one without a record was never finished. The
file lists its neighbours with their SHA-256; every JSON file carries its own.
Names are in `results.ledger.places`; nothing else knows them.

A trial's test probabilities are in a file of their own, which is sealed by convention: no number
in it stands in the record or elsewhere, and a report opens it only for methods that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from results.ledger.arrays import Probabilities, damaged, read_npz, write_npz
from results.ledger.files import TEMPORARY_PREFIX, file_sha256, read_json, write_json, write_text
from results.ledger.manifest import FILES, check_digest, digests
from results.ledger.places import RunPlaces, TrialFile
from results.ledger.records import Predictions, TrialRecord
from results.ledger.remedies import NEW_RUN, made_again, train_again
from results.ledger.run_record import RunRecord
from results.ledger.runs import Importances, MeasuredCharacteristics, Split
from results.ledger.serialise import from_json, other_version, read_as, taken_as, to_json
from results.ledger.units import csv_line
from search_spaces.config import TrialConfig, TrialId
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

_PREDICTIONS = tuple(field.name for field in fields(Predictions))
_TEST = "test"

_Photo = TypedDict("_Photo", {"file": str, "class": str, "split": str, "sha256": str})


class _SplitDocument(TypedDict):
    """`split.json`, for people as well: names of classes where `Split` has numbers."""

    classes: list[str]
    photos: list[_Photo]


class _LeftOut(TypedDict):
    trials: tuple[TrialId, ...]


class _Characteristics(TypedDict):
    rows: tuple[MeasuredCharacteristics, ...]


@dataclass(frozen=True)
class RunFolder(RunPlaces):
    """A run on disk, below `root`: what is written there, and read back."""

    def write_run(self, run: RunRecord) -> None:
        write_json(self.run_json, to_json(run))

    def read_run(self) -> RunRecord:
        """Read `run.json`.

        Raises:
            UsageRefusal: the folder holds no run, or one of another version.
        """
        if not self.exists():
            raise UsageRefusal(
                "there is no run here",
                where=str(self.root),
                fix="Give the folder that holds a run.json.",
            )
        document = read_json(self.run_json, fix=NEW_RUN)
        try:
            return from_json(RunRecord, document)
        except ValueError as fault:
            raise UsageRefusal(
                f"this run was written by another version: {fault}",
                where=str(self.run_json),
                fix="Start another run.",
            ) from fault

    def write_split(self, split: Split, classes: tuple[str, ...]) -> None:
        photos: list[_Photo] = [
            {"file": file, "class": classes[label], "split": part, "sha256": digest}
            for file, label, part, digest in zip(
                split.files, split.labels, split.parts, split.sha256, strict=True
            )
        ]
        write_json(self.split_json, _SplitDocument(classes=list(classes), photos=photos))

    def read_split(self) -> Split:
        """Read `split.json`.

        Raises:
            EnvironmentRefusal: it is missing, damaged, or of another version.
        """
        document = read_as(_SplitDocument, self.split_json, "split", fix=NEW_RUN)
        photos = document["photos"]
        label_of = {name: label for label, name in enumerate(document["classes"])}
        if not {photo["class"] for photo in photos} <= set(label_of):
            raise other_version("split", self.split_json, NEW_RUN)
        return Split(
            files=tuple(photo["file"] for photo in photos),
            labels=np.array([label_of[photo["class"]] for photo in photos], dtype=np.int64),
            sha256=tuple(photo["sha256"] for photo in photos),
            parts=tuple(photo["split"] for photo in photos),
        )

    def write_warm_start(self, trials: Mapping[str, tuple[TrialRecord, ...]]) -> None:
        """Keep the trials of earlier runs that guide the search, by the folders of these runs."""
        write_json(self.warm_start_json, to_json(trials))

    def read_warm_start(self) -> dict[str, tuple[TrialRecord, ...]]:
        """Trials of earlier runs, by the folders of these runs.

        Raises:
            EnvironmentRefusal: the file is missing, damaged, or of another version.
        """
        path = self.warm_start_json
        return read_as(dict[str, tuple[TrialRecord, ...]], path, "file", fix=NEW_RUN)

    def write_importances(self, importances: Mapping[str, Importances]) -> None:
        """Keep per backbone each searched dimension's share."""
        write_json(self.importances_json, to_json(importances))

    def read_importances(self) -> dict[str, Importances]:
        """Shares per backbone and searched dimension; empty where none were computed.

        Raises:
            EnvironmentRefusal: the file is damaged, or another version's.
        """
        path = self.importances_json
        if not path.is_file():
            return {}
        return read_as(dict[str, Importances], path, "file", fix=made_again(self.root))

    def write_characteristics(self, rows: Sequence[MeasuredCharacteristics]) -> None:
        """Keep what was measured for the paper's Table 1."""
        write_json(self.characteristics_json, {"rows": to_json(list(rows))})

    def read_characteristics(self) -> tuple[MeasuredCharacteristics, ...]:
        """What was measured for the paper's Table 1; empty if it was not.

        Raises:
            EnvironmentRefusal: the file is damaged.
        """
        path = self.characteristics_json
        if not path.is_file():
            return ()
        return read_as(_Characteristics, path, "file", fix=made_again(self.root))["rows"]

    def write_left_out(self, trials: Iterable[TrialId]) -> None:
        """Note all trials of the search for which a time budget had no room so far: a backbone's
        search is over without them, and a resume takes them up again."""
        write_json(self.left_out_json, {"trials": sorted(trial.name for trial in trials)})

    def read_left_out(self) -> frozenset[TrialId]:
        """Trials that a time budget left out; empty where none were.

        Raises:
            EnvironmentRefusal: the file is damaged.
        """
        path = self.left_out_json
        if not path.exists():
            return frozenset()
        fix = f"Remove it ({path.name} alone); a resume trains what it names."
        return frozenset(read_as(_LeftOut, path, "list of trials", fix=fix)["trials"])

    def write_suggestion(self, trial: str, config: TrialConfig) -> None:
        """Log a configuration before its trial starts."""
        write_json(self.trial(trial) / TrialFile.SUGGESTION, to_json(config))

    def read_suggestion(self, trial: str) -> TrialConfig | None:
        """The logged configuration of a trial, or None if none was logged."""
        path = self.trial(trial) / TrialFile.SUGGESTION
        fix = train_again(path.parent)
        return read_as(TrialConfig, path, "suggestion", fix=fix) if path.is_file() else None

    def write_artefacts(
        self,
        trial: str,
        predictions: Predictions,
        test: Probabilities,
        weights: Mapping[str, NDArray[Any]],
    ) -> str:
        """Write predictions and weights, before the record; return the weights' SHA-256.

        Args:
            test: [N, C] of the test photos, which are sealed.
        """
        folder = self.trial(trial)
        arrays = {name: getattr(predictions, name) for name in _PREDICTIONS}
        write_npz(folder / TrialFile.PREDICTIONS, arrays)
        write_npz(folder / TrialFile.SEALED_TEST, {_TEST: test})
        write_npz(folder / TrialFile.WEIGHTS, weights)
        return file_sha256(folder / TrialFile.WEIGHTS)

    def write_record(self, record: TrialRecord) -> None:
        """Commit a finished trial: its history for people, then the record, with all digests."""
        folder = self.trial(record.trial)
        for part in folder.glob(f"{TEMPORARY_PREFIX}*"):  # of a training process that was killed
            part.unlink(missing_ok=True)
        write_text(folder / TrialFile.HISTORY, _history_csv(record))
        files = [path for path in self.trial_files(record.trial) if path.is_file()]
        listed = digests(files, below=folder)
        write_json(folder / TrialFile.RECORD, {**to_json(record), FILES: listed})

    def trial_files(self, trial: str) -> list[Path]:
        """What lies in a trial's folder beside its record."""
        others = (path for path in self.trial(trial).iterdir() if path.name != TrialFile.RECORD)
        return [path for path in others if not path.name.startswith(TEMPORARY_PREFIX)]

    def listed_files(self, trial: str) -> dict[str, str]:
        """SHA-256 by name of the files that a finished trial wrote beside its record."""
        return self._read_record(self.trial(trial) / TrialFile.RECORD)[1]

    def write_failure(self, trial: str, trace: str) -> None:
        """Keep the traceback of a failed trial, for whoever mends it."""
        write_text(self.trial(trial) / TrialFile.ERROR, trace)

    def read_record(self, trial: str) -> TrialRecord | None:
        """The record of one trial, or None while it is not finished."""
        path = self.trial(trial) / TrialFile.RECORD
        return self._read_record(path)[0] if path.is_file() else None

    def records(self) -> tuple[TrialRecord, ...]:
        """Every finished trial, by backbone and number as their names sort."""
        paths = sorted(self.trials.glob(f"*/*/{TrialFile.RECORD}"))
        return tuple(self._read_record(path)[0] for path in paths)

    def _read_record(self, path: Path) -> tuple[TrialRecord, dict[str, str]]:
        fix = train_again(path.parent)
        document = read_json(path, fix=fix)
        files = taken_as(dict[str, str], document.pop(FILES, None), path, "record", fix=fix)
        record = taken_as(TrialRecord, document, path, "record", fix=fix)
        if self.trial(record.trial) != path.parent:
            raise EnvironmentRefusal(
                f"this is the record of {record.trial}", where=str(path), fix=fix
            )
        return record, files

    def read_predictions(self, trial: str) -> Predictions:
        """Probabilities of a finished trial, all but those of the test photos.

        Raises:
            EnvironmentRefusal: the file is missing or damaged.
        """
        return Predictions(**self._named_arrays(trial, TrialFile.PREDICTIONS, _PREDICTIONS))

    def open_sealed_test(self, trial: str) -> Probabilities:
        """A finished trial's probabilities of the test photos: [N, C] float32.

        Only `Evidence` (which remembers it) and a repetition (which shows none) may ask.

        Raises:
            EnvironmentRefusal: the file is missing or damaged.
        """
        return self._named_arrays(trial, TrialFile.SEALED_TEST, (_TEST,))[_TEST]

    def _named_arrays(
        self, trial: str, name: str, arrays: tuple[str, ...]
    ) -> dict[str, NDArray[Any]]:
        path = self.trial(trial) / name
        listed = self.listed_files(trial).get(path.name)
        check_digest(path, listed, fix=train_again(path.parent))
        read = read_npz(path)
        if not set(arrays) <= set(read):
            raise damaged(path)
        return {array: read[array] for array in arrays}

    def read_weights(self, record: TrialRecord) -> dict[str, NDArray[Any]]:
        """The trained arrays of a finished trial, checked against the record's digest.

        Raises:
            EnvironmentRefusal: the file is missing, or is not the one that was recorded.
        """
        path = self.trial(record.trial) / TrialFile.WEIGHTS
        if record.weights_dropped:
            raise EnvironmentRefusal(
                f"the weights of {record.trial} were dropped to keep to --max-disk",
                where=str(path.parent),
                fix=train_again(path.parent),
            )
        check_digest(path, record.weights_sha256, fix=train_again(path.parent))
        return read_npz(path)


def _history_csv(record: TrialRecord) -> str:
    names = list(record.epochs[0].__dataclass_fields__) if record.epochs else ["epoch"]
    rows = ([getattr(epoch, name) for name in names] for epoch in record.epochs)
    return "".join(map(csv_line, (names, *rows)))
