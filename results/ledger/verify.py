"""Whether the files of a run are as they were written: `python -m results verify RUN`.

JSON files carry their own SHA-256; the other files that anything reads are listed with theirs.
`NOT_COVERED` is written for people and other programs, and never read back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from results.ledger.files import read_json
from results.ledger.manifest import check_digest, read_manifest
from results.ledger.places import TrialFile
from results.ledger.remedies import (
    NEW_RUN,
    exported_again,
    made_again,
    reported_again,
    train_again,
)
from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal, Refusal

NOT_COVERED = ("log.txt", "optuna.db", "tensorboard/", "ray/")
_FOR_PEOPLE = (TrialFile.HISTORY, TrialFile.ERROR)
_T = TypeVar("_T")


@dataclass(frozen=True)
class Verdict:
    """How many files were checked, and per fault what it is, where, and what to do."""

    files: int
    faults: tuple[Refusal, ...]


def verify(folder: RunFolder) -> Verdict:
    """Check every file of a run that is not being written just now.

    Raises:
        UsageRefusal: the folder holds no run, nor trials of one.
    """
    if not folder.exists() and not os.path.isdir(folder.trials):  # noqa: PTH112
        folder.read_run()
    checks = _Checks()
    _check_run(folder, checks)
    for trial in sorted(path for path in folder.trials.glob("*/*") if path.is_dir()):
        _check_trial(folder, trial, checks)
    _check_listed(folder.thumbnails_json, [folder.thumbnails_npz], made_again(folder.root), checks)
    models = [*sorted(folder.models.glob("*.keras")), folder.model_card]
    _check_listed(folder.models_json, models, exported_again(folder.root), checks)
    fix = reported_again(folder.root)
    if folder.summary_json.exists():
        checks.read(partial(read_json, folder.summary_json, fix=fix))
    _check_listed(folder.report_json, [folder.summary_json, folder.report_html], fix, checks)
    return Verdict(checks.files, tuple(checks.faults))


@dataclass
class _Checks:
    """Counts files and collects why some cannot be trusted."""

    files: int = 0
    faults: list[Refusal] = field(default_factory=list)

    def read(self, reader: Callable[[], _T]) -> _T | None:
        """Call what reads or checks one file; None if it is refused."""
        self.files += 1
        try:
            return reader()
        except Refusal as refusal:
            self.faults.append(refusal)
            return None


def _check_run(folder: RunFolder, checks: _Checks) -> None:
    run = None
    if folder.exists():
        run = checks.read(folder.read_run)
    else:
        checks.read(partial(read_json, folder.run_json, fix=NEW_RUN))
    checks.read(folder.read_split)
    if folder.warm_start_json.exists() or (run and run.settings.warm_start):
        checks.read(folder.read_warm_start)
    if folder.left_out_json.exists():
        checks.read(folder.read_left_out)
    if folder.importances_json.exists():
        checks.read(folder.read_importances)
    if folder.characteristics_json.exists():
        checks.read(folder.read_characteristics)


def _check_trial(folder: RunFolder, place: Path, checks: _Checks) -> None:
    trial = place.relative_to(folder.trials).as_posix()
    if not (place / TrialFile.RECORD).exists():  # not finished; a resume keeps the suggestion only
        if (place / TrialFile.SUGGESTION).exists():
            checks.read(partial(folder.read_suggestion, trial))
        return
    listed = checks.read(partial(folder.listed_files, trial))
    if listed is None:
        return
    for name, digest in listed.items():
        people_only = "Nothing reads it back: it may stay or go."
        fix = people_only if name in _FOR_PEOPLE else train_again(place)
        checks.read(partial(check_digest, place / name, digest, fix=fix))
    for path in folder.trial_files(trial):
        if path.name not in listed:
            checks.files += 1
            checks.faults.append(
                EnvironmentRefusal(
                    "the trial did not write this file", where=str(path), fix="Remove it."
                )
            )


def _check_listed(manifest: Path, expected: list[Path], fix: str, checks: _Checks) -> None:
    """Check a list and its files, where there is the list or a file that should be on it."""
    if not manifest.exists() and not any(path.exists() for path in expected):
        return
    listed = checks.read(partial(read_manifest, manifest, fix=fix))
    for name, digest in (listed or {}).items():
        checks.read(partial(check_digest, manifest.parent / name, digest, fix=fix))
