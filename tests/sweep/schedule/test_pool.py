"""The pool: the list of trials depends on neither timing, kills nor resumes.

The worker here is a function of the configuration that writes records through `RunFolder`; no Ray.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from results.ledger.records import Status
from results.ledger.store import RunFolder
from search_spaces import paper
from search_spaces.config import TrialConfig, TrialId
from sweep.schedule.assignment import Assignment
from sweep.schedule.early_stopping import rungs
from sweep.schedule.order import order_of
from sweep.schedule.pool import Pool
from tests.sweep.helpers import MEMORY, outcome, play, settings

SETTINGS = settings("--backbones", "vgg16,xception", "--trials", "13", "--epochs", "6")
LAG = 3


def configurations(folder: RunFolder) -> dict[str, str]:
    """Per trial the key of the configuration that was trained."""
    return {record.trial: record.config.key for record in folder.records()}


def cutoffs(handed: list[Assignment]) -> dict[TrialId, Mapping[int, float]]:
    return {assignment.trial_id: assignment.cutoffs for assignment in handed}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Assignment]]:
    """The sweep with one trial at a time: what every other way must come to."""
    folder = RunFolder(tmp_path_factory.mktemp("alone"))
    pool = Pool(folder, SETTINGS, LAG)
    return folder, play(pool, folder, at_once=1, choose=lambda running: running[0])


def test_a_worker_that_left_no_record_is_a_failure_and_recorded(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    pool = Pool(folder, SETTINGS, LAG)
    assignment = pool.next()
    assert assignment is not None
    record = pool.finish(assignment.trial_id)
    assert (record.status, record.validation_accuracy) == (Status.FAILED, None)
    assert "without a record" in record.error
    assert record.config == assignment.config
    assert folder.read_record(assignment.trial_id.name) == record


@pytest.mark.parametrize("number", [7, 123])
def test_a_lost_trial_keeps_its_number(tmp_path: Path, number: int) -> None:
    folder = RunFolder(tmp_path)
    trial_id = TrialId("VGG16", number)
    folder.write_suggestion(trial_id.name, paper.baseline("VGG16"))
    assert Pool(folder, SETTINGS, LAG).finish(trial_id).number == number


def test_nothing_starts_while_what_it_depends_on_runs(tmp_path: Path) -> None:
    pool = Pool(RunFolder(tmp_path), SETTINGS, LAG)
    started = []
    while (assignment := pool.next()) is not None:
        started.append(assignment.trial_id)
    # With a lag of 3 the fourth is the first that must wait, for the first.
    assert started == [
        TrialId(backbone, order_of(SETTINGS, backbone).numbers[place])
        for place in range(LAG)
        for backbone in SETTINGS.backbones
    ]
    assert pool.left == 2 * (13 + 1) - 2 * LAG


def test_a_backbone_that_must_wait_lets_the_other_go_on(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    pool = Pool(folder, SETTINGS, 1)
    first, second = pool.next(), pool.next()
    assert first is not None
    assert second is not None
    assert (first.trial_id.name, second.trial_id.name) == ("VGG16/t01", "Xception/t01")
    for number in (2, 3, 4):
        folder.write_record(outcome(second))
        pool.finish(second.trial_id)
        second = pool.next()
        assert second is not None
        assert second.trial_id == TrialId("Xception", number)


def test_a_finished_trial_is_never_handed_out_again(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    folder, handed = alone
    names = [assignment.trial_id.name for assignment in handed]
    assert sorted(names) == sorted(map(str, SETTINGS.planned))
    assert Pool(folder, SETTINGS, LAG).next() is None
    assert Pool(folder, SETTINGS, LAG).left == 0


def test_the_first_trial_of_every_backbone_is_the_papers(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    _, handed = alone
    first = {
        assignment.config.backbone: assignment for assignment in handed if assignment.number == 0
    }
    assert {name: assignment.config for name, assignment in first.items()} == {
        name: SETTINGS.baseline(name) for name in SETTINGS.backbones
    }
    assert all(assignment.cutoffs == {} for assignment in first.values())


def test_the_made_up_sweep_has_failures_early_stops_and_no_configuration_twice(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    folder, handed = alone
    statuses = [record.status for record in folder.records()]
    assert {"completed", "failed", "stopped_early"} == set(statuses)
    assert len(set(configurations(folder).values())) == len(statuses)
    assert any(assignment.cutoffs for assignment in handed)


def test_a_trial_that_starts_from_a_head_is_not_judged_at_the_first_rung(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    _, handed = alone
    judged = {one.config.head_from > 0: set(one.cutoffs) for one in handed if one.cutoffs}
    first, *later = rungs(SETTINGS.epochs)
    assert judged == {False: {first, *later}, True: set(later)}


@hypothesis(max_examples=15, deadline=None)
@given(at_once=st.integers(1, LAG), data=st.data())
def test_configurations_and_cutoffs_do_not_depend_on_the_order_in_which_trials_finish(
    alone: tuple[RunFolder, list[Assignment]], at_once: int, data: st.DataObject
) -> None:
    reference, expected = alone
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = RunFolder(Path(name))
        handed = play(
            Pool(folder, SETTINGS, LAG),
            folder,
            at_once=at_once,
            choose=lambda running: data.draw(st.sampled_from(running)),
        )
        assert configurations(folder) == configurations(reference)
        assert cutoffs(handed) == cutoffs(expected)


@hypothesis(max_examples=15, deadline=None)
@given(kills=st.lists(st.integers(1, 9), max_size=6), data=st.data())
def test_kills_and_resumes_anywhere_come_to_the_same_trials(
    alone: tuple[RunFolder, list[Assignment]], kills: list[int], data: st.DataObject
) -> None:
    reference, expected = alone
    handed: list[Assignment] = []
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = RunFolder(Path(name))
        for steps in [*kills, None]:
            finished = {record.trial for record in folder.records()}
            again = play(
                Pool(folder, SETTINGS, LAG),
                folder,
                at_once=LAG,
                choose=lambda running: data.draw(st.sampled_from(running)),
                steps=steps,
            )
            assert finished.isdisjoint(assignment.trial_id.name for assignment in again)
            handed += again
            folder.clear_killed_trials()
        assert configurations(folder) == configurations(reference)
    before = cutoffs(expected)
    assert all(assignment.cutoffs == before[assignment.trial_id] for assignment in handed)


class WatchedFolder(RunFolder):
    """Remembers of which trials the suggestion was read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read: list[str] = []

    def read_suggestion(self, trial: str) -> TrialConfig | None:
        self.read.append(trial)
        return super().read_suggestion(trial)


def test_a_suggestion_reads_no_file_of_an_earlier_trial_not_even_after_a_resume(
    tmp_path: Path,
) -> None:
    folder = WatchedFolder(tmp_path)
    for steps in (9, None):
        folder.read.clear()
        handed = play(
            Pool(folder, SETTINGS, LAG), folder, at_once=1, choose=lambda r: r[0], steps=steps
        )
        assert folder.read == [assignment.trial_id.name for assignment in handed]


@pytest.mark.parametrize("steps", range(1, 2 * (3 + 1) + 1))
def test_a_kill_at_every_point_of_a_small_sweep_repeats_only_what_ran(
    tmp_path: Path, steps: int
) -> None:
    small = settings("--backbones", "vgg16,xception", "--trials", "3")
    folder = RunFolder(tmp_path)
    first = play(
        Pool(folder, small, 2), folder, at_once=2, choose=lambda running: running[0], steps=steps
    )
    recorded = {record.trial for record in folder.records()}
    assert len(recorded) == steps
    folder.clear_killed_trials()
    rest = play(Pool(folder, small, 2), folder, at_once=2, choose=lambda running: running[-1])
    assert sorted(recorded | {assignment.trial_id.name for assignment in rest}) == sorted(
        map(str, small.planned)
    )
    running = {
        assignment.trial_id: assignment.config
        for assignment in first
        if assignment.trial_id.name not in recorded
    }
    assert {
        assignment.trial_id: assignment.config
        for assignment in rest
        if assignment.trial_id in running
    } == running


def test_a_logged_configuration_is_kept_even_if_it_would_be_suggested_otherwise(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    other = paper.baseline("VGG16", seed=7)
    folder.write_suggestion("VGG16/t01", other)
    assignment = Pool(folder, SETTINGS, LAG).next()
    assert assignment is not None
    assert assignment.config == other


def test_without_early_stopping_no_trial_has_a_cutoff(tmp_path: Path) -> None:
    kept = settings("--backbones", "vgg16", "--trials", "6", "--early-stopping", "none")
    folder = RunFolder(tmp_path)
    handed = play(Pool(folder, kept, 1), folder, at_once=1, choose=lambda running: running[0])
    assert len(handed) == 7
    assert all(assignment.cutoffs == {} for assignment in handed)


def test_an_assignment_comes_back_from_what_ray_is_given(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    _, handed = alone
    assert pickle.loads(pickle.dumps(handed)) == handed


def test_a_resume_keeps_what_ran_out_of_time_as_it_is_and_trains_the_others(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = Pool(folder, SETTINGS, LAG).next()
    assert first is not None
    cut = replace(outcome(first), status=Status.OUT_OF_TIME)
    folder.write_record(cut)
    handed = play(Pool(folder, SETTINGS, LAG), folder, at_once=1, choose=lambda running: running[0])
    assert sorted(map(str, SETTINGS.planned)) == sorted(
        assignment.trial_id.name for assignment in [first, *handed]
    )
    assert folder.read_record(first.trial_id.name) == cut
