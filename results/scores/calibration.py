"""Whether probabilities mean what they say: calibration errors, and a temperature that mends them.

Guo, Pleiss, Sun & Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017). Photos that a
model is 80 % sure of should be right in 80 % of cases. A temperature is fitted on validation
photos and judged on test photos; it changes no answer, only how sure the answers are.

N photos, C classes. Probabilities are [N, C], rows sum to 1; labels are [N].
"""

from __future__ import annotations

import math

import numpy as np

from results.ledger.arrays import Probabilities
from results.scores.method_types import Calibration
from results.scores.metrics import SMALLEST_PROBABILITY, Labels, cross_entropy, right

BINS = 15
"""Equal bins of the most probable class's probability, as many as in the paper."""

COLDEST, HOTTEST = 0.05, 20.0
"""Where a temperature is looked for. One at either end is not determined by these photos."""


def calibrate(
    validation: Probabilities, validation_labels: Labels, test: Probabilities, test_labels: Labels
) -> Calibration:
    """Fit a temperature on validation photos and judge it on test photos."""
    temperature = fitted_temperature(validation, validation_labels)
    mended = at_temperature(test, temperature)
    return Calibration(
        temperature=temperature,
        error=calibration_error(test, test_labels),
        error_at_temperature=calibration_error(mended, test_labels),
        loss=cross_entropy(test, test_labels),
        loss_at_temperature=cross_entropy(mended, test_labels),
    )


def calibration_error(probabilities: Probabilities, labels: Labels, *, bins: int = BINS) -> float:
    """The expected calibration error: |accuracy - confidence| per bin, weighted by its photos.

    Args:
        bins: of equal width, each open below and closed above.

    Raises:
        ValueError: there are no photos, the arrays do not match, or there is no bin.
    """
    if bins < 1:
        raise ValueError(f"at least one bin is needed, got {bins}")
    correct = right(probabilities, labels).astype(np.float64)
    confidence = probabilities.max(axis=1).astype(np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def fitted_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """The temperature, `COLDEST` to `HOTTEST`, with the lowest cross-entropy on these photos.

    Raises:
        ValueError: there are no photos, or the arrays do not match.
    """
    from scipy.optimize import minimize_scalar

    right(probabilities, labels)  # refuses what does not match

    def loss(logarithm: float) -> float:
        return cross_entropy(at_temperature(probabilities, float(np.exp(logarithm))), labels)

    # The loss is convex in 1/T, so it has one valley in log T as well.
    ends = (float(np.log(COLDEST)), float(np.log(HOTTEST)))
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    # Where every photo is right the loss is 0 long before the coldest end. The search may stop
    # anywhere on that flat part, so both ends are tried as well.
    return float(np.exp(min(sorted((*ends, float(found.x))), key=loss)))


def is_bounded(temperature: float) -> bool:
    """Whether the photos that a temperature was fitted on say where it lies."""
    return not any(math.isclose(temperature, end) for end in (COLDEST, HOTTEST))


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """softmax(log p / T): that of the logits divided by T, for a network that ends in a softmax.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature above 0 is needed, got {temperature}")
    floored = np.maximum(probabilities.astype(np.float64), SMALLEST_PROBABILITY)
    scaled = np.log(floored) / temperature
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)
