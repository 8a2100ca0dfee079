"""The order in which a backbone's trials start: cheap ones first, what can wait last.

A trial of the head alone costs a hundredth of a deep one once features are stored, and says which
scaling and which rates work. So the first searched trials train heads (`probes`); the documented
baseline follows, then deep trials, which start from the best head so far (`schedule.heads`). The
baseline in the backbone's own scaling, which shows what the paper's X/255 costs, comes last, if the
search goes beyond heads.

All of it follows from the settings, never from timing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.backbones import HEAD, Scaling
from search_spaces.config import TrialConfig
from search_spaces.settings import Settings
from search_spaces.space import LogUniform

MOST_PROBES = 8
"""Trials of the head alone that open a backbone's search, at most half of those that are searched:
two scalings by four optimizers, or three rates in each scaling with two to spare."""

FIRST_OPTIMIZER, FIRST_RATE = "adam", 1e-3
"""Of the first probes: Keras' own default; the sampler goes on from there."""


@dataclass(frozen=True)
class Order:
    """One backbone's trials in the order of their starting.

    Attributes:
        numbers: of all its trials, each once; 0 is the baseline.
        probes: how many of the first ones train the head alone.
        twin: the baseline in the backbone's own scaling, for the last number; None if no trial is
            to be it.
    """

    numbers: tuple[int, ...]
    probes: int
    twin: TrialConfig | None


def order_of(settings: Settings, backbone: str) -> Order:
    """How a backbone's search goes."""
    searched = settings.searched(backbone)
    probes = min(MOST_PROBES, searched // 2) if _can_probe(settings, backbone) else 0
    numbers = (*range(1, probes + 1), 0, *range(probes + 1, searched + 1))
    return Order(numbers, probes, _twin(settings, backbone) if searched else None)


def first_probe(settings: Settings, backbone: str, number: int) -> TrialConfig | None:
    """The configuration of probes 1 and 2: each scaling once, under Keras' default of Adam.

    None where the sampler decides: for later numbers, and where the space has no such place.
    """
    scalings = (Scaling.NATIVE, Scaling.UNIT)
    if number > len(scalings):
        return None
    baseline, space = settings.baseline(backbone), settings.space
    values: dict[str, Any] = {
        "unfreeze": HEAD,
        "scaling": scalings[number - 1],
        "optimizer": FIRST_OPTIMIZER,
        "learning_rate": FIRST_RATE,
    }
    varied = {dimension.name: dimension for dimension in space.dimensions(backbone)}
    rate = varied.get("learning_rate")
    if isinstance(rate, LogUniform):
        values["learning_rate"] = min(max(FIRST_RATE, rate.low), rate.high)
    config = replace(baseline, **{name: values[name] for name in values if name in varied})
    return config if space.contains(config) else None


def _can_probe(settings: Settings, backbone: str) -> bool:
    return HEAD in (settings.space.choices(backbone, "unfreeze") or ())


def _twin(settings: Settings, backbone: str) -> TrialConfig | None:
    """The baseline but for its scaling, where that is searched and the baseline has X/255.

    A search of heads alone has none: it would be the one trial that trains layers of the backbone,
    and take longer than all others together. Nor has one that can try all it may, if the twin is
    none of them: it would take the place of one.
    """
    baseline, space = settings.baseline(backbone), settings.space
    points = space.choices(backbone, "unfreeze")
    twin = replace(baseline, scaling=Scaling.NATIVE)
    wanted = (
        baseline.scaling is Scaling.UNIT
        and Scaling.NATIVE in (space.choices(backbone, "scaling") or ())
        and (points is None or baseline.unfreeze in points)
        and (math.isinf(space.size(backbone)) or space.contains(twin))
    )
    return twin if wanted else None
