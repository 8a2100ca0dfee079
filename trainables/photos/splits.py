"""60 / 20 / 20: which photo trains, which chooses, which only reports.

Each class is split on its own, shuffled by the seed. Photos that look alike stay in one split, so
that none is both trained on and tested on. Such groups are placed first, in train while there is
room (two copies in the test set would count one answer twice), and the rest fills every split to
its share. Shares are rounded per class and never zero.

A split that came with the photos is kept. Where it has no validation or no test part, that part
is carved out of train: a quarter of what train would otherwise keep beside it (60 : 20), so a fifth
of train for each missing part if both are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from results.ledger.runs import LEFT_OUT, SPLITS, Split
from search_spaces.refusals import DataRefusal
from trainables.photos.dataset import Dataset
from trainables.photos.lookalikes import Lookalikes

SHARES = {"train": 3, "validation": 1, "test": 1}
"""60 : 20 : 20."""

_TRAIN = SPLITS[0]

Group = list[int]
"""Rows that look the same."""


def split(dataset: Dataset, *, seed: int, alike: Lookalikes | None = None) -> Split:
    """Put every row of `dataset` in one of `SPLITS`, or leave it out.

    Args:
        alike: which photos look alike; by default those with the same pixels.

    Raises:
        DataRefusal: a class has too few different photos to have one in each split.
    """
    looks, left_out = (alike.looks, alike.left_out) if alike else (dataset.pixel_sha256, {})
    parts = list(dataset.given_parts or ())
    divided = [part for part in SPLITS if part == _TRAIN or part not in parts]
    if not parts:
        parts = [_TRAIN] * len(dataset.files)
    for row in left_out:
        parts[row] = LEFT_OUT
    by_label: list[list[int]] = [[] for _ in dataset.record.classes]
    for row, (part, label) in enumerate(zip(parts, dataset.labels.tolist(), strict=True)):
        if part == _TRAIN:
            by_label[label].append(row)
    for label, rows in enumerate(by_label):
        groups = _groups(rows, looks, np.random.default_rng([seed, label]))
        if len(groups) < len(divided):
            raise _too_small(dataset, label, len(groups), divided)
        for row, part in _placed(groups, quotas(len(rows), divided)).items():
            parts[row] = part
    return Split(
        files=dataset.files, labels=dataset.labels, sha256=dataset.sha256, parts=tuple(parts)
    )


def quotas(photos: int, parts: Sequence[str]) -> dict[str, int]:
    """How many of `photos` each of `parts` gets: rounded shares, none zero, train the remainder."""
    whole = sum(SHARES[part] for part in parts)
    counts = {part: max(1, round(photos * SHARES[part] / whole)) for part in parts}
    counts[_TRAIN] = photos - sum(counts[part] for part in parts if part != _TRAIN)
    return counts


def _groups(rows: Sequence[int], looks: Sequence[str], rng: np.random.Generator) -> list[Group]:
    """Rows grouped by their looks: large groups first, otherwise shuffled."""
    by_look: dict[str, Group] = {}
    for row in rows:
        by_look.setdefault(looks[row], []).append(row)
    groups = list(by_look.values())
    shuffled = [groups[place] for place in rng.permutation(len(groups))]
    return sorted(shuffled, key=len, reverse=True)


def _placed(groups: Sequence[Group], quota: Mapping[str, int]) -> dict[int, str]:
    """The split of each row, so that every split gets at least one group."""
    room = dict(quota)
    empty = set(quota)
    placed: dict[int, str] = {}
    for number, group in enumerate(groups):
        part = _choice(len(group), room, empty, groups_left=len(groups) - number)
        room[part] -= len(group)
        empty.discard(part)
        placed |= dict.fromkeys(group, part)
    return placed


def _choice(size: int, room: Mapping[str, int], empty: set[str], *, groups_left: int) -> str:
    # With as many groups left as there are empty splits, each of them must open one.
    open_parts = [part for part in room if part in empty or groups_left > len(empty)]
    if _TRAIN in open_parts and size <= room[_TRAIN]:
        return _TRAIN
    return max(open_parts, key=lambda part: room[part])


def _too_small(dataset: Dataset, label: int, distinct: int, parts: Sequence[str]) -> DataRefusal:
    return DataRefusal(
        f"each class needs at least {len(parts)} different photos, one each for "
        f"{', '.join(parts)}; {dataset.record.classes[label]} has {distinct}",
        where=dataset.record.source,
        fix="Add photos, or leave the class out.",
    )
