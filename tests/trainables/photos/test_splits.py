"""Which photo is in which split: no class missing, no copy across, the shares exact."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.ledger.runs import SPLITS, DataRecord
from search_spaces.refusals import DataRefusal
from trainables.photos.dataset import Dataset
from trainables.photos.splits import quotas, split


def dataset(looks: list[list[int]], given_parts: tuple[str, ...] | None = None) -> Dataset:
    """One class per list; equal numbers in a class are photos that look the same."""
    digests = [f"{label}-{look}" for label, of_class in enumerate(looks) for look in of_class]
    labels = np.repeat(np.arange(len(looks)), [len(of_class) for of_class in looks])
    files = tuple(f"{number}.png" for number in range(len(digests)))
    record = DataRecord("made", "made", "", tuple(map(str, range(len(looks)))), 8, len(files))
    return Dataset(
        Path("none.h5"), record, labels, files, tuple(digests), tuple(digests), given_parts
    )


@pytest.mark.parametrize(
    ("looks", "message"),
    [
        ([[0, 1], [0, 1, 2]], "at least 3 different photos.*; 0 has 2"),
        ([[0, 1, 2], [5, 5, 5, 6]], "1 has 2"),
    ],
)
def test_a_class_too_small_for_three_splits_is_refused(
    looks: list[list[int]], message: str
) -> None:
    with pytest.raises(DataRefusal, match=message):
        split(dataset(looks), seed=0)


def test_a_class_too_small_to_carve_the_missing_test_part_is_refused() -> None:
    parts = ("train", "validation", "train", "train", "validation")
    with pytest.raises(DataRefusal, match=r"at least 2 different photos.*train, test; 0 has 1"):
        split(dataset([[0, 1], [0, 1, 2]], parts), seed=0)


@pytest.mark.parametrize("pairs", [0, 1, 40])
def test_4000_photos_give_2400_800_800_balanced_with_duplicates_or_without(pairs: int) -> None:
    of_class = list(range(2000 - pairs)) + list(range(pairs))
    made = split(dataset([of_class, of_class]), seed=42)
    assert made.counts() == {"train": 2400, "validation": 800, "test": 800}
    for part in SPLITS:
        counts = np.bincount(made.labels[made.indices(part)])
        assert counts[0] == counts[1]


_CLASS = st.lists(st.integers(0, 12), min_size=1, max_size=40)


@given(st.lists(_CLASS, min_size=2, max_size=5), st.integers(0, 5))
def test_every_split_has_every_class_and_no_copy_crosses(looks: list[list[int]], seed: int) -> None:
    made_of = dataset(looks)
    if any(len(set(of_class)) < 3 for of_class in looks):
        with pytest.raises(DataRefusal):
            split(made_of, seed=seed)
        return
    made = split(made_of, seed=seed)
    parts_of = defaultdict(set)
    for part, digest in zip(made.parts, made_of.pixel_sha256, strict=True):
        parts_of[digest].add(part)
    assert all(len(parts) == 1 for parts in parts_of.values())
    for part in SPLITS:
        assert set(made.labels[made.indices(part)].tolist()) == set(range(len(looks)))
    assert split(made_of, seed=seed).parts == made.parts


@given(st.lists(st.integers(3, 300), min_size=2, max_size=4), st.integers(0, 3))
def test_without_copies_every_class_is_split_by_its_quota(sizes: list[int], seed: int) -> None:
    made = split(dataset([list(range(size)) for size in sizes]), seed=seed)
    for label, size in enumerate(sizes):
        of_class = [part for part, one in zip(made.parts, made.labels, strict=True) if one == label]
        assert {part: of_class.count(part) for part in SPLITS} == quotas(size, SPLITS)


@given(st.integers(3, 100_000))
def test_quotas_are_60_20_20_within_one_photo(photos: int) -> None:
    counts = quotas(photos, SPLITS)
    assert sum(counts.values()) == photos
    assert min(counts.values()) >= 1
    assert abs(counts["validation"] - photos / 5) < 1
    assert counts["validation"] == counts["test"]


def test_another_seed_makes_another_split() -> None:
    made_of = dataset([list(range(50)), list(range(50))])
    assert split(made_of, seed=1).parts != split(made_of, seed=2).parts


def test_a_given_split_is_obeyed() -> None:
    parts = ("train", "validation", "test", "train", "train", "validation", "test")
    assert split(dataset([[0, 1, 2], [0, 1, 2, 3]], parts), seed=3).parts == parts


def test_a_missing_test_part_is_a_quarter_of_train_and_leaves_the_rest_alone() -> None:
    parts = ("train",) * 8 + ("validation",) * 2
    made = split(dataset([list(range(10)), list(range(10))], parts * 2), seed=0)
    assert made.counts() == {"train": 12, "validation": 4, "test": 4}
    given = np.flatnonzero(np.array(parts * 2) == "validation")
    assert made.indices("validation").tolist() == given.tolist()


def test_the_split_carries_the_datasets_columns() -> None:
    made_of = dataset([[0, 1, 2], [0, 1, 2]])
    made = split(made_of, seed=0)
    assert (made.files, made.sha256) == (made_of.files, made_of.sha256)
    assert np.array_equal(made.labels, made_of.labels)
