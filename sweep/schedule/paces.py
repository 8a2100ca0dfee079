"""Seconds of an epoch by backbone and unfreeze point: as measured, or else as foreseen.

    paces = seconds_per_epoch({"VGG16": course}, records, running=())
    paces["VGG16"]["block5_conv1"]

What no trial has measured takes what earlier runs on this machine measured. Where there were none,
it takes what the shallowest measured point takes and, for the layers between, three times their
forward pass (forward, and gradients by inputs and by weights) at the seconds per multiply-add of
the pass that filled the store, and the optimizer's step at the seconds per parameter of trained
heads. In `tests/sweep/terminal/default_sweep.csv` each of six baselines is so foreseen within 20 %
from heads alone; what is measured of deep points corrects it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.anatomy import Work
from results.ledger.records import TrialRecord
from search_spaces.backbones import HEAD
from search_spaces.config import TrialConfig
from sweep.schedule.course import Course

PASSES_OF_A_STEP = 3
"""Forward, and gradients by inputs and by weights, each about as many multiply-adds."""
MOST_PER_PARAMETER = 1e-8
"""Seconds of an optimizer's step; a head so small that it seems to take longer has other costs."""


@dataclass(frozen=True)
class _Speed:
    """Seconds per multiply-add of a forward pass, and per parameter of an optimizer's step."""

    multiply_add: float
    parameter: float


@dataclass(frozen=True)
class _Known:
    """What is known of one backbone.

    Attributes:
        measured: mean seconds of an epoch by point, the shallowest first.
        work: by point, where a record has it.
        photos, steps: of an epoch's training.
    """

    course: Course
    measured: Mapping[str, float]
    work: Mapping[str, Work]
    photos: float = 0.0
    steps: float = 0.0

    def computed(self, speed: _Speed) -> dict[str, float]:
        """Seconds of an epoch's layers and steps by point, without whatever else it takes."""
        return {
            point: PASSES_OF_A_STEP * self.photos * speed.multiply_add * work.multiply_adds
            + self.steps * speed.parameter * work.parameters
            for point, work in self.work.items()
        }

    def beyond(self, computed: Mapping[str, float]) -> tuple[float, float]:
        """Seconds of measured points beyond those of the shallowest: as measured, as computed."""
        shallowest, *deeper = self.measured
        took = sum(self.measured[point] - self.measured[shallowest] for point in deeper)
        return max(0.0, took), sum(computed[point] - computed[shallowest] for point in deeper)

    def foreseen(self, computed: Mapping[str, float], factor: float) -> dict[str, float]:
        """Seconds of an epoch by point, as far as anything is known of it."""
        known = {**self.course.known, **self.measured}
        if self.measured and computed:
            shallowest = next(iter(self.measured))
            anchor = self.measured[shallowest] - factor * computed[shallowest]
            lower = {point: factor * own for point, own in computed.items()}
            known = {p: max(own, anchor + own) for p, own in lower.items()} | known
        return {point: known[point] for point in self.course.points if point in known}


def seconds_per_epoch(
    courses: Mapping[str, Course],
    records: Sequence[TrialRecord],
    running: Iterable[tuple[TrialConfig, float]] = (),
) -> dict[str, dict[str, float]]:
    """Seconds of an epoch by backbone and unfreeze point, without points of which nothing is known.

    An epoch's share of its trial's beginning and end is in it, that of filling the store is not.

    Args:
        courses: of the run's backbones, whose points these are.
        running: configurations of trials that are not finished, and seconds of an epoch of each.
    """
    trained = [record for record in records if record.epochs]
    epochs = list(running)
    known = {
        name: _known(
            course,
            [record for record in trained if record.backbone == name],
            [one for one in epochs if one[0].backbone == name],
        )
        for name, course in courses.items()
    }
    per_parameter, anyone = _per_parameter(trained), _per_multiply_add(trained)
    computed = {}
    for name, one in known.items():
        own = _per_multiply_add([record for record in trained if record.backbone == name])
        computed[name] = one.computed(_Speed(own or anyone, per_parameter))
    return {
        name: one.foreseen(computed[name], _factor(name, known, computed))
        for name, one in known.items()
    }


def _known(
    course: Course, records: Sequence[TrialRecord], running: Sequence[tuple[TrialConfig, float]]
) -> _Known:
    seconds: dict[str, list[float]] = {point: [] for point in course.points}
    for record in records:
        seconds.setdefault(record.config.unfreeze, []).append(record.seconds_per_epoch)
    for config, epoch in running:
        seconds.setdefault(config.unfreeze, []).append(epoch)
    measured = {point: fmean(values) for point, values in seconds.items() if values}
    for record in records:
        if record.anatomy and record.anatomy.by_point.keys() >= seconds.keys():
            photos = record.cost.photos_trained / len(record.epochs)
            work, steps = record.anatomy.by_point, math.ceil(photos / record.config.batch_size)
            return _Known(course, measured, work, photos, steps)
    return _Known(course, measured, {})


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


def _per_multiply_add(records: Sequence[TrialRecord]) -> float:
    """Of a pass that filled the store; 0 where none was timed."""
    work = sum(record.cost.multiply_adds_prefix for record in records)
    return sum(record.cost.seconds_prefix for record in records) / work if work else 0.0


def _per_parameter(records: Sequence[TrialRecord]) -> float:
    """Of the heads' steps, tracing epochs left out, as if the optimizer were all that they do."""
    seconds = updated = 0.0
    for record in records:
        later = record.epochs[1:]
        if record.config.unfreeze == HEAD and record.anatomy and later:
            photos = record.cost.photos_trained / len(record.epochs)
            steps = len(later) * math.ceil(photos / record.config.batch_size)
            seconds += sum(epoch.seconds for epoch in later)
            updated += steps * record.anatomy.parameters_trained
    return min(MOST_PER_PARAMETER, seconds / updated) if updated else 0.0
