"""Weights that a run can do without, and how they go: for `--max-disk`.

A trial whose weights were dropped keeps its record, which says so, and its predictions: tables, the
search and the figures miss nothing. `python run_sweep.py --reproduce` trains it again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from results.ledger.files import disk_faults_named, write_json
from results.ledger.manifest import FILES
from results.ledger.places import TrialFile
from results.ledger.records import TrialRecord
from results.ledger.repeats import candidates
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from search_spaces.config import TrialId

KEPT = 3
"""Of each backbone so many trials keep their weights whatever the budget, the best by validation,
besides its baseline and what may be trained again on fresh seeds."""


def spare(records: Iterable[TrialRecord], needed: Collection[TrialId]) -> list[TrialRecord]:
    """Trials whose weights may go, in the order in which they should: repeats, then the worst.

    A trial that is spare stays spare as more trials finish, since they only raise the bar.

    Args:
        needed: trials that others start from.
    """
    by_backbone: dict[str, list[TrialRecord]] = {}
    for record in records:
        if record.has_scores and record.weights_sha256:
            by_backbone.setdefault(record.backbone, []).append(record)
    kept = set(needed)
    for ours in by_backbone.values():
        kept |= {record.id for record in candidates(ours)}
        search = sorted((one for one in ours if not one.repeat), key=lambda one: one.rank)
        kept |= {record.id for record in search if record.is_baseline or record in search[:KEPT]}
    others = (one for ours in by_backbone.values() for one in ours if one.id not in kept)
    return sorted(
        (one for one in others if not one.weights_dropped),
        key=lambda one: (one.repeat > 0, one.rank),
        reverse=True,
    )


def drop_weights(folder: RunFolder, record: TrialRecord) -> int:
    """Remove a trial's weights, its record first, so that a kill leaves nothing that is missed.

    Returns:
        The bytes that are free now.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    place = folder.trial(record.trial)
    listed = folder.listed_files(record.trial)
    listed.pop(TrialFile.WEIGHTS, None)
    said = {**to_json(replace(record, weights_dropped=True)), FILES: listed}
    write_json(place / TrialFile.RECORD, said)
    return _remove(place / TrialFile.WEIGHTS)


def clear_dropped(folder: RunFolder) -> None:
    """Remove weights whose record says that they are dropped: a kill came between.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    for record in folder.records():
        if record.weights_dropped:
            _remove(folder.trial(record.trial) / TrialFile.WEIGHTS)


def _remove(weights: Path) -> int:
    """The bytes that are free now; 0 where there is no such file."""
    with disk_faults_named(weights):
        size = weights.stat().st_size if weights.exists() else 0
        weights.unlink(missing_ok=True)
    return size
