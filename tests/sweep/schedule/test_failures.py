"""A sweep of which every trial fails alike is ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from results.ledger.records import Status, TrialRecord
from search_spaces.refusals import EnvironmentRefusal
from sweep.schedule.failures import MOST_IN_A_ROW, Failures
from tests.sweep.helpers import record


def failed(number: int, error: str = "InternalError: no GPU 7") -> TrialRecord:
    return replace(record("VGG16", number, [], status=Status.FAILED), error=error)


def test_a_few_failures_in_a_row_end_the_sweep_with_the_first_cause() -> None:
    failures = Failures()
    for number in range(MOST_IN_A_ROW - 1):
        failures.add(failed(number, f"InternalError: no GPU {number}"))
    with pytest.raises(EnvironmentRefusal, match=r"5 trials in a row.*no GPU 0.*VGG16/baseline"):
        failures.add(failed(9))


@pytest.mark.parametrize(
    "success",
    [record("VGG16", 0), record("VGG16", 0, [], status=Status.FAILED, diverged=True)],
)
@pytest.mark.parametrize("before", [True, False])
def test_one_success_of_this_start_or_an_earlier_one_lets_the_sweep_go_on(
    success: TrialRecord, before: bool
) -> None:
    failures = Failures([success] if before else [])
    if not before:
        failures.add(success)
    for number in range(1, 20):
        failures.add(failed(number))


def test_failures_of_several_kinds_say_nothing_about_the_next() -> None:
    failures = Failures()
    for number in range(20):
        failures.add(failed(number, ("InternalError: a", "ValueError: b")[number % 2]))


def test_failures_of_an_earlier_start_are_not_counted() -> None:
    failures = Failures([failed(number) for number in range(MOST_IN_A_ROW)])
    failures.add(failed(9))
