"""Several processes compute one pass: nothing is lost, nothing is mixed up, whoever dies."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import h5py
import numpy as np
import pytest

from tests.trainables import passes
from tests.trainables.passes import (
    BATCH,
    BATCHES,
    HELPER,
    KEYS,
    OWNER,
    ROWS,
    VALUES,
    at,
    computed,
    computing,
    take_part,
)
from trainables.features.shared_pass import Pass, Work

ALL = list(range(0, ROWS, BATCH))
FIRST = f"{HELPER}0"


def check_whole(folder: Path, alone: Path) -> None:
    """The files are those that one process makes, bit for bit, and nothing else is left."""
    take_part(alone, computing(alone, OWNER))
    assert passes.contents(folder) == passes.contents(alone)
    assert list((folder / "features").glob(".part-*")) == []
    for key, values in zip(KEYS, VALUES, strict=True):
        found = passes.store(folder).open(key, ROWS)
        assert found is not None
        np.testing.assert_array_equal(found.rows, values.astype(key.dtype))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "shared"
    place.mkdir()
    return place


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    place = tmp_path / "alone"
    place.mkdir()
    return place


@pytest.fixture
def running() -> list[Popen[str]]:
    """Processes that a test has started."""
    return []


def test_a_helper_that_dies_in_a_batch_loses_nothing(
    folder: Path, alone: Path, running: list[Popen[str]]
) -> None:
    def meanwhile() -> None:
        running.append(passes.started(folder, FIRST, "at(1, die)"))
        assert passes.said(running[0]) == ""

    _, filled = take_part(folder, computing(folder, OWNER, at(0, meanwhile)))
    assert running[0].returncode == -9
    assert computed(folder, HELPER) == [BATCH]
    assert sorted(computed(folder)) == ALL
    assert filled.rows_computed == ROWS - BATCH
    check_whole(folder, alone)


def test_a_helper_that_dies_while_it_is_waited_for_loses_nothing(
    folder: Path, alone: Path, running: list[Popen[str]]
) -> None:
    def kill_at_the_end() -> None:
        passes.until(lambda: len(computed(folder)) == BATCHES - 1)
        time.sleep(0.3)
        running[0].kill()

    def meanwhile() -> None:
        running.append(passes.started(folder, FIRST, "at(1, hang)"))
        threading.Thread(target=kill_at_the_end).start()
        passes.helped_by(folder, 1)()

    _, filled = take_part(folder, computing(folder, OWNER, at(0, meanwhile)))
    assert passes.said(running[0]) == ""
    assert sorted(computed(folder)) == ALL
    assert 0.25 < filled.seconds_waiting < 60
    check_whole(folder, alone)


def test_a_helper_takes_over_from_an_owner_that_dies(folder: Path, alone: Path) -> None:
    owner = passes.started(folder, OWNER, "at(0, helped_by(folder, 1), die)")
    passes.until(lambda: passes.progress(folder))
    died = at(1, lambda: passes.said(owner))
    helped, filled = take_part(folder, computing(folder, FIRST, died))
    assert owner.returncode == -9
    assert helped.rows_computed == 2 * BATCH
    assert filled.rows_computed == ROWS
    assert filled.bytes_stored == ROWS * sum(key.row_bytes for key in KEYS)
    check_whole(folder, alone)


def test_a_helper_that_fails_stops_and_spoils_nothing(
    folder: Path, alone: Path, running: list[Popen[str]]
) -> None:
    def meanwhile() -> None:
        running.append(passes.started(folder, FIRST, "at(1, fail)"))
        assert running[0].stderr is not None
        warning = running[0].stderr.readline()
        assert warning == "cannot help to compute features: MemoryError: no room for this\n"

    take_part(folder, computing(folder, OWNER, at(0, meanwhile)))
    assert (passes.said(running[0]), running[0].returncode) == ("", 0)
    assert computed(folder, HELPER) == [BATCH]
    assert sorted(computed(folder)) == ALL
    check_whole(folder, alone)


def test_an_owner_that_fails_leaves_the_pass_to_who_waits(folder: Path, alone: Path) -> None:
    owner = passes.started(folder, OWNER, "at(0, helped_by(folder, 1), fail)")
    passes.until(lambda: passes.progress(folder))
    failed = at(1, lambda: passes.said(owner))
    helped, filled = take_part(folder, computing(folder, FIRST, failed))
    assert owner.returncode == 1
    assert (helped.rows_computed, filled.rows_computed) == (2 * BATCH, ROWS)
    check_whole(folder, alone)


def test_who_cannot_compute_the_same_bits_waits(
    folder: Path, alone: Path, running: list[Popen[str]]
) -> None:
    def meanwhile() -> None:
        running.append(passes.started(folder, FIRST, joins=False))
        passes.until((folder / "asked").exists)

    take_part(folder, computing(folder, OWNER, at(0, meanwhile)))
    assert (passes.said(running[0]), running[0].returncode) == ("", 0)
    assert computed(folder, HELPER) == []
    check_whole(folder, alone)


@pytest.mark.parametrize("helpers", [1, 2])
def test_processes_share_a_pass_and_compute_each_batch_once(
    folder: Path, alone: Path, running: list[Popen[str]], helpers: int
) -> None:
    def meanwhile() -> None:
        together = f"at(1, helped_by(folder, {helpers}))"
        for number in range(helpers):
            running.append(passes.started(folder, f"{HELPER}{number}", together))
        passes.helped_by(folder, helpers)()

    _, filled = take_part(folder, computing(folder, OWNER, at(0, meanwhile)))
    assert [passes.said(one) for one in running] == [""] * helpers
    assert sorted(computed(folder)) == ALL
    own = sum(min(BATCH, ROWS - row) for row in computed(folder, OWNER))
    assert (filled.rows_computed, own < ROWS) == (own, True)
    assert filled.bytes_stored == ROWS * sum(key.row_bytes for key in KEYS)
    check_whole(folder, alone)


def test_what_a_killed_process_announced_is_over_at_the_next_turn(folder: Path) -> None:
    assert passes.said(passes.started(folder, OWNER, "at(1, die)")) == ""
    assert len(passes.progress(folder)) == 1
    with passes.store(folder).filling(passes.GROUP, lambda _: None):
        assert passes.progress(folder) == []


Write = Callable[[int, Any, int], int]
LARGER_THAN_A_SLOT = 100


def test_rows_that_are_damaged_on_their_way_to_the_disk_are_noticed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Write = os.pwrite

    def damaging(file: int, data: Any, place: int) -> int:
        if len(data) > LARGER_THAN_A_SLOT:
            data = bytes([data[0] ^ 1, *data[1:]])
        return write(file, data, place)

    monkeypatch.setattr(os, "pwrite", damaging)
    take_part(folder, computing(folder, OWNER))
    assert [passes.store(folder).open(key, ROWS) for key in KEYS] == [None, None]


def test_a_system_that_writes_less_than_asked_is_asked_again(
    folder: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Write = os.pwrite

    def halving(file: int, data: Any, place: int) -> int:
        return write(file, data[: max(len(data) // 2, LARGER_THAN_A_SLOT)], place)

    monkeypatch.setattr(os, "pwrite", halving)
    take_part(folder, computing(folder, OWNER))
    check_whole(folder, alone)


def test_a_file_with_one_sum_of_all_rows_as_it_used_to_be_is_computed_again(folder: Path) -> None:
    take_part(folder, computing(folder, OWNER))
    features = passes.store(folder)
    with h5py.File(features.folder / f"{KEYS[0].name}.h5", "r+") as file:
        attributes = file["features"].attrs
        attributes["crc32"] = zlib.crc32(VALUES[0].tobytes())
        del attributes["rows_per_sum"]
    assert features.open(KEYS[0], ROWS) is None
    assert not features.has(KEYS[0])
    take_part(folder, computing(folder, OWNER))
    assert features.open(KEYS[0], ROWS) is not None


def test_a_pass_that_runs_is_not_taken_for_a_dead_one(folder: Path) -> None:
    left = []

    def meanwhile() -> None:
        work = Work(lambda window: [VALUES[0][window]])
        key = replace(KEYS[0], weights="x" * 64)
        passes.store(folder).fill("another", [key], ROWS, lambda _: work, batch=BATCH)
        left.append(len(passes.progress(folder)))

    take_part(folder, computing(folder, OWNER, at(1, meanwhile)))
    assert left == [1]


def test_a_pass_is_read_as_it_was_announced() -> None:
    whole = Pass(ROWS, BATCH, (1, 2), 3, KEYS, ("a", "b"), (10, 20))
    assert Pass.read(whole.line) == whole
