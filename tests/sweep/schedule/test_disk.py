"""A run's folder stays below `--max-disk`: weights go first, then trials no longer start."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.ledger.files import folder_bytes
from results.ledger.records import Predictions, Status, TrialRecord
from results.ledger.store import RunFolder
from results.ledger.verify import verify
from search_spaces.backbones import HEAD
from search_spaces.config import TrialId
from sweep.schedule.assignment import Assignment
from sweep.schedule.disk import DiskBudget
from sweep.schedule.pool import Pool
from tests.sweep.helpers import outcome, record, settings

SETTINGS = settings("--backbones", "vgg16,xception", "--trials", "12", "--epochs", "2")
AT_ONCE = 2
WEIGHTS = 100_000


def commit(folder: RunFolder, assignment: Assignment) -> TrialRecord:
    """Write what a worker would, its weights far larger than all else."""
    done = outcome(assignment)
    if done.status != Status.FAILED:
        few = np.full((4, 2), 0.5, dtype=np.float32)
        weights = {"head/kernel": np.frombuffer(os.urandom(WEIGHTS), dtype=np.uint8)}
        some = Predictions(few, few, np.repeat(few[None], len(done.epochs), axis=0))
        digest = folder.write_artefacts(done.trial, some, few, weights)
        done = replace(done, weights_sha256=digest)
    folder.write_record(done)
    return done


def sweep(folder: RunFolder, most: int | None) -> int:
    """Run a sweep with such a budget; the most bytes that its folder ever had."""
    pool = Pool(folder, SETTINGS, AT_ONCE)
    disk = DiskBudget(folder, most, AT_ONCE, pool.finished.values)
    running: list[Assignment] = []
    largest = 0
    while True:
        while len(running) < AT_ONCE and not disk.spent() and (assignment := pool.next()):
            running.append(assignment)
        if not running:
            return largest
        done = commit(folder, running.pop(0))
        largest = max(largest, folder_bytes(folder.root))
        pool.finish(done.id)


def weighty(folder: RunFolder) -> set[str]:
    paths = folder.trials.glob("*/*/weights.npz")
    return {path.parent.relative_to(folder.trials).as_posix() for path in paths}


def test_a_budget_that_holds_no_trial_more_starts_none_more(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert sweep(folder, 10 * WEIGHTS) <= 10 * WEIGHTS
    assert 2 < len(folder.records()) < len(SETTINGS.planned)
    assert sweep(folder, 10 * WEIGHTS) == 0, "a resume starts none either"


def test_weights_make_room_for_all_trials_and_the_folder_never_exceeds_the_budget(
    tmp_path: Path,
) -> None:
    free, folder = RunFolder(tmp_path / "free"), RunFolder(tmp_path / "limited")
    needed = sweep(free, None)
    most = needed * 3 // 4
    assert sweep(folder, most) <= most
    records = folder.records()
    assert [(one.trial, one.config) for one in records] == [
        (one.trial, one.config) for one in free.records()
    ]
    gone = {record.trial for record in records if record.weights_dropped}
    assert gone
    assert weighty(folder) == {one.trial for one in records if one.weights_sha256} - gone
    for one in records:
        if one.weights_sha256:
            assert len(folder.read_predictions(one.trial).validation) == 4
            assert len(folder.open_sealed_test(one.trial)) == 4
    for name in SETTINGS.backbones:
        ours = [one for one in records if one.backbone == name and one.has_scores]
        assert not gone & {one.trial for one in sorted(ours, key=lambda one: one.rank)[:3]}
    faults = [fault.where for fault in verify(folder).faults if "trials" in fault.where]
    assert faults == []


def test_heads_stay_that_a_killed_or_a_coming_trial_starts_from(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    baseline = SETTINGS.baseline("VGG16")
    for number in range(1, 9):
        deep = number > 2
        config = replace(baseline, learning_rate=1e-5 * number, seed=number)
        config = config if deep else replace(config, unfreeze=HEAD, learning_rate=1e-3 * number)
        done = record("VGG16", number, (0.1, 0.9 if deep else 0.2 * number), config=config)
        few = np.full((4, 2), 0.5, dtype=np.float32)
        weights = {"head/kernel": np.zeros(WEIGHTS, dtype=np.uint8)}
        some = Predictions(few, few, few[None])
        digest = folder.write_artefacts(done.trial, some, few, weights)
        folder.write_record(replace(done, weights_sha256=digest))
    begun = replace(baseline, learning_rate=9e-5, head_from=1)
    folder.write_suggestion(str(TrialId("VGG16", 9)), begun)
    assert DiskBudget(folder, 1, AT_ONCE, folder.records).spent()
    # The second is the best head; the first is named by a trial that is not finished.
    assert weighty(folder) == {f"VGG16/t0{number}" for number in (1, 2, 3, 4, 5)}


def test_a_trial_near_the_limit_reads_no_record_of_the_others(tmp_path: Path) -> None:
    class Watched(RunFolder):
        def records(self) -> tuple[TrialRecord, ...]:
            times.append(1)
            return super().records()

    times: list[int] = []
    needed = sweep(RunFolder(tmp_path / "free"), None)
    sweep(Watched(tmp_path / "limited"), needed * 3 // 4)
    assert len(times) == 1, "the pool reads them when it starts"


@pytest.mark.parametrize("most", [None, 10**12])
def test_nothing_goes_while_there_is_room(tmp_path: Path, most: int | None) -> None:
    folder = RunFolder(tmp_path)
    sweep(folder, most)
    assert len(folder.records()) == len(SETTINGS.planned)
    assert not [record for record in folder.records() if record.weights_dropped]
