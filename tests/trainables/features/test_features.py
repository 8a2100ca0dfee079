"""The feature store, filled by functions of numbers: whole or absent, bounded, never mixed up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from tests.trainables.features.rows import (
    KEY,
    OTHERS,
    ROOT,
    ROWS,
    SMALLER,
    VALUES,
    blank,
    compute,
    compute_one,
    fill,
)
from trainables.features.store import FeatureStore

Write = Callable[[int, Any, int], int]


@pytest.mark.parametrize("batches", range(5))
def test_a_fill_that_ends_in_the_middle_leaves_nothing(store: FeatureStore, batches: int) -> None:
    def until_killed(window: slice) -> list[NDArray[Any]]:
        if window.start >= 8 * batches:
            raise KeyboardInterrupt
        return compute(window)

    with pytest.raises(KeyboardInterrupt):
        fill(store, [KEY, SMALLER], until_killed)
    assert list(store.folder.glob("*.h5")) == list(store.folder.glob(".part-*")) == []
    assert store.open(KEY, ROWS) is None


def test_rows_that_were_not_computed_are_never_stored(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match="all rows must be written, 32 are missing"):
        fill(store, [KEY], lambda window: [VALUES[window][:1]])
    assert store.open(KEY, ROWS) is None


def test_rows_of_another_shape_are_never_stored(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match=r"must have the shape \(3, 2\), got \(5,\)"):
        fill(store, [KEY], lambda window: [OTHERS[window]])
    assert store.open(KEY, ROWS) is None


def test_what_half_precision_cannot_hold_is_refused_and_leaves_nothing(store: FeatureStore) -> None:
    half = replace(KEY, dtype="float16")
    with pytest.raises(UsageRefusal, match=r"VGG16's layer 7 reach 7e[+]04, float16 ends at 65504"):
        fill(store, [half], lambda window: [VALUES[window] + 7e4])
    assert not store.has(half)


def test_what_a_killed_process_left_is_removed_by_the_next_fill(store: FeatureStore) -> None:
    code = (
        "import os, sys, pathlib, numpy as np\n"
        "from tests.trainables.features.rows import *\n"
        "def work(window):\n"
        "    if window.start: os.kill(os.getpid(), 9)\n"
        "    return compute_one(window)\n"
        "store = FeatureStore(pathlib.Path(sys.argv[1]), 10**9)\n"
        "with store.group_locked('another'): fill(store, [KEY], work)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], cwd=ROOT, check=False, timeout=60
    )
    assert ended.returncode == -9
    assert list(store.folder.glob("*.h5")) == []
    assert len(list(store.folder.glob(".part-*"))) == 1
    with store.group_locked("another"):
        fill(store, [KEY], compute_one)
    assert list(store.folder.glob(".part-*")) == []
    assert store.open(KEY, ROWS) is not None


def test_a_system_that_writes_less_than_asked_is_asked_again(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, place: write(file, data[:13], place))
    fill(store, [KEY], compute_one)
    found = store.open(KEY, ROWS)
    assert found is not None
    np.testing.assert_array_equal(found.rows, VALUES)


def test_a_file_that_is_being_written_is_not_taken_for_a_dead_one(store: FeatureStore) -> None:
    def meanwhile(window: slice) -> list[NDArray[Any]]:
        if window.start == 8:
            fill(store, [SMALLER], lambda window: [OTHERS[window]])
        return compute_one(window)

    fill(store, [KEY], meanwhile)
    assert store.open(KEY, ROWS) is not None
    assert store.open(SMALLER, ROWS) is not None


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), 9)"], ids=["ends", "dies"])
def test_a_group_is_waited_for_until_its_process_has_ended_or_died(
    store: FeatureStore, end: str
) -> None:
    code = (
        "import os, sys, time\n"
        "from tests.trainables.features.rows import *\n"
        "with FeatureStore(Path(sys.argv[1]), 10**9).group_locked('group'):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(0.5)\n"
        f"    {end}\n"
    )
    command = [sys.executable, "-c", code, str(store.folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with store.group_locked("another group") as waited:
            assert waited < 0.4
        with store.group_locked("group") as waited:
            assert 0.2 < waited < 60


def test_a_full_disk_is_refused_and_leaves_nothing(tiny_disk: Path) -> None:
    store = FeatureStore(tiny_disk / "features", 10**9, leave_free=-(10**9))
    fill(store, [KEY], compute_one)
    large = replace(KEY, shape=(10_000,))
    with pytest.raises(EnvironmentRefusal, match="the disk is full") as refused:
        fill(store, [large], blank((10_000,)))
    assert str(tiny_disk) in str(refused.value)
    assert [path.stem for path in store.folder.glob("*.h5")] == [KEY.name]
    assert list(store.folder.glob(".part-*")) == []
    assert store.open(KEY, ROWS) is not None


def test_on_a_disk_without_room_to_spare_nothing_is_stored(tiny_disk: Path) -> None:
    store = FeatureStore(tiny_disk / "features", 10**9)
    assert fill(store, [KEY], compute_one) == []
    assert store.open(KEY, ROWS) is None


def test_rows_come_back_as_they_were_stored(store: FeatureStore) -> None:
    written = fill(store, [KEY, SMALLER], compute)
    assert sum(key.row_bytes for key in written) == 6 * 4 + 5 * 2
    for key, values in ((KEY, VALUES), (SMALLER, OTHERS.astype(np.float16))):
        found = store.open(key, ROWS)
        assert found is not None
        np.testing.assert_array_equal(found.rows, values)
        assert found.rows.dtype.name == key.dtype
        assert not found.rows.flags.writeable


@pytest.mark.parametrize("batch", [1, 7, ROWS, 1000])
def test_the_size_of_the_batches_does_not_matter(store: FeatureStore, batch: int) -> None:
    fill(store, [KEY], compute_one, batch=batch)
    found = store.open(KEY, ROWS)
    assert found is not None
    np.testing.assert_array_equal(found.rows, VALUES)


@pytest.mark.parametrize(
    "change",
    [
        {"photos": "q" * 64},
        {"backbone": "VGG19"},
        {"weights": "x" * 64},
        {"scaling": "unit"},
        {"node": 8},
        {"layer": "Dense"},
        {"shape": (2, 3)},
        {"dtype": "float16"},
        {"numerics": "keras 4"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_key_is_in_its_name(
    store: FeatureStore, filled: Path, change: dict[str, Any]
) -> None:
    assert replace(KEY, **change).name != KEY.name == filled.stem
    assert store.open(replace(KEY, **change), ROWS) is None
    assert (store.has(replace(KEY, **change)), store.has(KEY)) == (False, True)
