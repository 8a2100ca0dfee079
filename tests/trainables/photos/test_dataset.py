"""The dataset file: damage of every kind is noticed, and a full disk leaves nothing behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from results.ledger.runs import DataRecord
from search_spaces.refusals import DataRefusal, EnvironmentRefusal
from tests.trainables.photo_trees import classes, tree
from trainables.photos.dataset import Dataset, Row, open_dataset, write_dataset
from trainables.photos.named import prepare

SIZE = 16
TWO = classes("cats", "dogs", each=30)


def prepared(source: Path, cache: Path, size: int = SIZE) -> Dataset:
    return prepare(str(source), image_size=size, cache_dir=cache, seed=1)


def _content(content: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(content)

    return damage


def _without(name: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file[name]

    return damage


def _attribute(name: str, value: object) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.attrs[name] = value

    return damage


def _replaced(name: str, make: Callable[[h5py.File], None]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            del file[name]
            make(file)

    return damage


def _external(file: h5py.File) -> None:
    file.create_dataset(
        "photos", (60, SIZE, SIZE, 3), "u1", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    )


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((60, SIZE, SIZE, 3), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "photos", (60, SIZE, SIZE, 3))
    file.create_virtual_dataset("photos", layout)


def _external_link(file: h5py.File) -> None:
    file["photos"] = h5py.ExternalLink("other.h5", "/photos")


def _soft_link(file: h5py.File) -> None:
    file["photos"] = h5py.SoftLink("/labels")


def _chunked(file: h5py.File) -> None:
    file.create_dataset("photos", (60, SIZE, SIZE, 3), "u1", chunks=True, compression="gzip")


def _shape_bomb(file: h5py.File) -> None:
    file.create_dataset("labels", (10**12,), "<i8")


def _float_photos(file: h5py.File) -> None:
    file.create_dataset("photos", data=np.zeros((60, SIZE, SIZE, 3), np.float32))


def _fewer_photos(file: h5py.File) -> None:
    file.create_dataset("photos", data=np.zeros((59, SIZE, SIZE, 3), np.uint8))


def _black_photos(file: h5py.File) -> None:
    file.create_dataset("photos", data=np.zeros((60, SIZE, SIZE, 3), np.uint8))


def _other_labels(file: h5py.File) -> None:
    file.create_dataset("labels", data=np.ones(60, "<i8"))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": _content(b""),
    "text": _content(b"hello"),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "no photos": _without("photos"),
    "no index": _without("index"),
    "incomplete": _attribute("complete", False),
    "other schema": _attribute("schema", 99),
    "other row count": _attribute("rows", 59),
    "external storage": _replaced("photos", _external),
    "virtual dataset": _replaced("photos", _virtual),
    "external link": _replaced("photos", _external_link),
    "soft link": _replaced("photos", _soft_link),
    "chunked": _replaced("photos", _chunked),
    "shape bomb": _replaced("labels", _shape_bomb),
    "float photos": _replaced("photos", _float_photos),
    "fewer photos": _replaced("photos", _fewer_photos),
    "black photos": _replaced("photos", _black_photos),
    "other labels": _replaced("labels", _other_labels),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_rebuilt_in_the_cache_and_refused_when_named(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    root = tree(tmp_path / "photos", TWO)
    whole = prepared(root, tmp_path / "cache")
    mine = tmp_path / "mine.h5"
    mine.write_bytes(whole.path.read_bytes())
    assert prepared(mine, tmp_path / "cache").record.digest == whole.record.digest
    damage(mine)
    with pytest.raises(DataRefusal):
        open_dataset(mine)
    with pytest.raises(DataRefusal):
        prepared(mine, tmp_path / "cache")
    damage(whole.path)
    assert prepared(root, tmp_path / "cache").record == whole.record


def test_flipped_bytes_in_a_named_file_never_pass_for_other_photos(tmp_path: Path) -> None:
    whole = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    content = whole.path.read_bytes()
    mine = tmp_path / "mine.h5"
    for place in np.random.default_rng(0).integers(0, len(content), 60).tolist():
        mine.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            dataset = open_dataset(mine)
        except DataRefusal:
            continue
        assert np.array_equal(dataset.photos(), whole.photos())
        assert dataset.record == whole.record


def test_one_flipped_bit_in_any_photo_is_found_when_the_file_is_opened(tmp_path: Path) -> None:
    whole = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    offset, photo_bytes = int(whole.photos().offset), SIZE * SIZE * 3
    content = whole.path.read_bytes()
    for row in range(len(whole.files)):
        damaged = bytearray(content)
        damaged[offset + row * photo_bytes + row % photo_bytes] ^= 1 << row % 8
        whole.path.write_bytes(damaged)
        with pytest.raises(DataRefusal, match="have changed"):
            open_dataset(whole.path)


def test_of_photos_that_are_looked_at_alone_only_these_are_checked(tmp_path: Path) -> None:
    whole = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    damaged = bytearray(whole.path.read_bytes())
    damaged[int(whole.photos().offset)] ^= 1
    whole.path.write_bytes(damaged)
    assert list(open_dataset(whole.path, [1, 2]).thumbnails([1, 2])) == [1, 2]
    with pytest.raises(DataRefusal, match="have changed"):
        open_dataset(whole.path, [1, 0])


def test_a_named_file_of_another_size_is_refused(tmp_path: Path) -> None:
    dataset = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    with pytest.raises(DataRefusal, match=r"of 16 px, asked for 20 px.*--image-size 16"):
        prepared(dataset.path, tmp_path / "cache", size=20)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB, where this process may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if mount is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this process may not mount a disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_fills_while_writing_is_refused_and_left_clean(tiny_disk: Path) -> None:
    def write(count: int) -> None:
        record = DataRecord("made", "made", "", ("a", "b"), 20, count)
        black = np.zeros((20, 20, 3), np.uint8)
        digest = hashlib.sha256(black.data).hexdigest()
        rows = [Row(str(number), 0, None, digest, digest) for number in range(count)]
        write_dataset(tiny_disk / "made.h5", record=record, rows=rows, pixels=[black] * count)

    refused = 0
    for count in range(2000, 2700, 20):  # 1,200 bytes of pixels and about 170 of index a row
        try:
            write(count)
            (tiny_disk / "made.h5").unlink()
        except EnvironmentRefusal as fault:
            refused += "the disk is full while writing" in str(fault)
        assert list(tiny_disk.iterdir()) == []
    assert 0 < refused < 35
    write(100)
    assert open_dataset(tiny_disk / "made.h5").record.photos == 100
