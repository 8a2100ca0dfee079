"""What a run says of photos that look alike, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.runs import LEFT_OUT
from results.ledger.store import RunFolder
from sweep.hardware import Hardware
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
