"""Repeats on fresh seeds: after a backbone's search, whatever the order, kills and resumes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from results.ledger.records import Status, TrialRecord
from results.ledger.repeats import count_planned, fresh_seeds
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from sweep.schedule.assignment import Assignment
from sweep.schedule.confirmation import discard_cut_repeats
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from tests.sweep.helpers import MEMORY, outcome, play, record, settings

WORDS = ("--backbones", "vgg16,xception", "--trials", "5", "--early-stopping", "none")
SETTINGS = settings(*WORDS, "--confirm", "2")
LAG = 2


def trained(folder: RunFolder) -> dict[str, str]:
    return {one.trial: one.config.key for one in folder.records()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[Assignment]]:
    folder = RunFolder(tmp_path_factory.mktemp("alone"))
    pool = Pool(folder, SETTINGS, LAG)
    return folder, play(pool, folder, at_once=1, choose=lambda running: running[0])


def test_where_all_searched_trials_fail_nothing_is_repeated_and_nothing_is_left(
    tmp_path: Path,
) -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "2", "--confirm", "3")
    folder = RunFolder(tmp_path)
    pool = Pool(folder, chosen, 1)
    assert pool.left == 3 + 9
    for number in range(3):
        assignment = pool.next()
        assert assignment is not None
        status = Status.FAILED if number else Status.COMPLETED
        folder.write_record(record("VGG16", number, status=status, config=assignment.config))
        pool.finish(assignment.trial_id)
    assert pool.left == 0
    assert pool.next() is None


def test_a_lost_repeat_keeps_its_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    trial_id = TrialId("VGG16", 3, 2)
    folder.write_suggestion(trial_id.name, SETTINGS.baseline("VGG16"))
    assert Pool(folder, SETTINGS, LAG).finish(trial_id).id == trial_id


def test_the_repeats_follow_the_search_on_the_same_fresh_seeds_without_cutoffs(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    folder, handed = alone
    configs = {one.trial_id: one.config for one in handed}
    repeats = [one for one in handed if one.repeat]
    assert len(repeats) == len(handed) - len(SETTINGS.planned) > 0
    assert len(handed) == count_planned(SETTINGS, folder.records())
    for one in repeats:
        seed = fresh_seeds(SETTINGS.seed, 2)[one.repeat - 1]
        original = configs[TrialId(one.config.backbone, one.number)]
        assert one.config == replace(original, seed=seed)
        assert one.cutoffs == {}
    for name in SETTINGS.backbones:
        own = [one for one in handed if one.config.backbone == name]
        assert [bool(one.repeat) for one in own] == sorted(bool(one.repeat) for one in own)


def test_the_search_does_not_see_them(alone: tuple[RunFolder, list[Assignment]]) -> None:
    folder, _ = alone
    plain = settings(*WORDS, "--confirm", "0")
    with TemporaryDirectory(dir=MEMORY) as name:
        other = RunFolder(Path(name))
        play(Pool(other, plain, LAG), other, at_once=1, choose=lambda running: running[0])
        searched = {one.trial: one.config.key for one in folder.records() if not one.repeat}
        assert trained(other) == searched


def test_a_backbone_whose_search_is_over_confirms_while_another_searches(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    pool = Pool(folder, SETTINGS, 1)
    slow = None
    handed: list[TrialId] = []
    while (assignment := pool.next()) is not None:
        handed.append(assignment.trial_id)
        if assignment.config.backbone == "Xception":
            slow = assignment  # runs on; its backbone must wait for it
            continue
        folder.write_record(completed(assignment))
        pool.finish(assignment.trial_id)
    assert slow is not None
    assert [one.label for one in handed if one.repeat] == [
        *("baseline-s1", "t01-s1", "t02-s1", "baseline-s2", "t01-s2", "t02-s2")
    ]


def test_a_baseline_is_repeated_while_the_search_waits_for_a_result(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    chosen = settings(*("--backbones", "vgg16", "--trials", "6", "--confirm", "2"))
    pool = Pool(folder, chosen, LAG)
    handed: list[Assignment] = []
    while (assignment := pool.next()) is not None:
        handed.append(assignment)
        if assignment.number != 5:  # which runs on
            folder.write_record(completed(assignment))
            pool.finish(assignment.trial_id)
    assert [one.trial_id.label for one in handed][-3:] == ["t06", "baseline-s1", "baseline-s2"]
    assert pool.left == 4
    late = next(one for one in handed if one.number == 5)
    folder.write_record(completed(late))
    pool.finish(late.trial_id)
    rest = play(pool, folder, at_once=1, choose=lambda running: running[0])
    assert len(rest) == 4
    assert all(one.repeat and one.number for one in rest)


@pytest.mark.parametrize("lost", ["baseline", "searched"])
def test_no_baseline_is_repeated_early_that_may_have_nothing_to_be_compared_with(
    tmp_path: Path, lost: str
) -> None:
    folder = RunFolder(tmp_path)
    pool = Pool(folder, settings("--backbones", "vgg16", "--trials", "4", "--confirm", "2"), LAG)
    handed: list[Assignment] = []
    while (assignment := pool.next()) is not None:
        handed.append(assignment)
        fails = lost == ("searched" if assignment.number else "baseline")
        if assignment.number == 3:
            continue  # runs on
        done = completed(assignment)
        error = "made up" if fails else ""
        folder.write_record(assignment.failed(error) if error else done)
        pool.finish(assignment.trial_id)
    assert not any(one.repeat for one in handed)


def completed(assignment: Assignment) -> TrialRecord:
    """As `outcome`, but that none fails or is stopped."""
    whole = replace(outcome(assignment), status=Status.COMPLETED, validation_accuracy=0.5)
    return replace(whole, validation_loss=0.7, weights_sha256="a" * 64, error="")


@hypothesis(max_examples=15, deadline=None)
@given(kills=st.lists(st.integers(1, 9), max_size=6), data=st.data())
def test_kills_and_resumes_anywhere_come_to_the_same_repeats(
    alone: tuple[RunFolder, list[Assignment]], kills: list[int], data: st.DataObject
) -> None:
    reference, _ = alone
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = RunFolder(Path(name))
        for steps in [*kills, None]:
            finished = {one.trial for one in folder.records()}
            again = play(
                Pool(folder, SETTINGS, LAG),
                folder,
                at_once=LAG,
                choose=lambda running: data.draw(st.sampled_from(running)),
                steps=steps,
            )
            assert finished.isdisjoint(one.trial_id.name for one in again)
            folder.clear_killed_trials()
        assert trained(folder) == trained(reference)


def test_a_resume_trains_a_repeat_again_that_the_time_budget_cut(
    alone: tuple[RunFolder, list[Assignment]],
) -> None:
    reference, handed = alone
    with TemporaryDirectory(dir=MEMORY) as name:
        folder = RunFolder(Path(name))
        for one in reference.records():
            folder.write_record(one)
        cut = next(one.trial_id for one in handed if one.repeat)
        whole = folder.read_record(cut.name)
        assert whole is not None
        folder.write_record(replace(whole, status=Status.OUT_OF_TIME))
        discard_cut_repeats(folder)
        again = play(Pool(folder, SETTINGS, LAG), folder, at_once=1, choose=lambda one: one[0])
        assert [one.trial_id for one in again] == [cut]
        assert folder.read_record(cut.name) == whole


def test_optunas_studies_hold_the_search_alone(
    alone: tuple[RunFolder, list[Assignment]], tmp_path: Path
) -> None:
    import optuna

    folder, _ = alone
    studies = Studies(tmp_path / "optuna.db", SETTINGS.space, SETTINGS.backbones)
    studies.add(folder.records())
    studies.write()
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    for name in SETTINGS.backbones:
        study = optuna.load_study(study_name=name, storage=storage)
        assert len(study.trials) == SETTINGS.searched(name) + 1
        study._storage.remove_session()
