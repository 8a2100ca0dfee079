"""Photos that look alike from outside are still told apart, and the same ones are known again."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.trainables.photo_trees import classes, packed, tree
from trainables.photos.dataset import Dataset
from trainables.photos.listing import file_fingerprint, folder_fingerprint, list_folder
from trainables.photos.named import prepare


def raw(first: int) -> dict[str, bytes]:
    """Sixty photos, all of one length, no two alike."""
    photos = classes("cats", "dogs", each=30, first=first)
    longest = max(map(len, photos.values()))
    return {
        name: content.ljust(longest + 50, b"\0")[: longest + 50] for name, content in photos.items()
    }


def tick() -> None:
    """Let the file system's clock go on, which has steps of up to 10 ms."""
    time.sleep(0.03)


def alike(*roots: Path) -> None:
    """Give the files of both the same times of change, as archivers do."""
    for root in roots:
        for file in [root] if root.is_file() else root.rglob("*.png"):
            os.utime(file, ns=(10**18, 10**18))


def prepared(source: Path, cache: Path) -> Dataset:
    return prepare(str(source), image_size=16, cache_dir=cache, seed=1)


def fingerprint(root: Path) -> str:
    return folder_fingerprint(root, list_folder(root))


def sizes(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*.png")}


def test_folders_of_equal_names_sizes_and_times_are_not_mixed_up(tmp_path: Path) -> None:
    root = tree(tmp_path / "one/photos", raw(0))
    other = tree(tmp_path / "other/photos", raw(5000))
    for name, size in sizes(root).items():
        with (other / name).open("ab") as file:
            file.truncate(size)
    alike(root, other)
    assert sizes(root) == sizes(other)
    first, second = (prepared(folder, tmp_path / "cache") for folder in (root, other))
    assert first.path != second.path
    assert first.record.digest != second.record.digest


def test_a_folder_that_took_the_place_of_another_is_not_mixed_up_with_it(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", raw(0))
    alike(root)
    before = fingerprint(root)
    root.rename(tmp_path / "old")
    shutil.copytree(tmp_path / "old", root)
    alike(root)
    assert fingerprint(root) != before


def test_a_photo_rewritten_in_place_under_its_old_time_is_noticed(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", raw(0))
    alike(root)
    before = fingerprint(root)
    tick()
    photo = root / "cats/0.png"
    photo.write_bytes(photo.read_bytes()[::-1])
    alike(root)
    assert fingerprint(root) != before


@pytest.mark.parametrize("change", ["place", "inode", "state"])
def test_zips_of_equal_size_and_time_are_not_mixed_up(tmp_path: Path, change: str) -> None:
    path = packed(tmp_path / "photos.zip", raw(0).items())
    alike(path)
    before = file_fingerprint(path)
    if change == "place":
        path = path.rename(tmp_path / "other.zip")
    elif change == "inode":
        copy = Path(shutil.copy2(path, tmp_path / "copy.zip"))
        copy.replace(path)
    else:
        tick()
        path.write_bytes(path.read_bytes()[::-1])
        alike(path)
    assert file_fingerprint(path) != before


def test_reading_a_photo_or_a_new_hidden_file_changes_nothing(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", raw(0))
    before = fingerprint(root)
    (root / "cats/0.png").read_bytes()
    tree(root, {".hidden/a.png": b"x", ".DS_Store": b"x"})
    (root / ".DS_Store").unlink()
    (root / ".hidden/a.png").unlink()
    (root / ".hidden").rmdir()
    link = tmp_path / "link"
    link.symlink_to(root)
    assert fingerprint(root) == fingerprint(link) == before
