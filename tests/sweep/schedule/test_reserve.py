"""Sweeps with a time budget and a clock of their own: the search makes room for the repeats."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from results.ledger.records import Status
from results.ledger.repeats import repeats
from results.ledger.store import RunFolder
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal
from search_spaces.settings import Settings
from sweep.schedule.course import Course
from sweep.schedule.kinds import Kinds
from sweep.schedule.pool import Pool
from sweep.schedule.reserve import Reserve
from tests.sweep.helpers import MemoryFolder, play, record, settings
from tests.sweep.terminal.test_eta_of_sweeps import Clock, played_in

SEEDS = range(8)
ONE = settings("--backbones", "xception", "--trials", "12", "--confirm", "3", "--epochs", "10")
TWO = settings(
    "--backbones", "vgg16,xception", "--trials", "20", "--confirm", "2", "--epochs", "10"
)


def confirmed(chosen: Settings, seed: int, budget: float, root: Path, *, reserves: bool) -> int:
    """Of how many backbones every repeat is there, and whole."""
    folder = MemoryFolder(root=root)
    _, pool = played_in(folder, chosen, seed, budget=budget, reserves=reserves)
    left_out = folder.read_left_out()
    folder.left_out_json.unlink(missing_ok=True)
    whole = {trial for trial, one in pool.finished.items() if one.status != Status.OUT_OF_TIME}
    known = (repeats(chosen, name, pool.finished, left_out) for name in chosen.backbones)
    return sum(bool(trials) and set(trials or ()) <= whole for trials in known)


def reserve(chosen: Settings, seconds: float) -> Reserve:
    courses = {name: Course.of(chosen, name) for name in chosen.backbones}
    return Reserve(chosen, courses, seconds, 2, Clock())


@pytest.mark.parametrize(
    ("chosen", "share", "most_without", "least"),
    [(ONE, 0.6, 0, 6), (ONE, 0.8, 0, 8), (TWO, 0.4, 0, 12), (TWO, 0.6, 1, 14), (TWO, 0.8, 5, 16)],
)
def test_a_budget_ends_the_search_so_that_the_repeats_are_whole(
    chosen: Settings, share: float, most_without: int, least: int, tmp_path: Path
) -> None:
    """Of eight sweeps, at this share of the seconds that they take in full."""
    counts = {True: 0, False: 0}
    for seed in SEEDS:
        table, _ = played_in(MemoryFolder(root=tmp_path), chosen, seed)
        budget = share * table._clock()
        for reserves in counts:
            counts[reserves] += confirmed(chosen, seed, budget, tmp_path, reserves=reserves)
    assert counts[False] <= most_without
    assert counts[True] >= least


def test_repeats_of_trials_that_once_were_the_best_leave_the_others_due() -> None:
    kept, base = reserve(ONE, 1e6), ONE.baseline("Xception")
    for number in range(6):
        config = replace(base, learning_rate=1e-5 * (1 + number))
        kept.ended(record("Xception", number, [0.5 + number / 10] * 10, config=config))
    kinds = Kinds(kept._tallies["Xception"], {base.unfreeze: 1.0})
    assert len(kept._due("Xception", kinds, ()).repeats) == 9
    for number, at in itertools.product((0, 1, 2), (1, 2, 3)):
        kept.ended(record("Xception", number, [0.5] * 10, repeat=at, config=base))
    assert len(kept._due("Xception", kinds, ()).repeats) == 6
    for at in (1, 2, 3):
        kept.ended(record("Xception", 5, [0.5] * 10, repeat=at, config=base))
    assert len(kept._due("Xception", kinds, ()).repeats) == 3


def test_while_nothing_is_measured_nothing_is_held_back() -> None:
    assert reserve(ONE, 1.0).spares(TrialId("Xception", 12))


def test_where_nothing_more_fits_heads_and_the_baseline_are_tried_and_confirmed(
    tmp_path: Path,
) -> None:
    folder = MemoryFolder(root=tmp_path)
    told: list[tuple[str, int]] = []
    played_in(folder, ONE, 1, budget=10**6)
    for one in folder.records():
        if one.number > 6 or one.repeat:
            folder._records.pop(one.trial)
    pool = Pool(folder, ONE, 2, reserve(ONE, 1.0))
    pool.on_search_end = lambda name, left_out: told.append((name, left_out))
    first = pool.next()
    assert told == [("Xception", 6)]
    assert first is not None
    assert first.repeat == 1
    assert folder.read_left_out() == {TrialId("Xception", at) for at in range(7, 13)}
    assert pool.left == len(repeats(ONE, "Xception", pool.finished, pool._left_out) or ()) - 1


def test_a_baseline_that_has_not_begun_when_the_search_ends_is_still_trained(
    tmp_path: Path,
) -> None:
    folder = MemoryFolder(root=tmp_path)
    pool = Pool(folder, ONE, 2)
    play(pool, folder, at_once=1, choose=lambda running: running[0], steps=3)
    pool = Pool(folder, ONE, 2)
    pool._end_search("Xception")
    handed = play(pool, folder, at_once=1, choose=lambda running: running[0])
    assert [one.number for one in handed if not one.repeat] == [0]


def test_without_the_note_of_what_was_left_out_the_search_goes_on_with_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    pool = Pool(folder, ONE, 2)
    play(pool, folder, at_once=1, choose=lambda running: running[0], steps=8)
    pool = Pool(folder, ONE, 2)
    pool._end_search("Xception")
    play(pool, folder, at_once=1, choose=lambda running: running[0])
    folder.left_out_json.unlink()
    again = Pool(folder, ONE, 2)
    play(again, folder, at_once=1, choose=lambda running: running[0])
    assert set(again.finished) >= set(ONE.planned)
    alone = RunFolder(tmp_path / "alone")
    whole = Pool(alone, ONE, 2)
    play(whole, alone, at_once=1, choose=lambda running: running[0])
    assert {t: again.finished[t].config for t in ONE.planned} == {
        t: whole.finished[t].config for t in ONE.planned
    }


def test_a_damaged_note_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_left_out() == frozenset()
    folder.write_left_out([TrialId("VGG16", 7)])
    assert folder.read_left_out() == {TrialId("VGG16", 7)}
    path = folder.left_out_json
    path.write_text(path.read_text().replace("t07", "t08"))
    with pytest.raises(EnvironmentRefusal, match=r"left_out\.json"):
        folder.read_left_out()
