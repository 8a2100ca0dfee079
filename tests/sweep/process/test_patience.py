"""When a silent training process is taken for one that hangs."""

from __future__ import annotations

import pytest

from sweep.process.activity import Activity
from sweep.process.patience import LEAST_SECONDS, LOADING, Patience, SignOfLife


class Clock:
    """Tells the seconds that it was set to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> Patience:
    """Of a process that builds."""
    known = Patience(clock=clock)
    known.heard(Activity("building"))
    return known


def test_a_process_that_says_nothing_for_a_minute_hangs(clock: Clock, patience: Patience) -> None:
    clock.now += LEAST_SECONDS - 0.1
    assert patience.seconds_left > 0
    clock.now += 0.2
    assert patience.seconds_left <= 0
    assert patience.verdict == "no sign of life for 60 s"


def test_a_process_that_lives_but_makes_no_step_hangs(clock: Clock, patience: Patience) -> None:
    patience.heard(Activity("training", 0.1))
    for _ in range(int(LEAST_SECONDS)):
        assert patience.seconds_left > 0
        clock.now += 1
        patience.heard(SignOfLife())
    assert patience.seconds_left <= 0
    assert patience.verdict == "no step for 60 s"


@pytest.mark.parametrize("stage", ["waiting for features", "features", "tracing", "writing"])
def test_a_process_that_lives_may_wait_build_and_write_for_hours(
    stage: str, clock: Clock, patience: Patience
) -> None:
    patience.heard(Activity(stage))
    for _ in range(7200):
        clock.now += 1
        patience.heard(SignOfLife())
    assert patience.seconds_left > 0


def test_a_step_may_take_many_times_the_longest_that_was_seen(
    clock: Clock, patience: Patience
) -> None:
    clock.now += 30  # traced
    patience.heard(Activity("training", 0.1))
    assert patience.seconds_left == pytest.approx(20 * 30)


def test_a_library_that_loads_may_take_ten_minutes(clock: Clock) -> None:
    starting = Patience(clock=clock)
    assert starting.seconds_left == pytest.approx(10 * LEAST_SECONDS)
    starting.heard(Activity(LOADING))
    assert starting.seconds_left == pytest.approx(10 * LEAST_SECONDS)


def test_the_time_between_two_trials_is_no_silence(clock: Clock, patience: Patience) -> None:
    clock.now += 10_000
    patience.start()
    assert patience.seconds_left == pytest.approx(LEAST_SECONDS)
