"""Seconds of an epoch by backbone and unfreeze point: as measured, or else as foreseen.

    paces = seconds_per_epoch({"VGG16": tally}, running=())
    paces["VGG16"]["block5_conv1"]

What no trial has measured takes what earlier runs on this machine measured. Where there were none,
it takes what the shallowest measured point takes and, for the layers between, three times their
forward pass (forward, and gradients by inputs and by weights) at the seconds per multiply-add of
the pass that filled the store, and the optimizer's step at the seconds per parameter of trained
heads. In `tests/sweep/terminal/default_sweep.csv` each of six baselines is so foreseen within 30 %
from heads alone; what is measured of deep points corrects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from search_spaces.config import TrialConfig
from sweep.schedule.tally import Mean, Tally

PASSES_OF_A_STEP = 3
"""Forward, and gradients by inputs and by weights, each about as many multiply-adds."""
MOST_PER_PARAMETER = 1e-8
"""Seconds of an optimizer's step; a head so small that it seems to take longer has other costs."""


@dataclass(frozen=True)
class _Speed:
    """Seconds per multiply-add of a forward pass, and per parameter of an optimizer's step. The
    latter is that of trained heads, as if their optimizer were all that they do."""

    multiply_add: float
    parameter: float


@dataclass(frozen=True)
class _Known:
    """What is known of one backbone.

    Attributes:
        measured: mean seconds of an epoch by point, the shallowest first.
    """

    tally: Tally
    measured: Mapping[str, float]

    @staticmethod
    def of(tally: Tally, running: Iterable[tuple[TrialConfig, float]]) -> _Known:
        points = dict(tally.points)
        for config, seconds in running:
            points[config.unfreeze] = points.get(config.unfreeze, Mean()) + Mean(seconds, 1)
        means = {point: mean.value for point, mean in points.items()}
        return _Known(tally, {point: mean for point, mean in means.items() if mean is not None})

    def computed(self, speed: _Speed) -> dict[str, float]:
        """Seconds of an epoch's layers and steps by point, without whatever else it takes; empty
        where a measured point's are not known."""
        photos, steps, by_point = self.tally.photos, self.tally.steps, self.tally.work
        if not by_point.keys() >= self.measured.keys():
            return {}
        return {
            point: PASSES_OF_A_STEP * photos * speed.multiply_add * work.multiply_adds
            + steps * speed.parameter * work.parameters
            for point, work in by_point.items()
        }

    def beyond(self, computed: Mapping[str, float]) -> tuple[float, float]:
        """Seconds of measured points beyond those of the shallowest: as measured, as computed."""
        shallowest, *deeper = self.measured
        took = sum(self.measured[point] - self.measured[shallowest] for point in deeper)
        return max(0.0, took), sum(computed[point] - computed[shallowest] for point in deeper)

    def foreseen(self, computed: Mapping[str, float], factor: float) -> dict[str, float]:
        """Seconds of an epoch by point, as far as anything is known of it."""
        known = {**self.tally.course.known, **self.measured}
        if self.measured and computed:
            shallowest = next(iter(self.measured))
            anchor = self.measured[shallowest] - factor * computed[shallowest]
            lower = {point: factor * own for point, own in computed.items()}
            known = {p: max(own, anchor + own) for p, own in lower.items()} | known
        return {point: known[point] for point in self.tally.course.points if point in known}


def seconds_per_epoch(
    tallies: Mapping[str, Tally], running: Iterable[tuple[TrialConfig, float]] = ()
) -> dict[str, dict[str, float]]:
    """Seconds of an epoch by backbone and unfreeze point, without points of which nothing is known.

    An epoch's share of its trial's beginning and end is in it, that of filling the store is not.

    Args:
        tallies: by backbone.
        running: configurations of trials that are not finished, and seconds of an epoch of each.
    """
    epochs = list(running)
    known = {
        name: _Known.of(tally, [one for one in epochs if one[0].backbone == name])
        for name, tally in tallies.items()
    }
    anyone = sum((tally.multiply_adds for tally in tallies.values()), Mean()).value
    updates = sum((tally.updates for tally in tallies.values()), Mean()).value
    per_parameter = min(MOST_PER_PARAMETER, updates or 0.0)
    computed = {
        name: one.computed(_Speed(one.tally.multiply_adds.value or anyone or 0.0, per_parameter))
        for name, one in known.items()
    }
    return {
        name: one.foreseen(computed[name], _factor(name, known, computed))
        for name, one in known.items()
    }


def _factor(
    name: str, known: Mapping[str, _Known], computed: Mapping[str, Mapping[str, float]]
) -> float:
    """By how much longer than computed the layers of a backbone take: measured in the backbone, or
    in the others, where 1 weighs as much as one of them."""
    pairs = {
        other: one.beyond(computed[other])
        for other, one in known.items()
        if len(one.measured) > 1 and computed[other]
    }
    took, expected = pairs.get(name, (0.0, 0.0))
    if took and expected:
        return took / expected
    ratios = [took / expected for took, expected in pairs.values() if expected]
    return fmean([1.0, *ratios])
