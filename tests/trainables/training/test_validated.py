"""Answers after every epoch, which are held where they are few."""

from __future__ import annotations

import numpy as np
import pytest

from results.ledger.arrays import MOST_BYTES_BY_EPOCH, Probabilities, kept_by_epoch
from trainables.training.validated import Validated


def answers(photos: int, classes: int, value: float) -> Probabilities:
    return np.full((photos, classes), value, np.float32)


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_the_bound_counts_epochs_photos_and_classes(more: int, kept: bool) -> None:
    most = MOST_BYTES_BY_EPOCH // 4
    assert kept_by_epoch(1, most + more, 1) is kept
    assert kept_by_epoch(4, most // 8 + more, 2) is kept


def test_few_answers_are_held_of_every_epoch_until_the_trial_ends() -> None:
    validated = Validated(4, 3, 2)
    for value, is_best in ((0.1, True), (0.3, True), (0.2, False)):
        validated.add(answers(3, 2, value), is_best=is_best)
    expected = np.stack([answers(3, 2, value) for value in (0.1, 0.3, 0.2)])
    np.testing.assert_array_equal(validated.by_epoch, expected)
    np.testing.assert_array_equal(validated.best, answers(3, 2, 0.3))
    assert validated.by_epoch.flags.c_contiguous


def test_of_many_answers_only_the_best_epochs_are_held() -> None:
    photos = MOST_BYTES_BY_EPOCH // 4 // 100 // 10 + 1
    validated = Validated(10, photos, 100)
    first, second = answers(photos, 100, 0.1), answers(photos, 100, 0.2)
    validated.add(first, is_best=True)
    validated.add(second, is_best=False)
    assert validated.best is first
    assert validated.by_epoch.shape == (0, photos, 100)
