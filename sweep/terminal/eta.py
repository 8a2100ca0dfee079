"""How long a sweep still takes, from what its trials measured and, before that, from earlier runs.

Per backbone: seconds of a trial without its features, those of the head alone that open the search
apart from the others, which may take a hundred times as long; seconds of a repeat; and seconds of a
pass that fills the feature store, once per input scaling. What no trial has measured yet is taken
from its running trials' epochs, then from the plan's rates, then from the other backbones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.records import EpochRecord
from sweep.process.activity import Activity
from sweep.schedule.assignment import Assignment
from sweep.schedule.course import Kind
from sweep.schedule.kinds import Kinds
from sweep.schedule.paces import seconds_per_epoch
from sweep.schedule.tally import Mean, Tally
from sweep.terminal.plan import BackbonePlan


@dataclass(frozen=True)
class Running:
    """A trial that is being trained.

    Attributes:
        epoch: the last one that has ended.
        activity: what the training process said since then.
    """

    assignment: Assignment
    epoch: EpochRecord | None = None
    activity: Activity | None = None

    @property
    def epochs_done(self) -> int:
        return self.epoch.epoch if self.epoch else 0


@dataclass(frozen=True)
class _Pace:
    """Seconds of one backbone; None where nothing is known.

    Attributes:
        probe, trial: of one that trains the head alone and comes first, and of any other.
        features: of a pass.
    """

    probe: float | None
    trial: float | None
    features: float | None


@dataclass(frozen=True)
class _Backbone:
    """One backbone's plan, its finished trials, and what runs of it, for how many seconds.

    Attributes:
        kinds: what its trials are expected to take.
    """

    plan: BackbonePlan
    tally: Tally
    here: Sequence[tuple[Running, float]]
    kinds: Kinds

    @property
    def unstarted(self) -> int:
        """How many trials are neither finished nor running."""
        return max(0, self.plan.trials - self.tally.finished - len(self.here))

    def begun(self) -> Counter[Kind]:
        """How many trials of each kind are finished or running."""
        running = (self.tally.course.kind(state.assignment.trial_id) for state, _ in self.here)
        return Counter(self.tally.counts) + Counter(running)


def seconds_left(
    plans: Sequence[BackbonePlan],
    tallies: Mapping[str, Tally],
    running: Sequence[tuple[Running, float]],
    at_once: int,
    busy: float = 1.0,
) -> float | None:
    """Seconds until the last trial ends; None while nothing is known.

    Args:
        plans: as the sweep, or its resumption, started.
        tallies: finished trials by backbone.
        running: what runs, and for how many seconds.
        at_once: how many trials can run at a time.
        busy: share of their time that workers had a trial so far; a backbone's next one may wait
            for results.
    """
    timed = [(state.assignment.config, state.epoch.seconds) for state, _ in running if state.epoch]
    epochs = seconds_per_epoch(tallies, timed)
    backbones = [_backbone(plan, tallies[plan.name], running, epochs[plan.name]) for plan in plans]
    measured = [_measured(backbone) for backbone in backbones]
    if all(pace.probe is None and pace.trial is None for pace in measured):
        return None
    waiting, count = 0.0, 0
    left: list[float] = []
    for backbone, pace in zip(backbones, _completed(measured), strict=True):
        waiting += _waiting(backbone, *pace)
        left += _running(backbone, *pace)
        count += backbone.unstarted + len(backbone.here)
    at_once = max(1, min(at_once, count))
    return max([(waiting / busy + sum(left)) / at_once, *left])


def _backbone(
    plan: BackbonePlan,
    tally: Tally,
    running: Sequence[tuple[Running, float]],
    epochs: Mapping[str, float],
) -> _Backbone:
    here = [
        (state, elapsed)
        for state, elapsed in running
        if state.assignment.config.backbone == plan.name
    ]
    begun = [
        state.assignment.config
        for state, _ in here
        if tally.course.kind(state.assignment.trial_id) is Kind.SUGGESTED
    ]
    return _Backbone(plan, tally, here, Kinds(tally, epochs, begun))


def _waiting(backbone: _Backbone, probe: float, trial: float, one_pass: float) -> float:
    """Seconds of the trials that have not begun."""
    plan, unstarted, begun = backbone.plan, backbone.unstarted, backbone.begun()
    running = {state.assignment.config.scaling for state, _ in backbone.here}
    passes = min(unstarted, max(0, plan.passes - len(backbone.tally.filled | running)))
    probes = min(unstarted, max(0, plan.course.probes - begun[Kind.PROBE]))
    repeats = min(unstarted - probes, max(0, plan.repeats - begun[Kind.REPEAT]))
    others = unstarted - probes - repeats
    whole = min(others, max(0, len(plan.course.whole) - begun[Kind.WHOLE]))
    full = backbone.kinds.whole or trial
    repeat = _of_repeat(backbone) or full
    searched = (others - whole) * trial + whole * full + probes * probe
    return passes * one_pass + searched + repeats * repeat


def _running(backbone: _Backbone, probe: float, trial: float, one_pass: float) -> list[float]:
    """Seconds that each running trial still takes."""
    course, left = backbone.tally.course, []
    for state, elapsed in backbone.here:
        trial_id, config = state.assignment.trial_id, state.assignment.config
        if state.epoch:
            left.append((config.epochs - state.epoch.epoch) * state.epoch.seconds)
            continue
        expected = backbone.kinds.of_config(trial_id, config)
        if expected is None:
            expected = probe if course.kind(trial_id) is Kind.PROBE else trial
        features = 0.0 if config.scaling in backbone.tally.filled else one_pass
        left.append(max(0.0, expected + features - elapsed))
    return left


def _completed(measured: Sequence[_Pace]) -> list[tuple[float, float, float]]:
    """Seconds of a probe, another trial and a pass, where a backbone has none those of others."""
    both = [(pace.probe, pace.trial) for pace in measured if pace.probe and pace.trial]
    ratio = sum(trial for _, trial in both) / sum(probe for probe, _ in both) if both else None
    probe_mean = _mean(pace.probe for pace in measured)
    trial_mean = _mean(pace.trial for pace in measured)
    features = _mean(pace.features for pace in measured) or 0.0
    paces = []
    for pace in measured:
        like_its_probes = pace.probe * ratio if pace.probe and ratio else None
        trial = _first(pace.trial, like_its_probes, trial_mean, pace.probe, probe_mean)
        probe = _first(pace.probe, probe_mean, trial)
        paces.append((probe, trial, _first(pace.features, features)))
    return paces


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _first(*values: float | None) -> float:
    return next((value for value in values if value is not None), 0.0)


def _measured(backbone: _Backbone) -> _Pace:
    plan, tally = backbone.plan, backbone.tally
    known, unfinished = plan.estimate, plan.trials - plan.finished
    features = known.seconds_prefix / plan.passes if known and plan.passes else None
    if tally.filled:
        features = tally.features / len(tally.filled)
    expected = known.seconds_trained / unfinished if known and unfinished else None
    probe, trial = (_of_kind(backbone, probes=probes) for probes in (True, False))
    searched = backbone.kinds.suggested
    return _Pace(probe, next((value for value in (searched, trial) if value), expected), features)


def _of_kind(backbone: _Backbone, *, probes: bool) -> float | None:
    """Mean seconds of a trial without its features, of probes or of the others.

    Running ones count by their epochs, at the share that finished ones trained: those that finish
    first are the short ones.
    """
    tally = backbone.tally
    kinds = {kind for kind in Kind if (kind is Kind.PROBE) == probes}
    seconds = sum((tally.seconds[kind] for kind in kinds), Mean())
    share = sum((tally.shares[kind] for kind in kinds), Mean()).value
    for state, _ in backbone.here:
        if state.epoch and tally.course.kind(state.assignment.trial_id) in kinds:
            whole = state.epoch.seconds * state.assignment.config.epochs
            seconds += Mean(whole if share is None else share * whole, 1)
    return seconds.value


def _of_repeat(backbone: _Backbone) -> float | None:
    """Seconds of a repeat; None while nothing is known."""
    is_over = backbone.tally.searched >= backbone.plan.trials - backbone.plan.repeats
    expected = None if is_over else backbone.kinds.repeat
    return backbone.kinds.measured_repeat if expected is None else expected
