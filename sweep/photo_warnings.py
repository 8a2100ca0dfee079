"""What a run says of its photos before it starts: lines, none where there is nothing to say."""

from __future__ import annotations

import numpy as np

from results.ledger.runs import DataRecord, Split
from search_spaces.settings import DROP, GROUP, UNWEIGHTED, Settings

_IMBALANCED = 3
"""A class with more than so many times the training photos of another is worth a warning."""


def photo_warnings(data: DataRecord, split: Split, settings: Settings) -> list[str]:
    """Lines about photos that contradict each other or look alike, and about unequal classes."""
    return [
        *conflicts(data),
        *near_duplicates(data, settings.duplicates),
        *imbalance(split, len(data.classes), settings.class_weights),
    ]


def conflicts(data: DataRecord) -> list[str]:
    """A line about photos that are there under more than one label; none if there are none."""
    if not data.conflicts:
        return []
    groups = len(data.conflicts)
    return [
        f"Left out, since the same photo has two labels: {data.conflicts[0]}"
        + (f", and {groups - 1} more such groups (run.json lists them)" if groups > 1 else "")
    ]


def near_duplicates(data: DataRecord, handling: str) -> list[str]:
    """A line about photos that look like another one without being its copy; none if there are
    none."""
    if not data.near_duplicates:
        return []
    becomes = {
        GROUP: "kept in one split; --duplicates drop leaves out all but one",
        DROP: "all but one are left out",
    }
    return [
        f"{data.near_duplicates:,} photos look like another one, encoded again or mirrored: "
        f"{becomes[handling]} (run.json lists what is left out)"
    ]


def imbalance(split: Split, classes: int, class_weights: str) -> list[str]:
    """A line if the largest class has many times the training photos of the smallest.

    None if the classes are weighted already.
    """
    counts = np.bincount(split.labels[split.indices("train")], minlength=classes)
    most, fewest = int(counts.max()), int(counts.min())
    if most <= _IMBALANCED * fewest or class_weights != UNWEIGHTED:
        return []
    return [
        f"Classes have from {fewest:,} to {most:,} training photos: accuracy may hide the rare "
        "ones; --class-weights balanced makes them count as much."
    ]
