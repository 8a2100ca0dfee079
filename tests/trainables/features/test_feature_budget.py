"""The feature store's budget: who gives way to whom; it holds for all processes together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainables.features.file import FeatureKey
from trainables.features.store import FeatureStore

ROOT = Path(__file__).resolve().parents[3]
ROWS = 25
KEY = FeatureKey(
    photos="p" * 64,
    backbone="VGG16",
    weights="w" * 64,
    scaling="caffe",
    node=1,
    layer="Conv2D",
    shape=(1000,),
    dtype="float32",
    numerics="keras 3",
)
"""Of 100 kB in all, and a header."""


def keys(*nodes: int) -> list[FeatureKey]:
    return [replace(KEY, node=node) for node in nodes]


def fill(
    store: FeatureStore, required: Sequence[FeatureKey], spare: Sequence[FeatureKey] = ()
) -> list[int]:
    """Fill with zeros, and give the nodes that there was room for."""
    with store.writing(required, ROWS, spare=spare) as writers:
        for writer in writers:
            writer.append(np.zeros((ROWS, *writer.key.shape)))
    return [writer.key.node for writer in writers]


def some(store: FeatureStore, *nodes: int) -> list[FeatureKey]:
    """Layers that were computed before, the last one used last."""
    made = keys(*nodes)
    for age, key in enumerate(made):
        assert fill(store, [key]) == [key.node]
        stamp = time.time() - 1000 + age
        os.utime(store.folder / f"{key.name}.h5", (stamp, stamp))
    return made


def budgeted(tmp_path: Path, files: float) -> FeatureStore:
    """A store with room for so many of these, each with its header."""
    return FeatureStore(tmp_path / "features", int(files * KEY.file_bytes(ROWS)))


def left(store: FeatureStore, made: Sequence[FeatureKey]) -> list[int]:
    return [key.node for key in made if store.has(key)]


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("budget", [0.0, 2.4])
def test_what_is_larger_than_the_budget_is_not_stored_and_nothing_gives_way(
    tmp_path: Path, budget: float
) -> None:
    made = some(budgeted(tmp_path, 2.4), 1, 2)
    large = replace(KEY, node=3, shape=(3000,))
    assert fill(budgeted(tmp_path, budget), [large]) == []
    assert left(budgeted(tmp_path, budget), made) == [1, 2]


def test_nothing_gives_way_to_what_will_not_fit_beside_the_files_in_use(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 3.4)
    made = some(store, 1, 2, 3)
    reading = store.open(made[1], ROWS)
    assert reading is not None
    assert fill(store, [replace(KEY, node=4, shape=(3000,))]) == []
    assert left(store, made) == [1, 2, 3]


def test_a_file_in_use_never_gives_way(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 2.4)
    made = some(store, 1, 2)
    reading = [store.open(key, ROWS) for key in made]
    assert fill(store, keys(3)) == []
    assert left(store, made) == [1, 2]
    reading.pop(0)
    assert fill(store, keys(3)) == [3]
    assert left(store, made) == [2]


def test_nothing_gives_way_to_what_no_trial_has_asked_for(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 3.4)
    made = some(store, 1, 2)
    assert fill(store, keys(3), spare=keys(4, 5)) == [3]
    assert left(store, made) == [1, 2]
    assert fill(store, keys(6), spare=keys(4, 5)) == [6]
    assert left(store, [*made, *keys(3, 4, 5)]) == [2, 3]


def test_what_no_trial_has_asked_for_is_stored_where_room_is_free(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 3.4)
    assert fill(store, keys(1), spare=keys(2, 3, 4)) == [1, 2, 3]
    assert used(store.folder) <= store.max_bytes


def test_the_least_recently_used_gives_way(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 4)
    made = some(store, 1, 2, 3)
    opened = store.open(made[0], ROWS)  # used just now
    del opened
    assert fill(store, keys(4, 5)) == [4, 5]
    assert left(store, made) == [1, 3]


def test_of_several_layers_those_are_stored_that_fit_and_the_rest_is_skipped(
    tmp_path: Path,
) -> None:
    store = budgeted(tmp_path, 2.4)
    large = replace(KEY, node=9, shape=(9000,))
    assert fill(store, [large, *keys(1, 2, 3)]) == [1, 2]


def test_two_groups_that_are_filled_at_once_keep_the_budget_together(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 2.4)
    with store.writing(keys(1), ROWS) as [writer]:
        others = fill(store, keys(3, 4))
        assert used(store.folder) <= store.max_bytes
        writer.append(np.zeros((ROWS, *KEY.shape)))
    assert others == [3]
    assert left(store, keys(1, 3, 4)) == [1, 3]


def test_processes_that_fill_at_once_never_exceed_the_budget(tmp_path: Path) -> None:
    store = budgeted(tmp_path, 3.4)
    code = (
        "import sys, pathlib\n"
        "from tests.trainables.features.test_feature_budget import budgeted, fill, keys\n"
        "store = budgeted(pathlib.Path(sys.argv[1]), 3.4)\n"
        "for node in range(int(sys.argv[2]), 1000, 3): fill(store, keys(node), keys(node + 1))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen([*command, str(first)], cwd=ROOT) for first in (0, 1, 2)]
    most, started, busy = 0, time.monotonic(), 0.0
    while not busy or time.monotonic() < busy + 1.5:
        assert time.monotonic() < started + 60
        try:
            most = max(most, used(store.folder))
        except FileNotFoundError:  # the folder is not there yet, or a file was renamed
            continue
        busy = busy or time.monotonic() * (most > 2 * KEY.file_bytes(ROWS))
    for process in running:
        process.kill()
        process.wait()
    assert most <= store.max_bytes
    fill(store, keys(5000))
    assert store.has(keys(5000)[0])
    assert list(store.folder.glob(".part-*")) == []
