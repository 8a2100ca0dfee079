"""Small versions of what `make crash-test` does at length: see the modules beside this one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.crash.alone import alone, together
from tests.crash.damage import dataset_flips, resumed_cuts
from tests.crash.database import database
from tests.crash.faults import faults
from tests.crash.kills import kills
from tests.crash.limits import limits
from tests.crash.locks import crowds
from tests.crash.malformed import malformed
from tests.crash.moved import circumstances
from tests.crash.odd_names import odd_names
from tests.crash.row import Row
from tests.crash.soak import soak
from tests.crash.stages import stage_faults
from tests.crash.timing import orders

SEED = 2026


def hold(row: Row) -> None:
    assert row.holds, (row.faults, row.examples)


def test_a_sweep_that_is_killed_at_random_moments_trains_every_trial_once() -> None:
    row = alone(kills, SEED, 25)
    hold(row)
    assert row.count == 25


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_kills_lose_and_repeat_nothing() -> None:
    row = together(partial(kills, SEED + 1, 500), partial(kills, SEED + 2, 500))
    hold(row)
    assert row.count == 1000


def test_some_disk_operations_fail_and_the_resume_ends_right() -> None:
    row = alone(faults, SEED, 25)
    hold(row)
    assert row.count == 25


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_disk_operation_fails_once_in_every_way_and_the_resume_ends_right() -> None:
    row = together(*(partial(faults, SEED, part=part, parts=2) for part in range(2)))
    hold(row)
    assert row.count > 500


@pytest.mark.slow
def test_what_is_written_beside_the_ledger_is_whole_after_a_fault() -> None:
    row = together(*(partial(stage_faults, SEED, part, 8) for part in (3, 6)))
    hold(row)
    assert row.count > 200


@pytest.mark.slow
def test_a_database_that_cannot_be_written_stops_no_sweep_and_is_made_anew() -> None:
    hold(alone(database, SEED, 10))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="needs Linux's /proc")
def test_fifty_trials_leave_the_driver_as_large_as_ten_did() -> None:
    row = alone(soak, SEED, 50)
    hold(row)
    assert row.count >= 50


@pytest.mark.slow
def test_classes_and_files_with_hostile_names_come_to_a_report_that_names_them_as_they_are() -> (
    None
):
    hold(alone(odd_names, SEED, 6))


@pytest.mark.slow
def test_a_sweep_out_of_inodes_or_descriptors_names_them_and_goes_on_later() -> None:
    hold(alone(limits, SEED, 10))


def test_four_commands_on_one_folder_are_one_that_works_and_three_that_refuse() -> None:
    hold(alone(crowds, SEED, rounds=4, processes=4))


def test_the_list_of_trials_does_not_depend_on_how_they_overlap() -> None:
    hold(alone(orders, SEED, runs=2))


def test_a_run_resumed_elsewhere_or_with_something_changed_goes_on_or_says_what() -> None:
    hold(alone(circumstances, SEED))


def test_a_bit_flipped_in_a_cached_dataset_is_found_or_of_no_consequence() -> None:
    hold(alone(dataset_flips, SEED, 30))


def test_a_resume_after_any_file_was_cut_works_or_refuses_in_one_line() -> None:
    hold(alone(resumed_cuts, SEED, 30))


def test_malformed_input_is_refused_in_one_line_and_sound_input_is_not() -> None:
    hold(alone(malformed, SEED, 100))


@pytest.mark.slow
def test_five_hundred_malformed_inputs_are_refused_in_one_line() -> None:
    hold(alone(malformed, SEED + 1, 500))
