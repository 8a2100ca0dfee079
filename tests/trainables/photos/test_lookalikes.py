"""Photos that look alike: found where they are the same photo, and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from results.ledger.runs import LEFT_OUT, SPLITS
from search_spaces.settings import DROP, GROUP, IGNORE
from tests.trainables.photo_trees import tree
from trainables.photos.dataset import Dataset
from trainables.photos.decoding import decode
from trainables.photos.lookalikes import MOST_DIFFERENCE, lookalikes, small
from trainables.photos.named import prepare
from trainables.photos.splits import split

SIZE = 48


def scene(number: int) -> Image.Image:
    """A made-up photo: smooth blobs of colour, and some noise of the camera."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((160, 120), Image.Resampling.BICUBIC), dtype=np.int64)
    noisy = smooth + rng.integers(-8, 9, smooth.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **options: int) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def mirrored(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "copy.png": encoded,
    "again.jpg": lambda image: encoded(image, "JPEG", quality=60),
    "again.webp": lambda image: encoded(image, "WEBP", quality=60),
    "half.jpg": lambda image: encoded(image.resize((80, 60)), "JPEG", quality=80),
    "mirrored.png": lambda image: encoded(mirrored(image)),
    "mirrored.jpg": lambda image: encoded(mirrored(image), "JPEG", quality=60),
}


def prepared(root: Path, files: dict[str, bytes]) -> Dataset:
    photos = tree(root / "photos", files)
    return prepare(str(photos), image_size=SIZE, cache_dir=root / "cache", seed=1)


def scenes(count: int = 8) -> dict[str, bytes]:
    return {
        f"{name}/{number}.png": encoded(scene(1000 * place + number))
        for place, name in enumerate(("cats", "dogs"))
        for number in range(count)
    }


@pytest.mark.parametrize("name", COPIES)
def test_a_photo_that_is_encoded_again_shrunk_or_mirrored_is_found(
    tmp_path: Path, name: str
) -> None:
    dataset = prepared(tmp_path, scenes() | {f"cats/x-{name}": COPIES[name](scene(3))})
    alike = lookalikes(dataset, GROUP)
    look_of = dict(zip(dataset.files, alike.looks, strict=True))
    assert look_of["cats/3.png"] == look_of[f"cats/x-{name}"]
    assert len(set(alike.looks)) == len(dataset.files) - 1
    assert alike.near == (0 if name == "copy.png" else 2)
    assert alike.left_out == {}


def test_different_photos_are_not_taken_for_copies(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, scenes(150))
    alike = lookalikes(dataset, GROUP)
    assert alike.looks == dataset.pixel_sha256
    assert (alike.near, dict(alike.left_out)) == (0, {})


def test_the_same_scene_in_another_light_or_colour_is_another_photo(tmp_path: Path) -> None:
    pixels = np.asarray(scene(3))
    other = {
        "cats/dark.png": encoded(Image.fromarray(pixels // 2)),
        "cats/swapped.png": encoded(Image.fromarray(pixels[:, :, ::-1].copy())),
        "cats/negative.png": encoded(Image.fromarray(255 - pixels)),
    }
    assert lookalikes(prepared(tmp_path, scenes() | other), GROUP).near == 0


def test_plain_pictures_are_alike_only_if_they_are_equal(tmp_path: Path) -> None:
    plain = {
        f"cats/plain-{level}.png": encoded(Image.new("RGB", (9, 9), (level, level, level)))
        for level in (0, 1, 128, 129, 255)
    }
    assert lookalikes(prepared(tmp_path, scenes() | plain), GROUP).near == 0


@pytest.mark.parametrize("size", [32, 75])
def test_of_the_scanned_digits_none_are_taken_for_copies(tmp_path: Path, size: int) -> None:
    dataset = prepare("digits", image_size=size, cache_dir=tmp_path, seed=42)
    assert lookalikes(dataset, GROUP).looks == dataset.pixel_sha256


def test_no_copy_crosses_from_one_split_to_another(tmp_path: Path) -> None:
    files = scenes(12)
    for number in range(12):
        files |= {f"cats/{number}-{name}": make(scene(number)) for name, make in COPIES.items()}
    dataset = prepared(tmp_path, files)
    alike = lookalikes(dataset, GROUP)
    made = split(dataset, seed=3, alike=alike)
    parts_of: dict[str, set[str]] = {}
    for file, part in zip(made.files, made.parts, strict=True):
        parts_of.setdefault(file.split("-")[0].removesuffix(".png"), set()).add(part)
    assert {len(parts) for parts in parts_of.values()} == {1}
    assert alike.near == 12 * 7
    assert set(made.parts) == set(SPLITS)


def test_without_copies_the_split_is_the_one_by_pixels(tmp_path: Path) -> None:
    dataset = prepared(tmp_path, scenes(40))
    alike = lookalikes(dataset, GROUP)
    assert split(dataset, seed=5, alike=alike).parts == split(dataset, seed=5).parts


def test_drop_leaves_out_all_but_the_first(tmp_path: Path) -> None:
    files = scenes() | {f"cats/3-{name}": make(scene(3)) for name, make in COPIES.items()}
    dataset = prepared(tmp_path, files)
    alike = lookalikes(dataset, DROP)
    made = split(dataset, seed=3, alike=alike)
    left_out = {made.files[row] for row, part in enumerate(made.parts) if part == LEFT_OUT}
    assert len(left_out) == len(COPIES)
    assert "looks like cats/3" in next(iter(alike.left_out.values()))
    assert sum(made.counts().values()) == 16


def test_ignore_looks_for_nothing(tmp_path: Path) -> None:
    files = scenes() | {f"cats/3-{name}": make(scene(3)) for name, make in COPIES.items()}
    dataset = prepared(tmp_path, files)
    alike = lookalikes(dataset, IGNORE)
    assert len(set(alike.looks)) == len(dataset.files)
    assert (alike.near, dict(alike.left_out)) == (0, {})


@pytest.mark.parametrize("handling", [GROUP, DROP])
def test_photos_that_look_alike_under_two_labels_are_left_out(
    tmp_path: Path, handling: str
) -> None:
    dataset = prepared(tmp_path, scenes() | {"dogs/x.jpg": COPIES["mirrored.jpg"](scene(3))})
    left_out = lookalikes(dataset, handling).left_out
    assert {dataset.files[row] for row in left_out} == {"cats/3.png", "dogs/x.jpg"}
    assert all("under another label" in why for why in left_out.values())


def test_in_a_given_split_the_copy_in_test_stays(tmp_path: Path) -> None:
    given = {
        f"{part}/{name}": content
        for at, part in enumerate(("train", "val", "test"))
        for name, content in {
            f"{label}/{number}.png": encoded(scene(100 * at + 10 * place + number))
            for place, label in enumerate(("cats", "dogs"))
            for number in range(4)
        }.items()
    }
    given["train/cats/x.jpg"] = COPIES["again.jpg"](scene(201))  # as test/cats/1.png
    given["val/dogs/x.jpg"] = COPIES["mirrored.jpg"](scene(11))  # as train/dogs/1.png
    dataset = prepared(tmp_path, given)
    left_out = lookalikes(dataset, GROUP).left_out
    assert {dataset.files[row] for row in left_out} == {"train/cats/x.jpg", "train/dogs/1.png"}
    made = split(dataset, seed=0, alike=lookalikes(dataset, GROUP))
    assert made.parts.count(LEFT_OUT) == 2


def test_the_small_picture_of_a_mirrored_photo_is_the_mirrored_small_picture() -> None:
    for size in (9, 16, 50, 75):
        photos = np.stack([decode(encoded(scene(number)), size) for number in range(3)])
        flipped = np.ascontiguousarray(photos[:, :, ::-1])
        np.testing.assert_allclose(small(flipped), small(photos)[..., ::-1], atol=1e-3)
    assert 0 < MOST_DIFFERENCE < 0.09
