"""Folders and zips: what is refused, what is looked through, what is counted."""

from __future__ import annotations

import os
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.refusals import DataRefusal
from tests.trainables.photo_trees import STAMP, classes, packed, photo, tree
from trainables.archives import Limits, listed_zip
from trainables.decoding import Undecodable
from trainables.folders import list_folder
from trainables.listing import Found, Listing, safe_name
from trainables.sources import Source, labelled

TWO = classes("cats", "dogs")


def of_folder(root: Path) -> Source:
    return labelled(list_folder(root))


def of_zip(path: Path, limits: Limits | None = None) -> Source:
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes"),
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (b"  <HTML>sorry", "web page"),
        (b"PK\x03\x04 and no more", "not a complete zip"),
        (b"\x1f\x8b tar", "neither a zip"),
    ],
)
def test_what_is_no_zip_is_refused_by_what_it_is(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(content)
    with pytest.raises(DataRefusal, match=message):
        of_zip(path)


def test_a_zip_cut_or_damaged_anywhere_is_refused_or_loses_only_photos(tmp_path: Path) -> None:
    whole = packed(tmp_path / "whole.zip", TWO.items()).read_bytes()
    path = tmp_path / "damaged.zip"
    cuts = [whole[: len(whole) * n // 50] for n in range(50)]
    places = [len(whole) * n // 200 for n in range(200)]
    flips = [whole[:n] + bytes([whole[n] ^ 0xFF]) + whole[n + 1 :] for n in places]
    for content in cuts + flips:
        path.write_bytes(content)
        try:
            with warnings.catch_warnings(), listed_zip(path) as listing:
                warnings.simplefilter("ignore")
                for found in listing.photos:
                    try:
                        found.read()
                    except Undecodable:
                        continue
                labelled(listing)
        except DataRefusal:
            continue
        assert content in flips


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, STAMP)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def pipe(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, STAMP)
    info.external_attr = stat.S_IFIFO << 16
    return info


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("../../escape.png", "leads out of it.*escape"),
        ("cats/../../escape.png", "leads out of it"),
        ("..\\escape.png", "leads out of it"),
        ("/etc/x.png", "absolute name.*/etc/x.png"),
        ("C:\\x.png", "absolute name"),
        (link("cats/l.png"), "is a link.*cats/l.png"),
        (pipe("cats/p.png"), "no plain file"),
        ("cats/0.png", "occurs twice.*cats/0.png"),
        ("cats/0.PNG", "differs only in case.*cats/0.PNG"),
        ("Cats/other.png", "differs only in case"),
        ("more.zip", "another archive.*more.zip"),
    ],
)
def test_a_member_no_honest_packer_writes_is_refused_and_named(
    tmp_path: Path, member: str | zipfile.ZipInfo, message: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns that it writes a name twice
        path = packed(tmp_path / "photos.zip", [*TWO.items(), (member, photo(7))])
    with pytest.raises(DataRefusal, match=message):
        of_zip(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "photos.zip", TWO.items())
    content = path.read_bytes()
    place = content.index(b"PK\x01\x02")
    path.write_bytes(content[: place + 8] + b"\x01" + content[place + 9 :])
    with pytest.raises(DataRefusal, match=r"is encrypted.*cats/0\.png"):
        of_zip(path)


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "photos.zip", TWO.items())
    content = path.read_bytes()
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1)
    path.write_bytes(content[: second + 42] + b"\0\0\0\0" + content[second + 46 :])
    with pytest.raises(DataRefusal, match="share bytes"):
        of_zip(path)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(members=7), "8 members, more than 7"),
        (Limits(total_bytes=100), "more than 100"),
        (Limits(ratio=0.5, small_bytes=10), "times its own size"),
    ],
)
def test_a_bomb_is_refused_before_anything_is_read(
    tmp_path: Path, limits: Limits, message: str
) -> None:
    with pytest.raises(DataRefusal, match=message):
        of_zip(packed(tmp_path / "photos.zip", TWO.items()), limits)


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
    assert {one.file for one in source.rejected} == {
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
    names = [(one.file, one.label, one.part) for one in from_folder.photos]
    assert names == [(one.file, one.label, one.part) for one in from_zip.photos]
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
    assert [one.file for one in source.rejected] == ["sample.jpg"]


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Training", "valid", "testing")])
def test_a_given_split_is_recognised(tmp_path: Path, names: tuple[str, ...]) -> None:
    folders = [f"data/{name}/{label}" for name in names for label in ("cats", "dogs")]
    source = of_folder(tree(tmp_path, classes(*folders, each=1)))
    parts = {one.file.split("/")[0]: one.part for one in source.photos}
    assert parts == dict(zip(names, ("train", "validation", "test"), strict=True))


@pytest.mark.parametrize(
    "name", ["with space", "naïve", "nai\u0308ve", "new\nline", "x" * 251, "日本語", "a,b;\"c'"]
)
def test_any_file_name_works(tmp_path: Path, name: str) -> None:
    source = of_folder(tree(tmp_path, TWO | {f"cats/{name}.png": photo(9)}))
    assert f"cats/{name}.png" in {one.file for one in source.photos}


def test_a_file_name_that_is_no_utf_8_becomes_one(tmp_path: Path) -> None:
    tree(tmp_path, TWO)
    raw = os.fsencode(tmp_path / "cats") + b"/caf\xe9.png"
    with open(raw, "wb") as file:  # noqa: PTH123
        file.write(photo(9))
    source = of_folder(tmp_path)
    found = next(one for one in source.photos if "caf" in one.file)
    assert found.file == "cats/caf\\xe9.png"
    assert found.read() == photo(9)


@given(st.binary(max_size=40))
def test_every_name_becomes_safe_to_store(raw: bytes) -> None:
    safe_name(os.fsdecode(raw)).encode()


_NAMES = st.text(st.characters(blacklist_characters="/\0"), min_size=1, max_size=8)


@given(st.dictionaries(_NAMES, st.integers(3, 6), min_size=2, max_size=6))
def test_any_two_or_more_classes_are_found_sorted_with_their_labels(sizes: dict[str, int]) -> None:
    sizes = {f"class {name}": count for name, count in sizes.items()}
    photos = [
        Found((name, f"{number}.png"), 1, 0, bytes)
        for name, count in sizes.items()
        for number in range(count)
    ]
    source = labelled(Listing("somewhere", photos=photos))
    assert source.classes == tuple(sorted(sizes))
    assert len(source.photos) == sum(sizes.values())
    for one in source.photos:
        assert one.file.startswith(source.classes[one.label] + "/")
