"""Views of a photo: drawn once for all, each another crop, and never another size."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.photos.views import View, redrawn

RNG = np.random.default_rng(3)
PHOTOS = RNG.integers(0, 256, (6, 40, 40, 3), dtype=np.uint8)


def test_a_view_is_the_same_whenever_it_is_drawn_and_however_it_is_read() -> None:
    rows = np.array([4, 1, 5])
    view = View(PHOTOS, rows, 2)
    one_by_one = np.stack([redrawn(PHOTOS[row], int(row), 2) for row in rows])
    np.testing.assert_array_equal(view[0:3], one_by_one)
    np.testing.assert_array_equal(view[np.array([2, 0])], one_by_one[[2, 0]])
    assert len(view) == 3


def test_views_and_photos_differ_from_each_other() -> None:
    views = [redrawn(PHOTOS[0], 0, number) for number in range(1, 5)]
    drawn = {view.tobytes() for view in [PHOTOS[0], *views, redrawn(PHOTOS[0], 1, 1)]}
    assert len(drawn) == 6


def test_no_photos_are_an_empty_view() -> None:
    assert View(PHOTOS, np.array([], np.int64), 1)[0:32].shape == (0, 40, 40, 3)


def test_an_even_photo_stays_even_and_about_half_of_all_views_are_mirrored() -> None:
    even = np.full((40, 40, 3), 90, np.uint8)
    np.testing.assert_array_equal(redrawn(even, 0, 1), even)
    ramp = np.repeat(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], 40, 0).repeat(3, 2)
    mirrored = [bool(view[0, 0, 0] > view[0, -1, 0]) for view in _views(ramp, 200)]
    assert 70 < sum(mirrored) < 130


def _views(photo: np.ndarray, count: int) -> list[np.ndarray]:
    return [redrawn(photo, row, 1) for row in range(count)]


@pytest.mark.parametrize("number", range(1, 20))
def test_a_crop_keeps_at_least_its_least_area(number: int) -> None:
    size = 64
    across = np.tile(np.arange(size, dtype=np.uint8)[None, :, None], (size, 1, 3))
    down = across.transpose(1, 0, 2)
    width, height = (np.ptp(redrawn(photo, 0, number).astype(int)) + 1 for photo in (across, down))
    assert width * height >= 0.45 * size * size
