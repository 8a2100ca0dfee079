"""`--warm-start`: trials of earlier runs, which guide a search beside its own.

They are copied into the new run when it starts, so that its suggestions stay a function of its own
folder. Their photos and weights may be others, so they guide the sampler alone: no bar of early
stopping, no head to start from and no count of trials comes from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from search_spaces.config import TrialConfig
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import Settings
from search_spaces.space import DIMENSIONS
from sweep.schedule.order import order_of

_OF_THE_RUN = ("batch_size",)
"""Dimensions that are sizes of the run where they are not searched; these may differ."""

EarlierTrials = Mapping[str, tuple[TrialRecord, ...]]
"""By the folder of an earlier run, its trials in the order of their starting."""


def earlier_trials(settings: Settings) -> dict[str, tuple[TrialRecord, ...]]:
    """Read what earlier runs know about this search, the oldest run first.

    That is, trials of the search, of the same backbones, with values inside the box; what the box
    does not vary must be as in the baseline.

    Raises:
        UsageRefusal: a folder holds no run, a run chose by another metric, or none has such trials.
        EnvironmentRefusal: a file is damaged.
    """
    folders = [RunFolder(Path(name)) for name in settings.warm_start]
    runs = sorted(
        ((folder.read_run(), folder) for folder in folders), key=lambda one: one[0].created
    )
    found = {}
    for run, folder in runs:
        if run.settings.metric != settings.metric:
            raise UsageRefusal(
                f"--warm-start needs runs whose metric is {settings.metric}, "
                f"got {run.settings.metric}",
                where=str(folder.root),
                fix=f"Leave it out, or search by --metric {run.settings.metric}.",
            )
        found[str(folder.root)] = tuple(_of_interest(folder, run.settings, settings))
    if folders and not any(found.values()):
        raise UsageRefusal(
            "--warm-start needs a trial of these backbones inside the search space, got none",
            where=", ".join(found),
            fix="Leave it out, or name another run.",
        )
    return found


def numbered(earlier: EarlierTrials) -> Iterator[TrialRecord]:
    """Earlier trials with numbers below 0, which no trial of the run has; the oldest first."""
    records = [record for trials in earlier.values() for record in trials]
    for place, record in enumerate(records):
        yield replace(record, number=place - len(records))


def _of_interest(folder: RunFolder, theirs: Settings, ours: Settings) -> Iterator[TrialRecord]:
    records = [record for record in folder.records() if not record.repeat]
    places = {
        (backbone, number): place
        for backbone in theirs.backbones
        for place, number in enumerate(order_of(theirs, backbone).numbers)
    }
    for record in sorted(records, key=lambda one: places.get((one.backbone, one.number), 0)):
        tells = record.has_scores or record.diverged
        if tells and record.backbone in ours.backbones and _is_inside(record.config, ours):
            yield record


def _is_inside(config: TrialConfig, settings: Settings) -> bool:
    baseline = settings.baseline(config.backbone)
    varied = {dimension.name for dimension in settings.space.dimensions(config.backbone)}
    fixed = set(DIMENSIONS) - varied - set(_OF_THE_RUN)
    return settings.space.contains(config) and all(
        getattr(config, name) == getattr(baseline, name) for name in fixed
    )
