"""Trials of earlier runs guide the sampler, and nothing else; the new run needs the old no more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import Refusal
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.schedule.pool import Pool
from sweep.schedule.warm_start import earlier_trials, numbered
from tests.results.helpers import make_run_record
from tests.sweep.helpers import MemoryFolder, play, record, settings

WORDS = ("--backbones", "vgg16", "--trials", "9")
SETTINGS = settings(*WORDS)


def earlier_run(root: Path, records: list[TrialRecord], created: str = "2026-01-01") -> RunFolder:
    """A run of SETTINGS on disk with these trials."""
    folder = RunFolder(root)
    run = make_run_record(("cat", "dog"), [])
    theirs = replace(run.settings, **vars(SETTINGS))
    folder.write_run(replace(run, created=created, settings=theirs))
    for one in records:
        folder.write_record(one)
    return folder


def searched(number: int, rate: float, accuracy: float) -> TrialRecord:
    config = replace(SETTINGS.baseline("VGG16"), learning_rate=rate)
    return record("VGG16", number, [accuracy], config=config)


@pytest.fixture
def old(tmp_path: Path) -> RunFolder:
    """Ten trials that say: the smaller the rate, the better."""
    rates = [2e-6 * 2**step for step in range(10)]
    return earlier_run(
        tmp_path / "old",
        [searched(number, rate, 0.9 - number / 20) for number, rate in enumerate(rates)],
    )


def warm(*folders: RunFolder) -> Settings:
    return settings(*WORDS, "--warm-start", ",".join(str(folder.root) for folder in folders))


def new_run(root: Path, chosen: Settings) -> RunFolder:
    folder = RunFolder(root)
    folder.write_warm_start(earlier_trials(chosen))
    return folder


def oldest(running: list[Assignment]) -> Assignment:
    return running[0]


def configs(folder: RunFolder) -> dict[str, str]:
    return {one.trial: one.config.key for one in folder.records()}


def test_a_folder_without_a_run_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="no run here") as refused:
        earlier_trials(warm(RunFolder(tmp_path / "nothing")))
    assert refused.value.where == str(tmp_path / "nothing")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["run.json", "trials/VGG16/t01/trial.json"])
def test_a_damaged_run_is_refused_in_one_line(old: RunFolder, name: str) -> None:
    path = old.root / name
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(Refusal, match="damaged") as refused:
        earlier_trials(warm(old))
    assert refused.value.where == str(path)
    assert "\n" not in str(refused.value)


def test_a_run_that_chose_by_another_metric_is_refused(old: RunFolder) -> None:
    with pytest.raises(Refusal, match="metric is auc, got accuracy"):
        earlier_trials(replace(warm(old), metric="auc"))


def test_runs_that_say_nothing_about_this_search_are_refused(old: RunFolder) -> None:
    with pytest.raises(Refusal, match="inside the search space, got none"):
        earlier_trials(replace(warm(old), backbones=("Xception",)))


@pytest.mark.parametrize(
    "without",
    [
        lambda one: replace(one, repeat=1),
        lambda one: replace(one, config=replace(one.config, learning_rate=10.0)),
        lambda one: replace(one, config=replace(one.config, label_smoothing=0.1)),
        lambda one: record("VGG16", one.number, [], status=Status.FAILED, config=one.config),
    ],
    ids=["a repeat", "outside the box", "not varied here", "failed"],
)
def test_what_says_nothing_about_this_search_is_left_out(
    tmp_path: Path, without: Callable[[TrialRecord], TrialRecord]
) -> None:
    kept = searched(1, 1e-4, 0.8)
    folder = earlier_run(tmp_path / "old", [kept, without(searched(2, 1e-5, 0.9))])
    assert earlier_trials(warm(folder)) == {str(folder.root): (kept,)}


def test_numbers_are_below_zero_and_grow_from_the_oldest_run(tmp_path: Path) -> None:
    late = earlier_run(tmp_path / "late", [searched(1, 1e-4, 0.5)], created="2026-02-01")
    early = earlier_run(tmp_path / "early", [searched(n, 1e-4, n / 10) for n in (0, 1)])
    told = list(numbered(earlier_trials(warm(late, early))))
    # The baseline of that run started after the trials of the head alone, as is their order.
    assert [(one.number, one.score) for one in told] == [(-3, 0.1), (-2, 0.0), (-1, 0.5)]


def test_earlier_trials_lead_the_search_elsewhere_and_are_no_trials_of_it(
    tmp_path: Path, old: RunFolder
) -> None:
    chosen = warm(old)
    guided, cold = new_run(tmp_path / "new", chosen), MemoryFolder()
    pool = Pool(guided, chosen, 1)
    assert (pool.left, pool.finished) == (Pool(cold, SETTINGS, 1).left, {})
    handed = play(pool, guided, at_once=1, choose=oldest)
    play(Pool(cold, SETTINGS, 1), cold, at_once=1, choose=oldest)
    ours, theirs = configs(guided), configs(cold)
    assert sorted(ours) == sorted(theirs) == sorted(map(str, chosen.planned))
    assert ours["VGG16/t03"] != theirs["VGG16/t03"]
    assert all(one.config.head_from >= 0 for one in handed)


def test_bars_of_early_stopping_come_from_the_runs_own_trials(
    tmp_path: Path, old: RunFolder
) -> None:
    chosen = warm(old)
    guided, alone = new_run(tmp_path / "new", chosen), MemoryFolder()
    handed = play(Pool(guided, chosen, 1), guided, at_once=1, choose=oldest)
    for one in handed:
        alone.write_suggestion(one.trial_id.name, one.config)
    again = play(Pool(alone, SETTINGS, 1), alone, at_once=1, choose=oldest)
    assert any(one.cutoffs for one in handed)
    assert [one.cutoffs for one in handed] == [one.cutoffs for one in again]


def test_a_resume_comes_to_the_same_trials_without_the_earlier_run(
    tmp_path: Path, old: RunFolder
) -> None:
    chosen = warm(old)
    whole, cut = (new_run(tmp_path / name, chosen) for name in ("whole", "cut"))
    play(Pool(whole, chosen, 1), whole, at_once=1, choose=oldest)
    play(Pool(cut, chosen, 1), cut, at_once=1, choose=oldest, steps=5)
    shutil.rmtree(old.root)
    play(Pool(cut, chosen, 1), cut, at_once=1, choose=oldest)
    assert configs(cut) == configs(whole)


def test_a_run_whose_copy_is_lost_cannot_go_on(tmp_path: Path, old: RunFolder) -> None:
    with pytest.raises(Refusal, match="cannot go on without it"):
        Pool(RunFolder(tmp_path / "new"), warm(old), 1)
