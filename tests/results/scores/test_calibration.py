"""Calibration errors and temperatures against values worked out by hand, or known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from results.scores.calibration import (
    COLDEST,
    HOTTEST,
    at_temperature,
    calibrate,
    calibration_error,
    fitted_temperature,
    is_bounded,
)
from results.scores.metrics import cross_entropy

NOBODY = np.zeros((0, 2), np.float32), np.zeros(0, np.int64)


def drawn(photos: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Probabilities that are true by construction: each label is drawn from its row."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (photos, 3))
    rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (random.random((photos, 1)) > rows.cumsum(axis=1)).sum(axis=1)
    return rows.astype(np.float32), labels.astype(np.int64)


def test_nothing_can_be_said_of_no_photos_no_bins_and_no_temperature() -> None:
    rows, labels = drawn(4, 0)
    for wrong in (calibration_error, fitted_temperature):
        with pytest.raises(ValueError, match="N >= 1"):
            wrong(*NOBODY)
    with pytest.raises(ValueError, match="at least one bin"):
        calibration_error(rows, labels, bins=0)
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            at_temperature(rows, temperature)


def test_the_error_is_that_of_each_bin_weighted_by_its_photos() -> None:
    rows = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.4, 0.6]], np.float32)
    labels = np.array([0, 1, 1, 1])
    # 0.95 sure and half right, 0.6 sure and all right, half of the photos each.
    assert calibration_error(rows, labels) == pytest.approx(0.5 * 0.45 + 0.5 * 0.4)
    # In one bin the two gaps are of opposite sign: (0.5 - 0.95 + 1 - 0.6) / 2.
    assert calibration_error(rows, labels, bins=1) == pytest.approx(0.025)


def test_a_probability_on_a_bins_border_counts_below_it_and_one_counts_in_the_last() -> None:
    border = np.array([[0.5, 0.5], [0.4, 0.6]], np.float32)
    labels = np.array([1, 1])  # a tie goes to label 0, so the first is wrong
    assert calibration_error(border, labels, bins=2) == pytest.approx((0.5 + 0.4) / 2)
    certain = np.array([[1.0, 0.0]], np.float32)
    assert calibration_error(certain, np.array([0])) == 0.0


def test_a_temperature_of_one_changes_nothing_and_none_changes_the_order() -> None:
    rows, _ = drawn(50, 1)
    np.testing.assert_allclose(at_temperature(rows, 1.0), rows, rtol=1e-6)
    for temperature in (0.2, 5.0):
        mended = at_temperature(rows, temperature)
        np.testing.assert_array_equal(mended.argsort(axis=1), rows.argsort(axis=1))
        np.testing.assert_allclose(mended.sum(axis=1), 1.0, rtol=1e-6)
    assert at_temperature(np.array([[0.8, 0.2]], np.float32), 0.5)[0, 0] == pytest.approx(16 / 17)


def test_a_probability_of_zero_stays_finite() -> None:
    mended = at_temperature(np.array([[1.0, 0.0]], np.float32), HOTTEST)
    assert np.isfinite(mended).all()


def test_the_temperature_that_was_applied_is_found_again() -> None:
    rows, labels = drawn(20_000, 2)
    assert fitted_temperature(rows, labels) == pytest.approx(1.0, abs=0.05)
    for applied in (0.5, 3.0):
        assert fitted_temperature(at_temperature(rows, 1 / applied), labels) == pytest.approx(
            applied, rel=0.05
        )


def test_photos_that_are_all_right_leave_the_temperature_at_its_coldest() -> None:
    sure = np.array([[0.9, 0.1]] * 5, np.float32)
    assert fitted_temperature(sure, np.zeros(5, np.int64)) == pytest.approx(COLDEST, rel=1e-3)
    assert fitted_temperature(sure, np.ones(5, np.int64)) == pytest.approx(HOTTEST, rel=1e-3)
    assert not is_bounded(fitted_temperature(sure, np.zeros(5, np.int64)))
    assert is_bounded(fitted_temperature(sure, np.array([0, 0, 0, 0, 1])))


def test_what_is_fitted_on_validation_is_judged_on_test() -> None:
    (validation, seen), (test, unseen) = drawn(4000, 3), drawn(4000, 4)
    too_sure = at_temperature(test, 1 / 3)
    found = calibrate(at_temperature(validation, 1 / 3), seen, too_sure, unseen)
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.error == calibration_error(too_sure, unseen) > 0.1
    assert found.error_at_temperature < 0.03
    assert found.loss == cross_entropy(too_sure, unseen) > found.loss_at_temperature
