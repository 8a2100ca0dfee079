"""What would run: `--plan`, and the first table of every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from results.ledger.rates import Rates
from results.ledger.records import TrialRecord, plain_photos
from results.ledger.repeats import candidates, count_repeats, counted_repeats, is_cut
from results.ledger.runs import WeightsSource
from results.ledger.units import UNKNOWN, duration, size
from search_spaces.backbones import SCALINGS
from search_spaces.settings import Settings
from sweep.hardware import Machine
from sweep.schedule.course import Course
from sweep.schedule.tally import Tally


@dataclass(frozen=True)
class Estimate:
    """Bytes, and seconds of work: trials that run side by side share them by the clock.

    Attributes:
        bytes_stored: of features.
        seconds_prefix: every photo through the frozen layers, once per scaling.
        seconds_trained: training and validation of all trials.
        seconds_plain: the same trials where every photo passes through every layer each time; None
            where no run timed exactly the layers that reading features skips.
    """

    bytes_stored: float
    seconds_prefix: float
    seconds_trained: float
    seconds_plain: float | None

    @property
    def seconds_saved(self) -> float | None:
        """What a plain script takes longer; negative where the store costs more than it gives."""
        if self.seconds_plain is None:
            return None
        return self.seconds_plain - self.seconds_prefix - self.seconds_trained

    def __add__(self, other: Estimate) -> Estimate:
        plain = (self.seconds_plain, other.seconds_plain)
        return Estimate(
            self.bytes_stored + other.bytes_stored,
            self.seconds_prefix + other.seconds_prefix,
            self.seconds_trained + other.seconds_trained,
            None if plain[0] is None or plain[1] is None else plain[0] + plain[1],
        )


@dataclass(frozen=True)
class BackbonePlan:
    """One backbone's share of the sweep, in trials and photos, or that of all of them.

    Attributes:
        trials, finished: planned, repeats included, and already in the ledger.
        passes: times that each photo goes through the frozen layers, at most: once per scaling.
        photos_prefix: photos through the frozen layers, at most.
        photos_trained: training photos over all epochs of the unfinished trials, at most.
        photos_plain: photos that a plain script would push through the whole network instead.
        estimate: in bytes and seconds; None until a run has measured the backbone here.
        repeats: of `trials`, those that repeat the search's best, on so many `seeds` each, and what
            is finished of repeats of trials that once were the best.
        course: how the search goes.
    """

    name: str
    trials: int
    finished: int
    passes: int
    photos_prefix: int
    photos_trained: int
    photos_plain: int
    estimate: Estimate | None = None
    repeats: int = 0
    seeds: int = 0
    course: Course = field(default_factory=Course)

    def settled(self, tally: Tally) -> BackbonePlan:
        """The plan once the search is over: how many repeats there are is known then."""
        searched = self.trials - self.repeats
        if not self.repeats or tally.searched < searched:
            return self
        best = candidates(tally.contenders)
        former = tally.repeated.total() - sum(tally.repeated[one.number] for one in best)
        known = self.seeds * len(best) + former
        return replace(self, trials=searched + known, repeats=known)


def plan(
    settings: Settings,
    counts: dict[str, int],
    finished: tuple[TrialRecord, ...] = (),
    rates: Mapping[str, Rates] | None = None,
) -> tuple[BackbonePlan, ...]:
    """Count what is left, per backbone.

    Args:
        counts: photos per split.
        rates: by backbone, as far as they are known.
    """
    known = rates or {}
    return tuple(
        _of(name, settings, counts, finished, known.get(name)) for name in settings.backbones
    )


def total(plans: Sequence[BackbonePlan]) -> BackbonePlan:
    """All backbones together; without an estimate if one of them has none."""
    estimates = [backbone.estimate for backbone in plans if backbone.estimate is not None]
    counts = ("trials", "finished", "passes", "repeats")
    photos = ("photos_prefix", "photos_trained", "photos_plain")
    return BackbonePlan(
        name="total",
        **{name: sum(getattr(backbone, name) for backbone in plans) for name in (*counts, *photos)},
        estimate=sum(estimates, Estimate(0, 0, 0, 0)) if len(estimates) == len(plans) else None,
        seeds=max((backbone.seeds for backbone in plans), default=0),
    )


def _of(
    name: str,
    settings: Settings,
    counts: dict[str, int],
    finished: tuple[TrialRecord, ...],
    rates: Rates | None,
) -> BackbonePlan:
    own = {one.id: one for one in finished if one.backbone == name and not is_cut(one)}
    former = sum(trial.repeat > 0 for trial in own) - len(counted_repeats(settings, name, own))
    repeats = count_repeats(settings, name, own) + former
    trials, done = settings.searched(name) + 1 + repeats, len(own)
    left = trials - done
    searched = settings.trials > 0 and "scaling" in settings.search
    passes = (len(SCALINGS) if searched else 1) if left > 0 else 0
    photos_prefix = passes * (
        sum(counts.values()) + (_most_views(settings, name) - 1) * counts["train"]
    )
    photos_trained = left * settings.epochs * counts["train"]
    photos_plain = left * plain_photos(settings.epochs, **counts)
    skipped = rates.seconds_skipped if rates else None
    measured = rates.by_point if rates else {}
    known = {point: counts["train"] * seconds for point, seconds in measured.items()}
    return BackbonePlan(
        name=name,
        trials=trials,
        finished=done,
        passes=passes,
        photos_prefix=photos_prefix,
        photos_trained=photos_trained,
        photos_plain=photos_plain,
        estimate=Estimate(
            bytes_stored=photos_prefix * rates.bytes_stored,
            seconds_prefix=photos_prefix * rates.seconds_pass,
            seconds_trained=photos_trained * rates.seconds_step,
            seconds_plain=photos_trained * rates.seconds_step + photos_plain * skipped
            if skipped is not None
            else None,
        )
        if rates
        else None,
        repeats=repeats,
        seeds=settings.confirm,
        course=Course.of(settings, name, known),
    )


def _most_views(settings: Settings, backbone: str) -> int:
    """Of a training photo, each of which passes the frozen layers."""
    views = settings.space.choices(backbone, "views") if settings.trials else None
    return int(max(views or (1,)))


def plan_table(
    plans: tuple[BackbonePlan, ...],
    settings: Settings,
    machine: Machine,
    elsewhere: Sequence[str] = (),
    budget: str = "",
) -> Group:
    """Draw a plan, a line per backbone: photos, bytes and the estimated time of the work.

    Args:
        elsewhere: what else is said where the rates are those of a file.
        budget: what is said of the time budget.
    """
    share = f"{machine.max_concurrent} at a time on {machine.cpus_per_trial} CPU"
    if machine.gpus_per_trial:
        share += f" and {machine.gpus_per_trial:g} GPU"
    varied = ", ".join(settings.search) if settings.trials else "nothing, the paper's baselines"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("backbone", overflow="fold")
    for head in (
        "trials",
        "photos\nfrozen",
        "photos\ntrained",
        "features\nstored",
        "time",
        "time\nsaved",
    ):
        table.add_column(head, justify="right", no_wrap=True)
    for backbone in plans:
        table.add_row(*_cells(backbone))
    if len(plans) > 1:
        table.add_row(*_cells(total(plans)), style="bold")
    # Title and notes stand beside the table: within it they would be as narrow as its columns.
    title = f"The plan: {share} each; searched: {varied}"
    said = [*_caption(plans, machine, bool(elsewhere)), *elsewhere]
    notes = "\n".join([*said, budget] if budget else said)
    if settings.weights == "random":
        notes += f"\nWeights: {WeightsSource.RANDOM}."
    return Group(Text(title), table, Text(notes, style="dim"))


def _caption(plans: Sequence[BackbonePlan], machine: Machine, is_elsewhere: bool) -> list[str]:
    """What the numbers mean, and why some are missing."""
    plain = total(plans)
    takes = f" in {duration(plain.estimate.seconds_plain)}" if plain.estimate else ""
    source = "the rate file" if is_elsewhere else "what earlier runs measured here"
    lines = [
        "Photos pass the frozen layers once, whatever the trials and epochs; a plain script "
        f"pushes {plain.photos_plain:,} through whole networks{takes}."
    ]
    if repeats := plain.repeats:
        lines.append(
            f"Of the trials, up to {repeats:,} train baselines and best two again, on "
            f"{plain.seeds} fresh seeds each, before winners are named (--confirm)."
        )
    if any(backbone.estimate for backbone in plans):
        lines.append(
            f"Time: estimated from {source}, in seconds of work; trials that "
            f"run side by side, here {machine.max_concurrent}, share it by the clock."
        )
    if any(plan.estimate and plan.estimate.seconds_plain is None for plan in plans):
        lines.append(
            f"{UNKNOWN} for a plain script: no run timed exactly the layers before each unfreeze "
            "point."
        )
    if any(backbone.estimate is None for backbone in plans):
        lines.append(f"{UNKNOWN}: not known yet; measured by the first run here.")
    if (
        sum(backbone.estimate.bytes_stored for backbone in plans if backbone.estimate)
        > machine.max_cache
    ):
        lines.append(
            f"--max-cache holds {size(machine.max_cache)}; what does not fit is computed again "
            "in every epoch, and less time is saved."
        )
    return lines


def _cells(backbone: BackbonePlan) -> tuple[Text, ...]:
    estimated = (UNKNOWN,) * 3
    if known := backbone.estimate:
        seconds = known.seconds_prefix + known.seconds_trained
        saved = duration(known.seconds_saved)
        estimated = (size(known.bytes_stored), duration(seconds), saved)
    planned = f"{backbone.trials:,}"
    cells = (
        backbone.name,
        f"{backbone.finished:,} of {planned}" if backbone.finished else planned,
        f"{backbone.photos_prefix:,}",
        f"{backbone.photos_trained:,}",
        *estimated,
    )
    return tuple(map(Text, cells))
