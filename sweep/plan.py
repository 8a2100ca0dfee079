"""What would run: `--plan`, and the first table of every run."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from results.records import TrialRecord
from search_spaces.backbones import SCALINGS
from sweep.settings import Machine, Settings


@dataclass(frozen=True)
class BackbonePlan:
    """One backbone's share of the sweep, in trials and photos.

    Attributes:
        trials, finished: planned, and already in the ledger.
        passes: times that each photo goes through the frozen layers, at most: once per scaling.
        photos_prefix: photos through the frozen layers, at most.
        photos_trained: training photos over all epochs of the unfinished trials, at most.
        photos_plain: photos that a plain script would push through the whole network for these.
    """

    name: str
    trials: int
    finished: int
    passes: int
    photos_prefix: int
    photos_trained: int
    photos_plain: int


def plan(
    settings: Settings, counts: dict[str, int], finished: tuple[TrialRecord, ...] = ()
) -> tuple[BackbonePlan, ...]:
    """Count what is left, per backbone.

    Args:
        counts: photos per split.
    """
    return tuple(_of(name, settings, counts, finished) for name in settings.backbones)


def _of(
    name: str, settings: Settings, counts: dict[str, int], finished: tuple[TrialRecord, ...]
) -> BackbonePlan:
    trials = settings.trials + 1
    done = sum(record.backbone == name for record in finished)
    left = trials - done
    searched = settings.trials > 0 and "scaling" in settings.search
    passes = (len(SCALINGS) if searched else 1) if left else 0
    photos = sum(counts.values())
    return BackbonePlan(
        name=name,
        trials=trials,
        finished=done,
        passes=passes,
        photos_prefix=passes * photos,
        photos_trained=left * settings.epochs * counts["train"],
        photos_plain=left
        * (settings.epochs * (counts["train"] + counts["validation"]) + counts["test"]),
    )


def plan_table(plans: tuple[BackbonePlan, ...], settings: Settings, machine: Machine) -> Table:
    """Draw a plan."""
    share = f"{machine.max_concurrent} at a time on {machine.cpus_per_trial} CPU"
    if machine.gpus_per_trial:
        share += f" and {machine.gpus_per_trial:g} GPU"
    varied = ", ".join(settings.search) if settings.trials else "nothing, the paper's baselines"
    table = Table(
        title=f"The plan: {share} each; searched: {varied}",
        title_justify="left",
        caption="photos through frozen layers are computed once, whatever the trials and epochs",
        caption_justify="left",
    )
    table.add_column("backbone")
    for name in ("trials", "done", "photos, frozen part", "photos, trained part", "plain script"):
        table.add_column(name, justify="right")
    for one in plans:
        numbers = (
            one.trials,
            one.finished,
            one.photos_prefix,
            one.photos_trained,
            one.photos_plain,
        )
        table.add_row(one.name, *(f"{number:,}" for number in numbers))
    return table
