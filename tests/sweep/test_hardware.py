"""How trials share a machine: what was typed comes first, and more than there is is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.refusals import UsageRefusal
from search_spaces.settings import RunSettings
from sweep.hardware import (
    Hardware,
    Machine,
    detect,
    gpus_needed,
    share,
    trials_that_fit,
    usable,
)
from sweep.terminal.arguments import parse_arguments
from tests.results.helpers import make_run_record


def shared(
    words: str,
    *,
    cpus: int = 2,
    gb: int = 64,
    gpus: int = 0,
    trials: int = 126,
    resumed: RunSettings | None = None,
) -> Machine:
    hardware = Hardware(cpus, gb * 1000, gpus, "test")
    return share(parse_arguments(words.split()), hardware, most_trials=trials, resumed=resumed)


def run_with_cache(folder: Path) -> RunSettings:
    """A run that may keep five bytes of features there."""
    run = make_run_record(("cats", "dogs"), ("VGG16/baseline",))
    return dataclasses.replace(run.settings, cache_dir=str(folder), max_cache=5)


@pytest.mark.parametrize(
    ("words", "gpus", "flag", "fix"),
    [
        ("--cpus-per-trial 3", 0, "--cpus-per-trial", "at most 2"),
        ("--gpus-per-trial 1", 0, "--gpus-per-trial", "at most 0"),
        ("--gpus-per-trial 0.1", 0, "--gpus-per-trial", "at most 0"),
        ("--gpus-per-trial 2", 1, "--gpus-per-trial", "at most 1"),
        ("--max-concurrent 1000000", 0, "--max-concurrent", "at most 16"),
    ],
)
def test_a_trial_that_needs_more_than_there_is_is_refused(
    words: str, gpus: int, flag: str, fix: str
) -> None:
    with pytest.raises(UsageRefusal) as refused:
        shared(words, gpus=gpus)
    assert refused.value.where == flag
    assert fix in str(refused.value)


@pytest.mark.parametrize(
    ("words", "gpus", "fix"),
    [
        ("--gpus-per-trial 0.6 --max-concurrent 6", 4, "at most 4"),  # not 4 / 0.6 = 6.7
        ("--gpus-per-trial 1 --max-concurrent 3", 2, "at most 2"),
        ("--gpus-per-trial 2 --max-concurrent 2", 3, "at most 1"),
    ],
)
def test_more_trials_at_a_time_than_fit_on_the_gpus_are_refused(
    words: str, gpus: int, fix: str
) -> None:
    with pytest.raises(UsageRefusal, match="do not fit on") as refused:
        shared(words, cpus=16, gpus=gpus)
    assert refused.value.where == "--max-concurrent"
    assert fix in str(refused.value)


@given(gpus=st.integers(1, 16), trials=st.integers(1, 100))
def test_as_many_trials_as_were_typed_fit_on_the_gpus(gpus: int, trials: int) -> None:
    machine = shared(f"--max-concurrent {trials}", cpus=32, gb=512, gpus=gpus)
    assert machine.max_concurrent == trials
    assert trials_that_fit(gpus, machine.gpus_per_trial) >= trials


@given(
    trials=st.integers(1, 100),
    gpus_per_trial=st.sampled_from([0.1, 0.166, 0.333, 0.5, 0.6, 1.0, 2.0]),
)
def test_the_gpus_that_ray_is_told_of_are_just_enough(trials: int, gpus_per_trial: float) -> None:
    gpus = gpus_needed(trials, gpus_per_trial)
    assert trials_that_fit(gpus, gpus_per_trial) >= trials
    assert trials_that_fit(gpus - 1, gpus_per_trial) < trials


def test_no_gpu_is_needed_for_trials_without_one() -> None:
    assert gpus_needed(8, 0.0) == 0


def test_a_cluster_may_have_more_than_this_machine() -> None:
    machine = shared("--address 10.0.0.1:6379 --cpus-per-trial 16 --gpus-per-trial 4")
    assert (machine.address, machine.cpus_per_trial, machine.gpus_per_trial) == (
        "10.0.0.1:6379",
        16,
        4,
    )


@pytest.mark.parametrize(
    ("words", "cpus", "gb", "gpus", "trials", "expected"),
    [
        # words, processors, GB, GPUs, trials -> at a time, processors each, GPUs each
        ("", 1, 64, 0, 126, (1, 1, 0.0)),
        ("", 2, 64, 0, 126, (2, 1, 0.0)),
        ("", 8, 64, 0, 126, (8, 1, 0.0)),
        ("", 64, 512, 0, 126, (8, 8, 0.0)),  # the disk feeds no more than eight
        ("", 16, 16, 0, 126, (3, 5, 0.0)),  # by memory
        ("", 4, 2, 0, 126, (1, 4, 0.0)),  # less memory than one trial needs: one
        ("", 16, 64, 1, 126, (1, 16, 1.0)),
        ("", 16, 64, 4, 126, (4, 4, 1.0)),
        ("", 16, 64, 0, 6, (6, 2, 0.0)),  # fewer trials get more processors each
        ("", 16, 64, 0, 1, (1, 16, 0.0)),
        ("--gpus-per-trial 0.5", 16, 64, 1, 126, (2, 8, 0.5)),
        ("--gpus-per-trial 0.1", 16, 128, 1, 126, (8, 2, 0.1)),
        ("--gpus-per-trial 2", 16, 64, 4, 126, (2, 8, 2.0)),
        ("--gpus-per-trial 0.6", 16, 64, 4, 126, (4, 4, 0.6)),  # one on each, not six on four
        ("--max-concurrent 3", 16, 64, 2, 126, (3, 5, 0.5)),  # 2/3 each would let two run
        ("--max-concurrent 3", 16, 64, 1, 126, (3, 5, 0.333)),
        ("--gpus-per-trial 0", 4, 64, 4, 126, (4, 1, 0.0)),
        ("--cpus-per-trial 2", 4, 64, 0, 126, (2, 2, 0.0)),
        ("--cpus-per-trial 3", 8, 64, 0, 126, (2, 3, 0.0)),
        ("--max-concurrent 1", 8, 64, 0, 126, (1, 8, 0.0)),
        ("--max-concurrent 3", 8, 64, 0, 126, (3, 2, 0.0)),
        ("--max-concurrent 5", 2, 64, 0, 126, (5, 1, 0.0)),  # typed: obeyed
        ("--max-concurrent 9", 8, 64, 0, 4, (4, 2, 0.0)),
    ],
)
def test_the_machine_is_divided_among_trials(
    words: str, cpus: int, gb: int, gpus: int, trials: int, expected: tuple[int, int, float]
) -> None:
    machine = shared(words, cpus=cpus, gb=gb, gpus=gpus, trials=trials)
    assert (machine.max_concurrent, machine.cpus_per_trial, machine.gpus_per_trial) == expected


def test_budgets_and_folders_are_taken_as_typed(tmp_path: Path) -> None:
    machine = shared(
        f"--cache-dir {tmp_path}/new --max-cache 2GB --time-budget 90m --max-disk 500MB"
    )
    assert machine.cache_dir == tmp_path / "new"
    assert (machine.max_cache, machine.time_budget, machine.max_disk) == (
        2 * 10**9,
        5400.0,
        5 * 10**8,
    )
    assert not machine.cache_dir.exists()


def test_without_a_word_the_cache_has_half_of_the_disk_and_there_is_no_budget(
    tmp_path: Path,
) -> None:
    machine = shared(f"--cache-dir {tmp_path}")
    assert machine.max_cache > 0
    assert (machine.time_budget, machine.max_disk) == (None, None)


def test_what_the_cache_holds_does_not_shrink_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.hardware.free_megabytes", lambda _: 100)
    empty = shared(f"--cache-dir {tmp_path}").max_cache
    (tmp_path / "features").mkdir()
    (tmp_path / "features/layer.h5").write_bytes(bytes(10 * 2**20))
    monkeypatch.setattr("sweep.hardware.free_megabytes", lambda _: 90)
    assert shared(f"--cache-dir {tmp_path}").max_cache == empty == 50 * 2**20


def test_a_resumed_run_whose_cache_is_gone_has_this_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    machine = shared("", resumed=run_with_cache(tmp_path / "gone"))
    assert machine.cache_dir == tmp_path / "mine/transfer-sweep"
    assert machine.max_cache > 5


def test_a_resumed_run_goes_on_with_its_own_cache_unless_another_is_typed(tmp_path: Path) -> None:
    run = run_with_cache(tmp_path)
    machine = shared("", resumed=run)
    assert (machine.cache_dir, machine.max_cache) == (tmp_path, 5)
    typed = shared(f"--cache-dir {tmp_path}/new", resumed=run)
    assert typed.cache_dir == tmp_path / "new"
    assert typed.max_cache > 5
    assert shared("--max-cache 7GB", resumed=run).max_cache == 7 * 10**9


def test_a_relative_cache_is_made_absolute() -> None:
    assert shared("--cache-dir here").cache_dir == Path.cwd() / "here"


def test_this_machine_has_a_processor_and_memory() -> None:
    hardware = detect()
    assert hardware.cpus >= 1
    assert hardware.memory_megabytes > 100
    assert hardware.gpus >= 0
    assert set(hardware.to_dict()) == {"cpus", "memory_megabytes", "gpus", "name"}


@pytest.mark.parametrize(
    ("listed", "found", "left", "said"),
    [
        (0, 4, 0, ""),  # not asked at all
        (2, 2, 2, ""),
        (2, None, 2, ""),  # it could not be asked
        (2, 0, 0, "2 of them for this process, and TensorFlow finds none"),
        (2, 1, 1, "2 of them for this process, and TensorFlow finds 1"),
    ],
)
def test_gpus_that_tensorflow_does_not_find_are_told_and_not_planned_with(
    listed: int, found: int | None, left: int, said: str
) -> None:
    lines: list[str] = []
    hardware = usable(Hardware(2, 8000, listed, "test"), lambda: found, lines.append)
    assert hardware == Hardware(2, 8000, left, "test")
    assert [said in line for line in lines] == [True] * bool(said)


def test_tensorflow_is_asked_of_gpus_only_where_some_are_listed() -> None:
    def asked() -> int:
        raise AssertionError("it takes seconds to load")

    assert usable(Hardware(2, 8000, 0, "test"), asked, print).gpus == 0
