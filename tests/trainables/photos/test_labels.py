"""Folders and zips: what is refused, what is looked through, what is counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.refusals import DataRefusal
from tests.trainables.photo_trees import classes, packed, photo, tree
from trainables.photos.archives import Limits, listed_zip
from trainables.photos.labels import LabelledPhotos, labelled
from trainables.photos.listing import Listing, PhotoFile, list_folder, safe_name

TWO = classes("cats", "dogs")


def of_folder(root: Path) -> LabelledPhotos:
    return labelled(list_folder(root))


def of_zip(path: Path, limits: Limits | None = None) -> LabelledPhotos:
    with listed_zip(path, limits) as listing:
        return labelled(listing)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "found no folders with photos.*seen: nothing"),
        ({"readme.txt": b""}, "found no folders with photos.*1 other files"),
        ({"a.png": b"", "b.png": b""}, "found no folders with photos.*2 photos"),
        (classes("cats"), "found 1 class, need 2 or more; seen: cats 4"),
        (TWO | {"birds/heic.heic": b""}, "birds/ holds no photos.*cats 4"),
        (classes("cats") | {"dogs/x.txt": b""}, "found 1 class"),
        (classes("cats") | classes("dogs", each=2), "fewer than 3 photos.*dogs 2, cats 4"),
        (classes("val/a", "val/b", "test/a", "test/b"), "no train/ folder"),
        (classes("train/a", "train/b", "val/a", "valid/b"), "two folders are the same split"),
        (classes("train/a", "train/b", "test/a"), "a class has no photos in test/"),
        (classes("train/a", "test/a", "test/b"), "a class has no photos in train/"),
        (classes("train", "test"), "found 0 class"),
    ],
)
def test_a_tree_without_usable_classes_is_refused_with_what_was_seen(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    with pytest.raises(DataRefusal, match=message):
        of_folder(tree(tmp_path, files))
    with pytest.raises(DataRefusal, match=message):
        of_zip(packed(tmp_path / "same.zip", files.items()))


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    tree(tmp_path, TWO)
    (tmp_path / "birds").mkdir()
    with pytest.raises(DataRefusal, match="birds/ holds no photos"):
        of_folder(tmp_path)


@pytest.mark.timeout(20)
def test_links_pipes_and_loops_are_named_and_never_opened(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", {"secret.png": photo(1)})
    root = tree(tmp_path / "photos", TWO)
    (root / "cats" / "loop").symlink_to(root)
    (root / "cats" / "out.png").symlink_to(outside / "secret.png")
    (root / "elsewhere").symlink_to(outside)
    os.mkfifo(root / "cats" / "pipe.png")
    source = of_folder(root)
    assert len(source.photos) == 8
    assert {photo.file for photo in source.rejected} == {
        "cats/loop",
        "cats/out.png",
        "cats/pipe.png",
        "elsewhere",
    }


def test_a_photo_that_changed_or_went_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, TWO)
    source = of_folder(root)
    (root / "cats/0.png").unlink()
    (root / "cats/1.png").write_bytes(b"longer" * 1000)
    (root / "cats/2.png").unlink()
    os.mkfifo(root / "cats/2.png")
    for number in range(3):
        with pytest.raises(DataRefusal, match=f"changed.*cats/{number}.png"):
            source.photos[number].read()


@pytest.mark.parametrize("wrapping", ["", "PetImages/", "cats_dogs/data/here/"])
def test_wrapping_folders_are_looked_through_in_folders_and_zips_alike(
    tmp_path: Path, wrapping: str
) -> None:
    files = {wrapping + name: content for name, content in TWO.items()}
    from_folder = of_folder(tree(tmp_path / "tree", files))
    path = packed(tmp_path / "photos.zip", files.items())
    with listed_zip(path) as listing:
        from_zip = labelled(listing)
        assert from_zip.photos[0].read() == from_folder.photos[0].read()
    assert from_folder.classes == from_zip.classes == ("cats", "dogs")
    names = [(file.file, file.label, file.part) for file in from_folder.photos]
    assert names == [(file.file, file.label, file.part) for file in from_zip.photos]
    assert names[0] == ("cats/0.png", 0, None)


def test_what_machines_leave_behind_is_ignored_and_counted(tmp_path: Path) -> None:
    rest = {
        "__MACOSX/cats/._0.png": b"",
        ".hidden/x.png": b"",
        "cats/Thumbs.db": b"",
        "cats/.DS_Store": b"",
        "cats/._0.png": b"",
        "dogs/README": b"",
        "readme.txt": b"",
    }
    for source in (
        of_folder(tree(tmp_path / "tree", TWO | rest)),
        of_zip(packed(tmp_path / "photos.zip", (TWO | rest).items())),
    ):
        assert (len(source.photos), source.ignored, source.rejected) == (8, 7, ())


def test_photos_beside_the_class_folders_are_listed_as_rejected(tmp_path: Path) -> None:
    source = of_folder(tree(tmp_path, TWO | {"sample.jpg": photo(5)}))
    assert [file.file for file in source.rejected] == ["sample.jpg"]


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "valid", "testing")])
def test_a_given_split_is_recognised(tmp_path: Path, names: tuple[str, ...]) -> None:
    folders = [f"data/{name}/{label}" for name in names for label in ("cats", "dogs")]
    source = of_folder(tree(tmp_path, classes(*folders, each=1)))
    parts = {file.file.split("/")[0]: file.part for file in source.photos}
    assert parts == dict(zip(names, ("train", "validation", "test"), strict=True))


@pytest.mark.parametrize(
    "name", ["with space", "naïve", "nai\u0308ve", "new\nline", "x" * 251, "日本語", "a,b;\"c'"]
)
def test_any_file_name_works(tmp_path: Path, name: str) -> None:
    source = of_folder(tree(tmp_path, TWO | {f"cats/{name}.png": photo(9)}))
    assert f"cats/{name}.png" in {file.file for file in source.photos}


def test_a_file_name_that_is_no_utf_8_becomes_one(tmp_path: Path) -> None:
    tree(tmp_path, TWO)
    raw = os.fsencode(tmp_path / "cats") + b"/caf\xe9.png"
    with open(raw, "wb") as file:  # noqa: PTH123
        file.write(photo(9))
    source = of_folder(tmp_path)
    [odd] = [file for file in source.photos if "caf" in file.file]
    assert odd.file == "cats/caf\\xe9.png"
    assert odd.read() == photo(9)


@given(st.binary(max_size=40))
def test_every_name_becomes_safe_to_store(raw: bytes) -> None:
    safe_name(os.fsdecode(raw)).encode()


_NAMES = st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=8)


@given(st.dictionaries(_NAMES, st.integers(3, 6), min_size=2, max_size=6))
def test_any_two_or_more_classes_are_found_sorted_with_their_labels(sizes: dict[str, int]) -> None:
    sizes = {f"class {name}": count for name, count in sizes.items()}
    photos = [
        PhotoFile((name, f"{number}.png"), 1, (), bytes)
        for name, count in sizes.items()
        for number in range(count)
    ]
    source = labelled(Listing("somewhere", photos=photos))
    assert source.classes == tuple(sorted(sizes))
    assert len(source.photos) == sum(sizes.values())
    for file in source.photos:
        assert file.file.startswith(source.classes[file.label] + "/")
