"""A feature file that is not as it was written is never read."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.trainables.features.rows import (
    KEY,
    ROWS,
    SMALLER,
    VALUES,
    compute,
    compute_one,
    fill,
)
from trainables.features.file import FeatureKey
from trainables.features.store import FeatureStore

Write = Callable[[int, Any, int], int]


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


@pytest.mark.parametrize("name", ["crc32", "key"])
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


def test_rows_that_are_damaged_on_their_way_to_the_disk_are_noticed(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write: Write = os.pwrite

    def damaging(file: int, data: Any, place: int) -> int:
        return write(file, bytes([data[0] ^ 1, *data[1:]]), place)

    monkeypatch.setattr(os, "pwrite", damaging)
    fill(store, [KEY, SMALLER], compute)
    assert [store.open(key, ROWS) for key in (KEY, SMALLER)] == [None, None]


def test_a_file_with_a_sum_of_sums_as_it_used_to_be_is_computed_again(
    store: FeatureStore, filled: Path
) -> None:
    with h5py.File(filled, "r+") as file:
        attributes = file["features"].attrs
        sums = [zlib.crc32(VALUES[start : start + 8].tobytes()) for start in range(0, ROWS, 8)]
        attributes["crc32"] = zlib.crc32(np.asarray(sums, "<u4").tobytes())
        attributes["rows_per_sum"] = 8
    assert store.open(KEY, ROWS) is None
    assert not store.has(KEY)
    fill(store, [KEY], compute_one)
    assert store.open(KEY, ROWS) is not None
