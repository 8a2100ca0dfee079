"""Which backbones a free worker is given first: its own, then those that nobody has built."""

from __future__ import annotations

from pathlib import Path

from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from sweep.schedule.affinity import LEAD, Homes
from sweep.schedule.assignment import Assignment
from sweep.schedule.pool import Pool
from tests.sweep.helpers import outcome, settings

SETTINGS = settings("--backbones", "vgg16,resnet50,xception,efficientnetb0", "--trials", "9")
LAG = 2


def handicapped(homes: Homes) -> set[str]:
    """The backbones that the next worker is kept away from."""
    lead = homes.handicaps()
    return {name for name in SETTINGS.backbones if lead(name)}


def hand_out(pool: Pool, homes: Homes) -> Assignment:
    """The next trial, as the searcher hands it out."""
    assignment = pool.next(homes.handicaps())
    assert assignment is not None
    homes.started(assignment.config.backbone)
    return assignment


def finish(done: Assignment, worker: str, pool: Pool, homes: Homes, folder: RunFolder) -> None:
    """Record a trial, as a worker and the searcher do."""
    folder.write_record(outcome(done))
    pool.finish(done.trial)
    homes.ended(done.config.backbone, worker)


def test_a_worker_that_died_is_not_taken_for_the_next_one() -> None:
    homes = Homes()
    homes.started("VGG16")
    homes.started("ResNet50")
    homes.ended("VGG16", None)
    homes.ended("ResNet50", "b")
    assert handicapped(homes) == {"ResNet50"}  # of a new worker, which has built nothing
    homes.started("VGG16")
    assert handicapped(homes) == {"VGG16"}  # of b, which has built ResNet50


def test_a_worker_that_is_free_twice_counts_once() -> None:
    homes = Homes()
    homes.started("VGG16")
    homes.ended("VGG16", "a")
    homes.ended("ResNet50", "b")
    homes.ended("VGG16", "a")
    assert handicapped(homes) == {"VGG16"}  # b is next, whatever was foreseen of a
    homes.started("ResNet50")
    assert handicapped(homes) == {"ResNet50"}


def test_before_anything_has_ended_only_what_runs_is_left_to_its_worker() -> None:
    homes = Homes()
    assert handicapped(homes) == set()
    homes.started("VGG16")
    assert handicapped(homes) == {"VGG16"}


def test_two_workers_share_the_backbones_and_build_each_once(tmp_path: Path) -> None:
    folder, homes = RunFolder(tmp_path), Homes()
    pool = Pool(folder, SETTINGS, LAG)
    running = {worker: hand_out(pool, homes) for worker in ("a", "b")}
    trained: dict[str, set[str]] = {"a": set(), "b": set()}
    order = []
    while pool.left > 2 * LEAD:  # near the end one helps the other
        for worker, done in list(running.items()):
            finish(done, worker, pool, homes, folder)
            order.append(done.trial)
            trained[worker].add(done.config.backbone)
            running[worker] = hand_out(pool, homes)
    assert trained["a"] & trained["b"] == set()
    assert order[:4] == [TrialId(name, 0).name for name in SETTINGS.backbones]


def test_a_worker_that_is_ahead_by_the_lead_helps_the_other(tmp_path: Path) -> None:
    folder, homes = RunFolder(tmp_path), Homes()
    pool = Pool(folder, settings("--backbones", "vgg16,resnet50", "--trials", "9"), LAG)
    first = hand_out(pool, homes)
    hand_out(pool, homes)  # a baseline that takes longer than all of this
    given, handed = first, []
    while given.config.backbone == first.config.backbone:
        finish(given, "a", pool, homes, folder)
        given = hand_out(pool, homes)
        handed.append(given.number)
    assert handed == [1, 2, 3, 4, 1]  # at last the other's first
    assert handed[-2] - handed[-1] == LEAD
