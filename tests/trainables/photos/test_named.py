"""From a path or a name to a cached dataset: refusals, damage, what is left out, what is kept."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from search_spaces.presets import DIGITS_PER_CLASS
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, UsageRefusal
from search_spaces.settings import DATA_NAMES
from tests.house import ROOT
from tests.trainables.photo_trees import classes, packed, photo, tree
from trainables.photos import cats_vs_dogs, digits
from trainables.photos.dataset import Dataset
from trainables.photos.decoding import decode
from trainables.photos.named import SOURCES, prepare
from trainables.photos.splits import split

SIZE = 16
TWO = classes("cats", "dogs", each=30)
REAL_ZIP = ROOT.parent / "shared/data/cats_dogs_4000.zip"


def prepared(source: Path | str, cache: Path, size: int = SIZE, seed: int = 1) -> Dataset:
    return prepare(str(source), image_size=size, cache_dir=cache, seed=seed)


@pytest.mark.parametrize(
    "source", ["nowhere", "~nobody-here/x", "x" * 5000, "a\0b", "", "/dev/null"]
)
def test_a_path_with_nothing_behind_it_is_refused(tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageRefusal, match="there are no photos at"):
        prepared(source, tmp_path)


def test_more_than_5_percent_bad_photos_are_refused(tmp_path: Path) -> None:
    bad = {f"cats/bad{n}.jpg": b"junk" for n in range(4)}
    with pytest.raises(DataRefusal, match="4 of 64 photos cannot be used, more than 5%: cats/bad0"):
        prepared(tree(tmp_path / "photos", TWO | bad), tmp_path / "cache")


def test_a_class_left_with_too_few_photos_is_refused(tmp_path: Path) -> None:
    # Both copies of two photos go, for their label is unknown.
    files = TWO | {"birds/a.png": photo(0), "birds/b.png": photo(1), "birds/c.png": photo(77)}
    with pytest.raises(
        DataRefusal, match=r"each class needs 3 usable photos, got birds 1, cats 28"
    ):
        prepared(tree(tmp_path / "photos", files), tmp_path / "cache")


def test_a_full_disk_is_refused_before_work_starts(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="too full for the dataset: needs about"):
        prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache", size=2_000_000)


def test_a_few_bad_photos_are_skipped_and_listed(tmp_path: Path) -> None:
    half = photo(5, "JPEG")
    bad = {"cats/a.jpg": b"", "dogs/b.jpg": half[: len(half) // 2], "cats/Thumbs.db": b"x"}
    record = prepared(tree(tmp_path / "photos", TWO | bad), tmp_path / "cache").record
    assert [rejected.file for rejected in record.rejected] == ["cats/a.jpg", "dogs/b.jpg"]
    assert "empty" in record.rejected[0].why
    assert (record.photos, record.ignored, record.name) == (60, 1, "photos")


def test_one_photo_under_two_labels_is_left_out_under_both(tmp_path: Path) -> None:
    files = TWO | {"dogs/copy.png": photo(3)}
    dataset = prepared(tree(tmp_path / "photos", files), tmp_path / "cache")
    assert dataset.record.conflicts == ("cats/3.png = dogs/copy.png",)
    assert {rejected.file for rejected in dataset.record.rejected} == {
        "cats/3.png",
        "dogs/copy.png",
    }
    assert "cats/3.png" not in dataset.files
    assert len(dataset.photos()) == len(dataset.labels) == 59


def test_copies_within_a_class_are_kept_and_counted(tmp_path: Path) -> None:
    files = TWO | {"cats/copy.png": photo(3), "cats/again.png": photo(3)}
    record = prepared(tree(tmp_path / "photos", files), tmp_path / "cache").record
    assert (record.photos, record.duplicates, record.conflicts) == (62, 3, ())


def test_a_copy_in_another_given_part_is_left_out_of_train(tmp_path: Path) -> None:
    files = classes("train/a", "train/b", "val/a", "val/b", "test/a", "test/b")
    files |= {"train/a/twin.png": files["test/a/0.png"], "val/b/twin.png": files["test/b/1.png"]}
    dataset = prepared(tree(tmp_path / "photos", files), tmp_path / "cache")
    assert {rejected.file for rejected in dataset.record.rejected} == {
        "train/a/twin.png",
        "val/b/twin.png",
    }
    assert split(dataset, seed=1).counts() == {"train": 8, "validation": 8, "test": 8}


def test_rows_hold_the_decoded_pixels_labels_and_digests_in_order(tmp_path: Path) -> None:
    dataset = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    photos = dataset.photos()
    assert photos.shape == (60, SIZE, SIZE, 3)
    assert photos.dtype == np.uint8
    assert not photos.flags.writeable
    assert not dataset.labels.flags.writeable
    assert list(dataset.files) == sorted(TWO)
    for row, file in enumerate(dataset.files):
        assert np.array_equal(photos[row], decode(TWO[file], SIZE))
        assert dataset.sha256[row] == hashlib.sha256(TWO[file]).hexdigest()
        assert dataset.record.classes[dataset.labels[row]] == file.split("/")[0]


def test_a_folder_and_its_zip_give_the_same_digest(tmp_path: Path) -> None:
    folder = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    path = packed(tmp_path / "photos.zip", [(f"deep/{name}", raw) for name, raw in TWO.items()])
    zipped = prepared(path, tmp_path / "cache")
    assert zipped.record == replace(folder.record, name="photos.zip", source=str(path))


def test_a_second_call_reads_no_photo_and_takes_the_new_name(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", TWO)
    first = prepared(root, tmp_path / "cache")
    changed = first.path.stat().st_mtime_ns
    reports: list[str] = []
    again = prepare(
        f"{root}/../photos",
        image_size=SIZE,
        cache_dir=tmp_path / "cache",
        seed=1,
        progress=lambda what, *_: reports.append(what),
    )
    assert reports == []
    assert again.path.stat().st_mtime_ns == changed
    assert again.record.source.endswith("/../photos")
    assert again.record.name == "photos"


def test_a_changed_photo_size_or_layout_makes_another_file(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", TWO)
    first = prepared(root, tmp_path / "cache")
    assert prepared(root, tmp_path / "cache", seed=2).path == first.path
    assert prepared(root, tmp_path / "cache", size=SIZE + 1).path != first.path
    (root / "cats/0.png").write_bytes(photo(99))
    os.utime(root / "cats/0.png", ns=(1, 1))
    second = prepared(root, tmp_path / "cache")
    assert second.path != first.path
    assert second.record.digest != first.record.digest


def test_a_killed_build_leaves_nothing_that_counts(tmp_path: Path) -> None:
    root = tree(tmp_path / "photos", TWO)
    arguments = {"name": str(root), "image_size": 64, "seed": 1}
    code = (
        "import json, sys; from pathlib import Path\n"
        "from trainables.photos.named import prepare\n"
        "arguments = json.loads(sys.argv[1])\n"
        "print('imported', flush=True)\n"
        "while True:\n"
        "    dataset = prepare(cache_dir=Path(sys.argv[2]), **arguments)\n"
        "    dataset.path.unlink()\n"
    )
    expected = prepared(root, tmp_path / "whole", size=64).record
    for milliseconds in (10, 40, 70, 100):
        command = [sys.executable, "-c", code, json.dumps(arguments), str(tmp_path / "cache")]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"imported\n"
            time.sleep(milliseconds / 1000)
            child.send_signal(signal.SIGKILL)
        assert prepared(root, tmp_path / "cache", size=64).record == expected


def test_leftovers_of_the_killed_are_removed_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "datasets"
    tree(folder, {".part-old": b"x", ".part-new": b"x"})
    os.utime(folder / ".part-old", (1, 1))
    prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache")
    assert not (folder / ".part-old").exists()
    assert (folder / ".part-new").exists()


def test_digits_need_no_network_and_follow_the_seed(tmp_path: Path) -> None:
    dataset = prepared(digits.NAME, tmp_path, size=20)
    assert dataset.record.photos == 10 * DIGITS_PER_CLASS
    assert dataset.record.name == digits.NAME
    assert dataset.record.classes == tuple("0123456789")
    assert np.bincount(dataset.labels).tolist() == [DIGITS_PER_CLASS] * 10
    assert dataset.files[0].startswith("digit-")
    assert (dataset.photos().min(), dataset.photos().max()) == (0, 255)
    assert len(set(dataset.pixel_sha256)) == len(dataset.files)
    assert prepared(digits.NAME, tmp_path, size=20, seed=2).files != dataset.files


def test_cats_vs_dogs_takes_a_seeded_sample_with_the_labels_of_the_paper(tmp_path: Path) -> None:
    files = {f"PetImages/{name}": raw for name, raw in classes("Cat", "Dog", each=40).items()}
    files |= {"PetImages/Cat/666.jpg": b"", "PetImages/Cat/Thumbs.db": b"", "readme.txt": b""}
    served = tmp_path / "cache/downloads/pets.zip"
    served.parent.mkdir(parents=True)
    packed(served, files.items())

    def sample(seed: int) -> Dataset:
        url = "http://127.0.0.1:9/pets.zip"  # nobody listens: the zip is in the cache
        source = partial(cats_vs_dogs.cats_vs_dogs, url=url, per_class=30)
        return prepare(
            "cats_vs_dogs",
            image_size=SIZE,
            cache_dir=tmp_path / "cache",
            seed=seed,
            sources={"cats_vs_dogs": source},
        )

    dataset = sample(1)
    assert dataset.record.classes == ("cat", "dog")
    assert np.bincount(dataset.labels).tolist() == [30, 30]
    assert all(
        file.startswith(("Cat/", "Dog/")[label])
        for file, label in zip(dataset.files, dataset.labels.tolist(), strict=True)
    )
    assert (dataset.record.name, dataset.record.source) == ("cats_vs_dogs", "cats_vs_dogs")
    served.unlink()
    assert sample(1).record == dataset.record
    with pytest.raises(EnvironmentRefusal, match="no connection"):
        sample(2)


def test_the_command_line_knows_every_source_by_its_word() -> None:
    assert tuple(SOURCES) == DATA_NAMES


def test_thumbnails_are_the_photos_of_their_rows_made_smaller(tmp_path: Path) -> None:
    dataset = prepared(tree(tmp_path / "photos", TWO), tmp_path / "cache", size=128)
    small = dataset.thumbnails([7, 3])
    assert {row: pixels.shape for row, pixels in small.items()} == dict.fromkeys(
        (7, 3), (64, 64, 3)
    )
    halved = dataset.photos()[7].reshape(64, 2, 64, 2, 3).mean(axis=(1, 3))
    assert np.abs(small[7] - halved).mean() < 10


def test_reading_is_told_photo_by_photo(tmp_path: Path) -> None:
    reports: list[tuple[str, int, int | None]] = []
    prepare(
        str(tree(tmp_path / "photos", TWO)),
        image_size=SIZE,
        cache_dir=tmp_path / "cache",
        seed=1,
        progress=lambda *what: reports.append(what),
    )
    assert reports == [("reading photos", number, 60) for number in range(1, 61)]


def test_the_data_room_imports_no_heavy_library() -> None:
    code = "import sys, trainables.photos.named, trainables.photos.splits; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"tensorflow", "keras", "ray", "sklearn", "optuna", "matplotlib"} & set(loaded)


@pytest.mark.slow
@pytest.mark.skipif(not REAL_ZIP.exists(), reason=f"{REAL_ZIP.name} is not beside the repository")
def test_the_4000_real_photos_split_as_in_the_paper(tmp_path: Path) -> None:
    assert zipfile.is_zipfile(REAL_ZIP)
    dataset = prepared(REAL_ZIP, tmp_path, size=150, seed=42)
    assert dataset.record.classes == ("cats", "dogs")
    made = split(dataset, seed=42)
    assert made.counts() == {"train": 2400, "validation": 800, "test": 800}
    for part, count in made.counts().items():
        assert np.bincount(made.labels[made.indices(part)]).tolist() == [count // 2] * 2
