"""What a run says of its photos at the start: copies, two labels for one, unequal classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from results.ledger.runs import LEFT_OUT, DataRecord, Split
from results.ledger.store import RunFolder
from search_spaces.refusals import DataRefusal
from sweep.hardware import Hardware
from sweep.photo_warnings import conflicts, imbalance, unseen_classes
from sweep.prepare import NewMaterials, gather, resume, start
from sweep.terminal.arguments import parse_arguments
from tests.sweep.helpers import machine
from tests.trainables.photo_trees import tree
from tests.trainables.photos.test_lookalikes import COPIES, scene, scenes
from trainables.progress import quiet

WORDS = ("--weights", "random", "--backbones", "vgg16", "--image-size", "48")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Sixteen scenes and two copies of one of them."""
    copies = {f"cats/3-{name}": COPIES[name](scene(3)) for name in ("again.jpg", "mirrored.jpg")}
    return tree(tmp_path / "photos", scenes() | copies)


def gathered(photos: Path, *words: str) -> tuple[NewMaterials, list[str]]:
    said: list[str] = []
    typed = parse_arguments([*WORDS, "--data", str(photos), *words])
    kept = machine(photos.parent / "cache")
    return gather(typed, kept, progress=quiet, warn=said.append), said


def test_photos_that_look_alike_are_counted_and_kept_in_one_split(photos: Path) -> None:
    materials, said = gathered(photos)
    assert said == [
        "3 photos look like another one, encoded again or mirrored: kept in one split; "
        "--duplicates drop leaves out all but one (run.json lists what is left out)"
    ]
    parts = dict(zip(materials.split.files, materials.split.parts, strict=True))
    alike = {part for file, part in parts.items() if file.startswith("cats/3")}
    assert len(alike) == 1
    assert LEFT_OUT not in parts.values()


def test_what_is_left_out_is_listed_with_its_reason(photos: Path) -> None:
    materials, [said] = gathered(photos, "--duplicates", "drop")
    assert "all but one are left out" in said
    assert materials.split.parts.count(LEFT_OUT) == 2
    assert sum(materials.split.counts().values()) == 16
    assert [rejected.why for rejected in materials.record.rejected] == [
        "looks like cats/3-again.jpg"
    ] * 2


def test_nothing_is_said_where_nothing_is_looked_for(photos: Path) -> None:
    materials, said = gathered(photos, "--duplicates", "ignore")
    assert said == []
    assert materials.record.near_duplicates == 0


def test_a_resume_keeps_the_split_and_what_was_found(photos: Path, tmp_path: Path) -> None:
    materials, _ = gathered(photos, "--duplicates", "drop")
    kept, folder = machine(tmp_path / "cache"), RunFolder(tmp_path / "run")
    start(materials, folder, kept, Hardware(2, 8000, 0, "test"), words=())
    typed = parse_arguments(["--resume", str(folder.root)])
    run = resume(typed, folder, kept, progress=quiet).run
    assert (run.data.near_duplicates, run.settings.duplicates) == (3, "drop")
    assert folder.read_split().parts == materials.split.parts


@pytest.mark.parametrize(
    ("groups", "lines"),
    [
        ((), []),
        (("a/1.png = b/1.png",), ["Left out, since the same photo has two labels: a/1.png"]),
        (("a/1 = b/1", "a/2 = b/2", "c"), ["a/1 = b/1, and 2 more such groups"]),
    ],
)
def test_photos_under_two_labels_are_named_at_the_start(
    groups: tuple[str, ...], lines: list[str]
) -> None:
    told = conflicts(DataRecord("n", "s", "d", ("a", "b"), 75, 10, conflicts=groups))
    assert len(told) == len(lines)
    assert all(part in line for part, line in zip(lines, told, strict=True))


@pytest.mark.parametrize(
    ("counts", "weights", "warned"),
    [
        ((9, 3), "none", False),
        ((10, 3), "none", True),
        ((10, 3), "balanced", False),
        ((5, 0), "none", True),
    ],
)
def test_a_class_with_more_than_three_times_the_photos_of_another_is_named_at_the_start(
    counts: tuple[int, ...], weights: str, warned: bool
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = tuple(f"photo-{row}" for row in range(len(labels)))
    unequal = Split(files=names, labels=labels, sha256=names, parts=("train",) * len(labels))
    lines = imbalance(unequal, len(counts), weights)
    assert len(lines) == warned
    assert all(f"from {min(counts)} to {max(counts)} training photos" in line for line in lines)


@pytest.mark.parametrize(
    ("metric", "lines"),
    [("accuracy", 0), ("log_loss", 0), ("macro_f1", 1), ("balanced_accuracy", 1), ("auc", 1)],
)
def test_classes_that_a_metric_leaves_out_are_named_at_the_start(metric: str, lines: int) -> None:
    names = tuple(f"photo-{row}" for row in range(4))
    parts = ("validation", "validation", "test", "test")
    split = Split(names, np.array([0, 1, 2, 3]), sha256=names, parts=parts)
    told = unseen_classes(split, ("a", "b", "c", "d"), metric)
    assert len(told) == lines
    assert all("leaves out c and 1 more: no validation photo" in line for line in told)


def test_auc_of_one_class_is_refused_at_the_start() -> None:
    names = tuple(f"photo-{row}" for row in range(3))
    split = Split(names, np.array([0, 0, 1]), sha256=names, parts=("validation", "test", "test"))
    with pytest.raises(DataRefusal, match="at least two classes, got 1"):
        unseen_classes(split, ("a", "b"), "auc")
