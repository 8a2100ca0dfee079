"""Seconds of an epoch by unfreeze point: nothing is told of what nothing is known of."""

from __future__ import annotations

import dataclasses

import pytest

from results.ledger.records import TrialRecord
from search_spaces.backbones import HEAD
from sweep.schedule.course import Course
from sweep.schedule.paces import seconds_per_epoch
from sweep.schedule.tally import tallied
from tests.sweep.helpers import record
from tests.sweep.terminal.test_eta_of_default import SETTINGS, trials

COURSES = {name: Course.of(SETTINGS, name) for name in SETTINGS.backbones}
RECORDS = [one for _, one in trials()]
HEADS = [one for one in RECORDS if one.config.unfreeze == HEAD and not one.repeat]


def of_an_epoch(one: TrialRecord) -> float:
    return one.seconds_traced / len(one.epochs)


def test_nothing_is_known_before_the_first_trial_nor_of_points_that_old_records_do_not_name() -> (
    None
):
    assert seconds_per_epoch(tallied(COURSES, [])) == {name: {} for name in COURSES}
    old = record("VGG16", 1, config=dataclasses.replace(SETTINGS.baseline("VGG16"), unfreeze=HEAD))
    assert list(seconds_per_epoch(tallied(COURSES, [old]))["VGG16"]) == [HEAD]


@pytest.mark.parametrize("backbone", SETTINGS.backbones)
def test_heads_alone_foresee_an_epoch_of_the_baseline(backbone: str) -> None:
    measured = next(one for one in RECORDS if one.backbone == backbone and one.is_baseline)
    foreseen = seconds_per_epoch(tallied(COURSES, HEADS))[backbone][COURSES[backbone].usual]
    assert foreseen == pytest.approx(of_an_epoch(measured), rel=0.3)


def test_what_is_measured_is_told_as_it_is_and_corrects_other_points_and_backbones() -> None:
    before = seconds_per_epoch(tallied(COURSES, HEADS))
    measured = next(one for one in RECORDS if one.trial == "VGG16/baseline")
    slow = dataclasses.replace(
        measured, cost=dataclasses.replace(measured.cost, seconds_total=600.0)
    )
    after = seconds_per_epoch(tallied(COURSES, [*HEADS, slow]))
    usual = COURSES["VGG16"].usual
    assert after["VGG16"][usual] == pytest.approx(of_an_epoch(slow))
    assert after["VGG16"][HEAD] == before["VGG16"][HEAD]
    usual = COURSES["Xception"].usual
    assert after["Xception"][usual] > 2 * before["Xception"][usual]


def test_an_epoch_of_a_running_trial_counts_and_so_does_what_earlier_runs_measured() -> None:
    config = SETTINGS.baseline("VGG16")
    running = seconds_per_epoch(tallied(COURSES, HEADS), [(config, 77.0)])
    assert running["VGG16"][config.unfreeze] == 77.0
    known = {config.unfreeze: 55.0}
    courses = {"VGG16": Course.of(SETTINGS, "VGG16", known)}
    assert seconds_per_epoch(tallied(courses, []))["VGG16"] == known
    assert seconds_per_epoch(tallied(courses, HEADS))["VGG16"][config.unfreeze] == 55.0
