"""What a backbone's unfinished trials will take, from the measured seconds of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.profiles import PointCost, Profile
from search_spaces.settings import Settings

STEP = 3
"""A training step costs so many forward passes: one forward, and about two for the gradients."""

HALF = "float16"
"""The number type whose stored features take half the bytes."""


@dataclass(frozen=True)
class Estimate:
    """Bytes, and seconds of work: trials that run side by side share them by the clock.

    Attributes:
        bytes_stored: of features, at most: as if no two unfreeze points shared a tensor.
        seconds_prefix: every photo through the layers before the deepest unfreeze point, once per
            scaling.
        seconds_trained: training, validation and test in the layers behind the unfreeze point, for
            a trial at each of the run's points in turn.
        seconds_plain: the same trials where every photo passes through every layer each time.
    """

    bytes_stored: float
    seconds_prefix: float
    seconds_trained: float
    seconds_plain: float

    @property
    def seconds_saved(self) -> float:
        """What a plain script takes longer; negative where the store costs more than it gives."""
        return self.seconds_plain - self.seconds_prefix - self.seconds_trained

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.bytes_stored + other.bytes_stored,
            self.seconds_prefix + other.seconds_prefix,
            self.seconds_trained + other.seconds_trained,
            self.seconds_plain + other.seconds_plain,
        )


def estimate(
    settings: Settings,
    counts: Mapping[str, int],
    profile: Profile,
    *,
    left: int,
    passes: int,
) -> Estimate | None:
    """Estimate what is left of one backbone; None if the profile lacks one of the run's points.

    Args:
        counts: photos per split.
        left: unfinished trials.
        passes: times that each photo goes through the frozen layers.
    """
    names = settings.points[profile.backbone]
    if not set(names) <= set(profile.points):
        return None
    points = [profile.points[name] for name in names]
    photos = sum(counts.values())
    share = 0.5 if settings.cache_dtype == HALF else 1.0
    return Estimate(
        bytes_stored=passes * photos * share * sum(point.row_bytes for point in points),
        seconds_prefix=passes * photos * max(point.seconds for point in points),
        seconds_trained=left * _trained(settings, counts, profile, points),
        seconds_plain=left * _plain(settings, counts, profile, points),
    )


def _trained(
    settings: Settings, counts: Mapping[str, int], profile: Profile, points: Sequence[PointCost]
) -> float:
    """Seconds of one trial that reads stored features."""
    suffix = fmean(profile.seconds_whole - point.seconds for point in points)
    per_epoch = (STEP * counts["train"] + counts["validation"]) * suffix
    return settings.epochs * per_epoch + counts["test"] * suffix


def _plain(
    settings: Settings, counts: Mapping[str, int], profile: Profile, points: Sequence[PointCost]
) -> float:
    """Seconds of one trial that pushes every photo through every layer."""
    before = fmean(point.seconds for point in points)
    photos = settings.epochs * (counts["train"] + counts["validation"]) + counts["test"]
    return photos * before + _trained(settings, counts, profile, points)
