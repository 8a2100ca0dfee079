"""Whether one method is better than another, whatever the seed: pure functions of arrays.

A trained network's accuracy is uncertain twice: other test photos, and another seed, would have
given another one (Bouthillier et al., "Accounting for Variance in Machine Learning Benchmarks",
MLSys 2021). An interval over photos alone, on one pair of networks, takes luck for skill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from results.scores.confirmation_types import SeedTest, Spread
from results.scores.metrics import LEVEL, Correct, Interval

_SMALLEST_P = 1e-12


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(values) < 2:
        raise ValueError(f"two values at least are needed, got {len(values)}")
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)))


def over_seeds(first: Correct, second: Correct) -> SeedTest:
    """Hold two methods' right answers against each other, [K, n] bool: K seeds, n test photos.

    Two intervals are squared and added, as in Newcombe's (Zou & Donner, "Construction of confidence
    limits about effect measures", Statistics in Medicine 27, 2008): Student's of the difference
    over photos, which are the same for both, each with its mean over seeds; and Student's of the
    difference over seeds, with one pooled variance and 2 (K - 1) degrees of freedom. What a seed
    changes on single photos is in both, so the interval is rather too wide than too narrow.

    Raises:
        ValueError: the shapes differ, or there are fewer than two seeds or photos.
    """
    from scipy.optimize import brentq

    if first.shape != second.shape or first.ndim != 2 or min(first.shape) < 2:
        raise ValueError(
            f"[K, n] of two seeds and photos are needed, got {first.shape}, {second.shape}"
        )
    seeds, photos = first.shape
    by_photo = first.mean(axis=0) - second.mean(axis=0)
    difference = float(first.mean() - second.mean())
    photo_variance = float(by_photo.var(ddof=1))
    seed_variance = sum(float(one.mean(axis=1).var(ddof=1)) for one in (first, second)) / seeds

    def width(p: float) -> float:
        """Half of the interval that leaves out a share of p."""
        by_photos = _student(p, photos - 1) * math.sqrt(photo_variance / photos)
        return math.hypot(by_photos, _student(p, 2 * (seeds - 1)) * math.sqrt(seed_variance))

    half = width(1 - LEVEL)
    if difference == 0:
        p = 1.0
    elif width(_SMALLEST_P) <= abs(difference):
        p = _SMALLEST_P
    else:
        p = float(brentq(lambda share: width(share) - abs(difference), _SMALLEST_P, 1))
    by_seeds = _student(1 - LEVEL, 2 * (seeds - 1)) ** 2 * seed_variance
    rest = difference**2 - by_seeds
    enough = _student(1 - LEVEL, photos - 1) ** 2 * photo_variance / rest if rest > 0 else math.inf
    return SeedTest(
        difference=difference,
        interval=Interval(max(-1.0, difference - half), min(1.0, difference + half)),
        p=p,
        photos=math.floor(enough) + 1 if math.isfinite(enough) else None,
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values, in the given order: where each is held against 5 %, the chance that any of
    them is a false alarm is at most 5 %.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.
    """
    adjusted = np.zeros(len(p_values))
    highest = 0.0
    for rank, at in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return tuple(map(float, adjusted))


def _student(p: float, freedom: int) -> float:
    """Student's quantile that a share of p lies beyond, on both sides together."""
    from scipy.stats import t

    return float(t.isf(p / 2, freedom))
