"""What would run: `--plan`, and the first table of every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from results.ledger.profiles import Profile
from results.ledger.records import TrialRecord
from results.ledger.units import UNKNOWN, duration, size
from search_spaces.backbones import SCALINGS
from sweep.settings import Machine, Settings
from sweep.terminal.estimates import Estimate, estimate


@dataclass(frozen=True)
class BackbonePlan:
    """One backbone's share of the sweep, in trials and photos, or that of all of them.

    Attributes:
        trials, finished: planned, and already in the ledger.
        passes: times that each photo goes through the frozen layers, at most: once per scaling.
        photos_prefix: photos through the frozen layers, at most.
        photos_trained: training photos over all epochs of the unfinished trials, at most.
        photos_plain: photos that a plain script would push through the whole network for these.
        estimate: in bytes and seconds; None as long as the layers are not measured.
    """

    name: str
    trials: int
    finished: int
    passes: int
    photos_prefix: int
    photos_trained: int
    photos_plain: int
    estimate: Estimate | None = None


def plan(
    settings: Settings,
    counts: dict[str, int],
    finished: tuple[TrialRecord, ...] = (),
    profiles: Mapping[str, Profile] | None = None,
) -> tuple[BackbonePlan, ...]:
    """Count what is left, per backbone.

    Args:
        counts: photos per split.
        profiles: what layers cost, by backbone, as far as it is known.
    """
    known = profiles or {}
    return tuple(
        _of(name, settings, counts, finished, known.get(name)) for name in settings.backbones
    )


def total(plans: Sequence[BackbonePlan]) -> BackbonePlan:
    """All backbones together; without an estimate if one of them has none."""
    estimates = [one.estimate for one in plans if one.estimate is not None]
    return BackbonePlan(
        name="total",
        trials=sum(one.trials for one in plans),
        finished=sum(one.finished for one in plans),
        passes=sum(one.passes for one in plans),
        photos_prefix=sum(one.photos_prefix for one in plans),
        photos_trained=sum(one.photos_trained for one in plans),
        photos_plain=sum(one.photos_plain for one in plans),
        estimate=sum(estimates, Estimate(0, 0, 0, 0)) if len(estimates) == len(plans) else None,
    )


def _of(
    name: str,
    settings: Settings,
    counts: dict[str, int],
    finished: tuple[TrialRecord, ...],
    profile: Profile | None,
) -> BackbonePlan:
    trials = settings.searched(name) + 1
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
        estimate=estimate(settings, counts, profile, left=left, passes=passes) if profile else None,
    )


def plan_table(plans: tuple[BackbonePlan, ...], settings: Settings, machine: Machine) -> Table:
    """Draw a plan: photos, and below them the estimated seconds of work."""
    share = f"{machine.max_concurrent} at a time on {machine.cpus_per_trial} CPU"
    if machine.gpus_per_trial:
        share += f" and {machine.gpus_per_trial:g} GPU"
    varied = ", ".join(settings.search) if settings.trials else "nothing, the paper's baselines"
    table = Table(
        title=f"The plan: {share} each; searched: {varied}",
        title_justify="left",
        caption=_caption(plans, machine),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("backbone", overflow="fold")
    for head in (
        "trials\n\ndone",
        "photos\nfrozen part\ntime",
        "photos\ntrained\ntime",
        "photos of a\nplain script\ntime",
        "bytes\nstored\ntime saved",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    for one in plans:
        table.add_row(*_cells(one))
    if len(plans) > 1:
        table.add_row(*_cells(total(plans)), style="bold")
    return table


def _caption(plans: Sequence[BackbonePlan], machine: Machine) -> str:
    """What the numbers mean, and why some are missing."""
    lines = ["Photos through frozen layers are computed once, whatever the trials and epochs."]
    if any(one.estimate for one in plans):
        lines.append(
            "Time: estimated from measured layers, in seconds of work; trials that run side by "
            f"side, here {machine.max_concurrent}, share it by the clock. Stored: at most."
        )
    if any(one.estimate is None for one in plans):
        lines.append(f"{UNKNOWN}: not known yet; layers are measured when the sweep starts.")
    if sum(one.estimate.bytes_stored for one in plans if one.estimate) > machine.max_cache:
        lines.append(
            f"--max-cache holds {size(machine.max_cache)}; what does not fit is computed again "
            "in every epoch, and less time is saved."
        )
    return "\n".join(lines)


def _cells(one: BackbonePlan) -> tuple[Text, ...]:
    known = one.estimate
    prefix, trained, plain, saved, stored = (
        (
            duration(known.seconds_prefix),
            duration(known.seconds_trained),
            duration(known.seconds_plain),
            duration(known.seconds_saved),
            size(known.bytes_stored),
        )
        if known
        else (UNKNOWN,) * 5
    )
    return (
        Text(one.name),
        _two_lines(f"{one.trials:,}", f"{one.finished:,}"),
        _two_lines(f"{one.photos_prefix:,}", prefix),
        _two_lines(f"{one.photos_trained:,}", trained),
        _two_lines(f"{one.photos_plain:,}", plain),
        _two_lines(stored, saved),
    )


def _two_lines(first: str, second: str) -> Text:
    return Text(first).append(f"\n{second}", style="dim")
