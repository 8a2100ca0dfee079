"""The feature store, filled by functions of numbers: whole or absent, bounded, never mixed up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from search_spaces.refusals import EnvironmentRefusal
from trainables.features.shared_pass import Compute, Work
from trainables.features.store import FeatureKey, FeatureStore

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


def fill(store: FeatureStore, keys: Sequence[FeatureKey], work: Compute) -> int:
    return store.fill("group", keys, ROWS, lambda _: Work(work), batch=8).bytes_stored


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A store with room for all."""
    return FeatureStore(tmp_path / "features", 10**9)


@pytest.fixture
def filled(store: FeatureStore) -> Path:
    """The file of one layer's rows."""
    fill(store, [KEY], compute_one)
    return next(store.folder.glob("*.h5"))


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
    with pytest.raises(ValueError, match="were asked"):
        fill(store, [KEY], lambda window: [VALUES[window][:1]])
    assert store.open(KEY, ROWS) is None


def test_what_a_killed_process_left_is_removed_by_the_next_fill(store: FeatureStore) -> None:
    code = (
        "import os, sys, pathlib, numpy as np\n"
        "from tests.trainables.test_features import *\n"
        "def work(window):\n"
        "    if window.start: os.kill(os.getpid(), 9)\n"
        "    return compute_one(window)\n"
        "store = FeatureStore(pathlib.Path(sys.argv[1]), 10**9)\n"
        "with store.filling('another', lambda _: None):\n"
        "    store.fill('another', [KEY], ROWS, lambda _: Work(work), batch=8)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(store.folder)], cwd=ROOT, check=False, timeout=60
    )
    assert ended.returncode == -9
    assert list(store.folder.glob("*.h5")) == []
    assert len(list(store.folder.glob(".part-*"))) == 2
    fill(store, [KEY], compute_one)
    assert list(store.folder.glob(".part-*")) == []
    assert store.open(KEY, ROWS) is not None


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9])
def test_a_truncated_file_is_removed_and_computed_again(
    store: FeatureStore, filled: Path, share: float
) -> None:
    with filled.open("r+b") as file:
        file.truncate(int(filled.stat().st_size * share))
    assert store.open(KEY, ROWS) is None
    assert not filled.exists()
    fill(store, [KEY], compute_one)
    assert store.open(KEY, ROWS) is not None


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0], ids=["first", "middle", "last"])
def test_one_flipped_bit_removes_the_file(store: FeatureStore, filled: Path, place: float) -> None:
    with h5py.File(filled, "r") as file:
        first, size = file["features"].id.get_offset(), file["features"].id.get_storage_size()
    content = bytearray(filled.read_bytes())
    content[first + int(place * (size - 1))] ^= 1
    filled.write_bytes(content)
    assert store.open(KEY, ROWS) is None
    assert not filled.exists()


@pytest.mark.parametrize("name", ["crc32", "rows_per_sum"])
def test_a_file_without_a_sum_is_not_used(store: FeatureStore, filled: Path, name: str) -> None:
    with h5py.File(filled, "r+") as file:
        del file["features"].attrs[name]
    assert store.open(KEY, ROWS) is None


def test_a_file_of_another_key_under_this_name_is_not_used(
    store: FeatureStore, filled: Path
) -> None:
    other = replace(KEY, weights="x" * 64)
    filled.rename(store.folder / f"{other.name}.h5")
    assert store.open(other, ROWS) is None


@pytest.mark.usefixtures("filled")
def test_a_file_is_summed_once_a_process(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.open(KEY, ROWS) is not None
    monkeypatch.setattr("trainables.features.file.zlib.crc32", lambda *_: 1 / 0)
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
    assert fill(store, [KEY], compute_one) == 0
    assert store.open(KEY, ROWS) is None


def test_rows_come_back_as_they_were_stored(store: FeatureStore) -> None:
    written = fill(store, [KEY, SMALLER], compute)
    assert written == ROWS * (6 * 4 + 5 * 2)
    for key, values in ((KEY, VALUES), (SMALLER, OTHERS.astype(np.float16))):
        found = store.open(key, ROWS)
        assert found is not None
        np.testing.assert_array_equal(found.rows, values)
        assert found.rows.dtype.name == key.dtype
        assert not found.rows.flags.writeable


@pytest.mark.parametrize("batch", [1, 7, ROWS, 1000])
def test_the_size_of_the_batches_does_not_matter(store: FeatureStore, batch: int) -> None:
    store.fill("group", [KEY], ROWS, lambda _: Work(compute_one), batch=batch)
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
