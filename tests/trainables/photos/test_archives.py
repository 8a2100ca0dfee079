"""Zips: what is damaged, dangerous or no zip is refused by name, before anything is read."""

from __future__ import annotations

import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from search_spaces.refusals import DataRefusal
from tests.trainables.photo_trees import STAMP, classes, packed, photo
from trainables.photos.archives import Limits, listed_zip
from trainables.photos.decoding import Undecodable
from trainables.photos.labels import LabelledPhotos, labelled

TWO = classes("cats", "dogs")


def of_zip(path: Path, limits: Limits | None = None) -> LabelledPhotos:
    with listed_zip(path, limits) as listing:
        return labelled(listing)


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
                for file in listing.photos:
                    try:
                        file.read()
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
