"""The feature store, filled by functions of numbers: whole or absent, bounded, never mixed up."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces.refusals import EnvironmentRefusal
from trainables.features import FeatureKey, FeatureStore

ROOT = Path(__file__).resolve().parents[2]
ROWS = 37
KEY = FeatureKey(
    photos="p" * 64,
    backbone="VGG16",
    weights="w" * 64,
    scaling="caffe",
    node=7,
    layer="Conv2D",
    shape=(3, 2),
    dtype="float32",
    numerics="keras 3",
)
SMALLER = replace(KEY, node=9, shape=(5,), dtype="float16")
VALUES = np.random.default_rng(0).random((ROWS, 3, 2), dtype=np.float32)
OTHERS = np.random.default_rng(1).random((ROWS, 5), dtype=np.float32)


def compute(window: slice) -> list[NDArray[Any]]:
    return [VALUES[window], OTHERS[window]]


def compute_one(window: slice) -> list[NDArray[Any]]:
    return [VALUES[window]]


def blank(shape: tuple[int, ...]) -> Callable[[slice], Sequence[NDArray[Any]]]:
    return lambda window: [np.zeros((window.stop - window.start, *shape), np.float32)]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A store with room for so many of these, each with its header."""
    return FeatureStore(tmp_path / "features", 10**9)


@pytest.fixture
def filled(store: FeatureStore) -> Path:
    """The file of one layer's rows."""
    store.fill([KEY], ROWS, compute_one, batch=8)
    return next(store.folder.glob("*.h5"))


@pytest.mark.parametrize("batches", range(5))
def test_a_fill_that_ends_in_the_middle_leaves_nothing(store: FeatureStore, batches: int) -> None:
    def until_killed(window: slice) -> list[NDArray[Any]]:
        if window.start >= 8 * batches:
            raise KeyboardInterrupt
        return compute(window)

    with pytest.raises(KeyboardInterrupt):
        store.fill([KEY, SMALLER], ROWS, until_killed, batch=8)
    assert list(store.folder.iterdir()) == []
    assert store.open(KEY, ROWS) is None


def test_a_process_killed_in_the_middle_leaves_nothing_under_the_final_name(
    store: FeatureStore,
) -> None:
    code = (
        "import os, sys, pathlib, numpy as np\n"
        "from tests.trainables.test_features import KEY, ROWS, FeatureStore, compute_one\n"
        "def work(window):\n"
        "    if window.start: os.kill(os.getpid(), 9)\n"
        "    return compute_one(window)\n"
        "FeatureStore(pathlib.Path(sys.argv[1]), 10**9).fill([KEY], ROWS, work, batch=8)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], cwd=ROOT, check=False, timeout=60
    )
    assert ended.returncode == -9
    assert list(store.folder.glob("*.h5")) == []
    [part] = store.folder.iterdir()
    os.utime(part, (time.time() - 25 * 3600,) * 2)
    store.fill([KEY], ROWS, compute_one, batch=8)
    assert not part.exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9])
def test_a_truncated_file_is_removed_and_computed_again(
    store: FeatureStore, filled: Path, share: float
) -> None:
    with filled.open("r+b") as file:
        file.truncate(int(filled.stat().st_size * share))
    assert store.open(KEY, ROWS) is None
    assert not filled.exists()
    store.fill([KEY], ROWS, compute_one, batch=8)
    assert store.open(KEY, ROWS) is not None


def test_a_file_not_marked_complete_is_not_used(store: FeatureStore, filled: Path) -> None:
    with h5py.File(filled, "r+") as file:
        del file["features"].attrs["complete"]
    assert store.open(KEY, ROWS) is None


@pytest.mark.parametrize("damage", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 5000])
def test_a_damaged_file_is_removed(store: FeatureStore, filled: Path, damage: bytes) -> None:
    filled.write_bytes(damage)
    assert store.open(KEY, ROWS) is None
    assert not filled.exists()


@pytest.mark.parametrize("asked", [(KEY, ROWS + 1), (SMALLER, ROWS)], ids=["rows", "shape"])
def test_a_file_of_another_shape_is_not_used(
    store: FeatureStore, filled: Path, asked: tuple[FeatureKey, int]
) -> None:
    filled.rename(store.folder / f"{asked[0].name}.h5")
    assert store.open(*asked) is None


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted as root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_refused_and_leaves_nothing(tiny_disk: Path) -> None:
    store = FeatureStore(tiny_disk / "features", 10**9)
    store.fill([KEY], ROWS, compute_one, batch=8)
    large = replace(KEY, shape=(10_000,))
    with pytest.raises(EnvironmentRefusal, match="the disk is full") as refused:
        store.fill([large], ROWS, blank((10_000,)), batch=8)
    assert str(tiny_disk) in str(refused.value)
    assert [path.stem for path in store.folder.iterdir()] == [KEY.name]
    assert store.open(KEY, ROWS) is not None


def test_rows_come_back_as_they_were_stored(store: FeatureStore) -> None:
    written = store.fill([KEY, SMALLER], ROWS, compute, batch=8)
    assert written == ROWS * (6 * 4 + 5 * 2)
    for key, values in ((KEY, VALUES), (SMALLER, OTHERS.astype(np.float16))):
        found = store.open(key, ROWS)
        assert found is not None
        np.testing.assert_array_equal(found.rows, values)
        assert found.rows.dtype.name == key.dtype
        assert not found.rows.flags.writeable


@pytest.mark.parametrize("batch", [1, 7, ROWS, 1000])
def test_the_size_of_the_batches_does_not_matter(store: FeatureStore, batch: int) -> None:
    store.fill([KEY], ROWS, compute_one, batch=batch)
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


def some(store: FeatureStore, *nodes: int) -> list[FeatureKey]:
    """Layers of 100 kB in all, computed, the last one used last."""
    keys = [replace(KEY, node=node, shape=(1000,)) for node in nodes]
    for age, key in enumerate(keys):
        store.fill([key], 25, blank((1000,)), batch=25)
        stamp = time.time() - 1000 + age
        os.utime(store.folder / f"{key.name}.h5", (stamp, stamp))
    return keys


def budgeted(tmp_path: Path, files: float) -> FeatureStore:
    """A store with room for so many of these, each with its header."""
    return FeatureStore(tmp_path / "features", int(files * 120_000))


def left(store: FeatureStore, keys: Sequence[FeatureKey]) -> list[bool]:
    return [store.has(key) for key in keys]


def test_nothing_is_affordable_that_is_larger_than_the_budget(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 2.4)
    keys = some(store, 1, 2)
    assert store.affordable([replace(keys[0], node=3, shape=(3000,))], 25) == []
    assert left(store, keys) == [True, True]
    assert budgeted(tmp_path, 0).affordable([KEY], ROWS) == []


def test_the_least_recently_used_gives_way(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 4)
    keys = some(store, 1, 2, 3)
    opened = store.open(keys[0], 25)  # used just now
    del opened
    wanted = [replace(keys[0], node=4), replace(keys[0], node=5)]
    assert store.affordable(wanted, 25) == wanted
    assert left(store, keys) == [True, False, True]


def test_a_file_in_use_never_gives_way(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 2.4)
    keys = some(store, 1, 2)
    used = [store.open(key, 25) for key in keys]
    new = replace(keys[0], node=3)
    assert store.affordable([new], 25) == []
    assert left(store, keys) == [True, True]
    used.pop(0)
    assert store.affordable([new], 25) == [new]
    assert left(store, keys) == [False, True]


def test_of_several_layers_those_are_chosen_that_the_budget_has_room_for(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 2.4)
    keys = [replace(KEY, node=node, shape=(1000,)) for node in (1, 2, 3)]
    assert store.affordable(keys, 25) == keys[:2]
    assert store.affordable([replace(keys[0], shape=(9000,)), *keys[1:]], 25) == keys[1:]
