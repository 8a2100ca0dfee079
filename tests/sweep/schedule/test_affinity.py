"""Which backbones a free worker is given first: its own, then those that nobody has built."""

from __future__ import annotations

from pathlib import Path

from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from sweep.schedule.affinity import LEAD, WorkerAffinity
from sweep.schedule.assignment import Assignment
from sweep.schedule.order import order_of
from sweep.schedule.pool import Pool
from tests.sweep.helpers import outcome, settings

SETTINGS = settings("--backbones", "vgg16,resnet50,xception,efficientnetb0", "--trials", "9")
LAG = 2


def penalised(affinity: WorkerAffinity) -> set[str]:
    """The backbones that the next worker is kept away from."""
    return {name for name in SETTINGS.backbones if affinity.penalty(name)}


def hand_out(pool: Pool, affinity: WorkerAffinity) -> Assignment:
    """The next trial, as the searcher hands it out."""
    assignment = pool.next(affinity.penalty)
    assert assignment is not None
    affinity.trial_started(assignment.config.backbone)
    return assignment


def finish(
    done: Assignment, worker: str, pool: Pool, affinity: WorkerAffinity, folder: RunFolder
) -> None:
    """Record a trial, as a worker and the searcher do."""
    folder.write_record(outcome(done))
    pool.finish(done.trial_id)
    affinity.trial_ended(done.config.backbone, worker)


def test_a_worker_that_died_is_not_taken_for_the_next_one() -> None:
    affinity = WorkerAffinity()
    affinity.trial_started("VGG16")
    affinity.trial_started("ResNet50")
    affinity.trial_ended("VGG16", None)
    affinity.trial_ended("ResNet50", "b")
    assert penalised(affinity) == {"ResNet50"}  # of a new worker, which has built nothing
    affinity.trial_started("VGG16")
    assert penalised(affinity) == {"VGG16"}  # of b, which has built ResNet50


def test_a_worker_that_is_free_twice_counts_once() -> None:
    affinity = WorkerAffinity()
    affinity.trial_started("VGG16")
    affinity.trial_ended("VGG16", "a")
    affinity.trial_ended("ResNet50", "b")
    affinity.trial_ended("VGG16", "a")
    assert penalised(affinity) == {"VGG16"}  # b is next, whatever was foreseen of a
    affinity.trial_started("ResNet50")
    assert penalised(affinity) == {"ResNet50"}


def test_before_anything_has_ended_only_what_runs_is_left_to_its_worker() -> None:
    affinity = WorkerAffinity()
    assert penalised(affinity) == set()
    affinity.trial_started("VGG16")
    assert penalised(affinity) == {"VGG16"}


def test_two_workers_share_the_backbones_and_build_each_once(tmp_path: Path) -> None:
    folder, affinity = RunFolder(tmp_path), WorkerAffinity()
    pool = Pool(folder, SETTINGS, LAG)
    running = {worker: hand_out(pool, affinity) for worker in ("a", "b")}
    trained: dict[str, set[str]] = {"a": set(), "b": set()}
    order = []
    while pool.left > 2 * LEAD:  # near the end one helps the other
        for worker, done in list(running.items()):
            finish(done, worker, pool, affinity, folder)
            order.append(done.trial_id)
            trained[worker].add(done.config.backbone)
            running[worker] = hand_out(pool, affinity)
    assert trained["a"] & trained["b"] == set()
    assert order[:4] == [TrialId(name, 1) for name in SETTINGS.backbones]


def test_a_worker_that_is_ahead_by_the_lead_helps_the_other(tmp_path: Path) -> None:
    folder, affinity = RunFolder(tmp_path), WorkerAffinity()
    two = settings("--backbones", "vgg16,resnet50", "--trials", "9")
    pool = Pool(folder, two, LAG)
    first = hand_out(pool, affinity)
    hand_out(pool, affinity)  # one that takes longer than all of this
    assignment, handed = first, []
    while assignment.config.backbone == first.config.backbone:
        finish(assignment, "a", pool, affinity, folder)
        assignment = hand_out(pool, affinity)
        numbers = order_of(two, assignment.config.backbone).numbers
        handed.append(numbers.index(assignment.number))
    assert handed == [1, 2, 3, 4, 1]  # at last the other's second
    assert handed[-2] - handed[-1] == LEAD
