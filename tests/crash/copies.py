"""Copies of photos, encoded again, shrunk or mirrored: none may cross from one split to another."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from search_spaces.settings import GROUP
from tests.crash.row import Row
from tests.sweep.helpers import MEMORY
from tests.trainables.photo_trees import tree
from tests.trainables.photos.test_lookalikes import COPIES, encoded, scene
from trainables.photos.lookalikes import lookalikes
from trainables.photos.named import prepare
from trainables.photos.splits import split

SCENES, SIZE = 100, 64


def copies(seed: int, pairs: int) -> Row:
    """Make so many copies of made-up photos, and split them with their originals."""
    row = Row("a photo and its copy, encoded again, shrunk or mirrored", "pairs", seed)
    row.must_not("pairs across splits", "different photos taken for copies")
    choices = random.Random(seed)
    while row.count < pairs:
        with tempfile.TemporaryDirectory(dir=MEMORY) as name:
            _one_dataset(Path(name), choices, row, copied=min(5 * SCENES, pairs - row.count))
    return row


def _one_dataset(root: Path, choices: random.Random, row: Row, *, copied: int) -> None:
    first = choices.randrange(10**6)
    scenes = {
        f"{label}/{number}": scene(first + number)
        for number in range(SCENES)
        for label in ("cats" if number % 2 else "dogs",)
    }
    files = {f"{name}.png": encoded(image) for name, image in scenes.items()}
    for at in range(copied):
        name, kind = choices.choice(sorted(scenes)), choices.choice(sorted(COPIES))
        files[f"{name}-{at}-{kind}"] = COPIES[kind](scenes[name])
    photos = tree(root / "photos", files)
    dataset = prepare(str(photos), image_size=SIZE, cache_dir=root / "cache", seed=1)
    alike = lookalikes(dataset, GROUP)
    made = split(dataset, seed=choices.randrange(10**6), alike=alike)
    part_of = dict(zip(made.files, made.parts, strict=True))
    for file, part in part_of.items():
        original = f"{file.split('-')[0].removesuffix('.png')}.png"
        if part != part_of[original]:
            row.fault("pairs across splits", f"{original} and {file}")
    if len(set(alike.looks)) < SCENES:
        row.fault("different photos taken for copies", f"of {SCENES} {len(set(alike.looks))} left")
    row.count += copied
