"""What a run says of its photos before it starts: lines, none where there is nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from results.ledger.runs import SPLITS, DataRecord, Split
from search_spaces.metrics import ACCURACY, LOG_LOSS, metric_words
from search_spaces.refusals import DataRefusal
from search_spaces.settings import DROP, GROUP, UNWEIGHTED, Settings

_IMBALANCED = 3
"""A class with more than this many times the training photos of another is worth a warning."""


def photo_warnings(data: DataRecord, split: Split, settings: Settings) -> list[str]:
    """Lines about photos that contradict each other or look alike, about unequal classes and
    absent ones.

    Raises:
        DataRefusal: the metric cannot be computed of the split.
    """
    return [
        *conflicts(data),
        *near_duplicates(data, settings.duplicates),
        *imbalance(split, len(data.classes), settings.class_weights),
        *unseen_classes(split, data.classes, settings.metric),
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

    No line if the classes are weighted already.
    """
    counts = np.bincount(split.labels[split.indices("train")], minlength=classes)
    most, fewest = int(counts.max()), int(counts.min())
    if most <= _IMBALANCED * fewest or class_weights != UNWEIGHTED:
        return []
    return [
        f"Classes have from {fewest:,} to {most:,} training photos: accuracy may hide the rare "
        "ones; --class-weights balanced makes them count as much."
    ]


def unseen_classes(split: Split, classes: Sequence[str], metric: str) -> list[str]:
    """A line if a mean over classes must leave some out, since validation has no photo of them.

    Raises:
        DataRefusal: validation or test photos are all of one class, of which there is no AUC.
    """
    present = {part: np.unique(split.labels[split.indices(part)]) for part in SPLITS[1:]}
    for part, labels in present.items():
        if metric == "auc" and len(labels) < 2:
            raise DataRefusal(
                f"AUC needs {part} photos of at least two classes, got {len(labels)}",
                where="--metric",
                fix="Choose another metric, or other photos.",
            )
    seen = present["validation"]
    if metric in (ACCURACY, LOG_LOSS) or len(seen) == len(classes):
        return []
    unseen = [name for label, name in enumerate(classes) if label not in seen]
    more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
    return [f"{metric_words(metric)} leaves out {unseen[0]}{more}: no validation photo of it."]
