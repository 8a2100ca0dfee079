"""How long a sweep still takes, from what its trials measured and, before that, from earlier runs.

Per backbone: seconds of a trial without its features, those of the head alone that open the search
apart from the others, which may take a hundred times as long; seconds of a repeat; and seconds of a
pass that fills the feature store, once per input scaling. What no trial has measured yet is taken
from its running trials' epochs, then from the plan's rates, then from the other backbones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.records import EpochRecord, TrialRecord
from results.ledger.repeats import SEARCHED, candidates
from search_spaces.backbones import HEAD
from search_spaces.config import TrialId
from sweep.process.activity import Activity
from sweep.schedule.assignment import Assignment
from sweep.schedule.paces import seconds_per_epoch, trained_seconds
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


_PRIOR = 2
"""What is expected before anything is measured weighs as much as so many trials."""


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
    """One backbone's plan, its records, and what runs of it, for how many seconds.

    Attributes:
        epochs: seconds of one by unfreeze point.
    """

    plan: BackbonePlan
    done: Sequence[TrialRecord]
    here: Sequence[tuple[Running, float]]
    epochs: Mapping[str, float]

    def begun(self, kind: Callable[[TrialId], bool]) -> int:
        """How many trials of a kind are finished or running."""
        ids = [record.id for record in self.done]
        ids += [state.assignment.trial_id for state, _ in self.here]
        return sum(map(kind, ids))


def seconds_left(
    plans: Sequence[BackbonePlan],
    finished: Sequence[TrialRecord],
    running: Sequence[tuple[Running, float]],
    at_once: int,
    busy: float = 1.0,
) -> float | None:
    """Seconds until the last trial ends; None while nothing is known.

    Args:
        plans: as the sweep, or its resumption, started.
        finished: all records of the run.
        running: what runs, and for how many seconds.
        at_once: how many trials can run at a time.
        busy: share of their time that workers had a trial so far; a backbone's next one may wait
            for results.
    """
    timed = [(state.assignment.config, state.epoch.seconds) for state, _ in running if state.epoch]
    epochs = seconds_per_epoch({plan.name: plan.course for plan in plans}, finished, timed)
    backbones = [
        _Backbone(
            plan,
            [record for record in finished if record.backbone == plan.name],
            [one for one in running if one[0].assignment.config.backbone == plan.name],
            epochs[plan.name],
        )
        for plan in plans
    ]
    measured = [_measured(backbone) for backbone in backbones]
    if all(pace.probe is None and pace.trial is None for pace in measured):
        return None
    waiting, count = 0.0, 0
    left: list[float] = []
    for backbone, pace in zip(backbones, _completed(measured), strict=True):
        unstarted = max(0, backbone.plan.trials - len(backbone.done) - len(backbone.here))
        waiting += _waiting(backbone, unstarted, *pace)
        left += _running(backbone, *pace)
        count += unstarted + len(backbone.here)
    at_once = max(1, min(at_once, count))
    return max([(waiting / busy + sum(left)) / at_once, *left])


def _waiting(
    backbone: _Backbone, unstarted: int, probe: float, trial: float, one_pass: float
) -> float:
    """Seconds of the trials that have not begun."""
    plan, done = backbone.plan, backbone.done
    scalings = {record.config.scaling for record in done if record.epochs}
    scalings |= {state.assignment.config.scaling for state, _ in backbone.here}
    passes = min(unstarted, max(0, plan.passes - len(scalings)))
    probes = min(unstarted, max(0, plan.course.probes - backbone.begun(plan.course.is_probe)))
    repeated = backbone.begun(lambda one: one.repeat > 0)
    repeats = min(unstarted - probes, max(0, plan.repeats - repeated))
    others = unstarted - probes - repeats
    unbegun = len(plan.course.whole) - backbone.begun(plan.course.is_whole)
    whole = min(others, max(0, unbegun))
    full = _whole(backbone) or trial
    repeat = _of_repeat(backbone) or full
    searched = (others - whole) * trial + whole * full + probes * probe
    return passes * one_pass + searched + repeats * repeat


def _running(backbone: _Backbone, probe: float, trial: float, one_pass: float) -> list[float]:
    """Seconds that each running trial still takes."""
    filled = {record.config.scaling for record in backbone.done if record.epochs}
    left = []
    for state, elapsed in backbone.here:
        fills = state.assignment.config.scaling not in filled
        expected = _of_point(backbone, state.assignment)
        if expected is None:
            is_probe = backbone.plan.course.is_probe(state.assignment.trial_id)
            expected = probe if is_probe else trial
        left.append(_of_running(state, elapsed, expected + (one_pass if fills else 0.0)))
    return left


def _completed(measured: Sequence[_Pace]) -> list[tuple[float, float, float]]:
    """Seconds of a probe, another trial and a pass, where a backbone has none those of others."""
    both = [(one.probe, one.trial) for one in measured if one.probe and one.trial]
    ratio = sum(trial for _, trial in both) / sum(probe for probe, _ in both) if both else None
    probe_mean = _mean(one.probe for one in measured)
    trial_mean = _mean(one.trial for one in measured)
    features = _mean(one.features for one in measured) or 0.0
    paces = []
    for one in measured:
        like_its_probes = one.probe * ratio if one.probe and ratio else None
        trial = _first(one.trial, like_its_probes, trial_mean, one.probe, probe_mean)
        paces.append((_first(one.probe, probe_mean, trial), trial, _first(one.features, features)))
    return paces


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _first(*values: float | None) -> float:
    return next((value for value in values if value is not None), 0.0)


def _measured(backbone: _Backbone) -> _Pace:
    plan = backbone.plan
    trained = [record for record in backbone.done if record.epochs]
    known, unfinished = plan.estimate, plan.trials - plan.finished
    features: float | None
    if trained:
        scalings = {record.config.scaling for record in trained}
        features = sum(record.cost.seconds_features for record in trained) / len(scalings)
    else:
        features = known.seconds_prefix / plan.passes if known and plan.passes else None
    expected = known.seconds_trained / unfinished if known and unfinished else None
    probe, trial = (_of_kind(backbone, trained, probes=probes) for probes in (True, False))
    searched = _searched(backbone)
    return _Pace(probe, next((one for one in (searched, trial) if one), expected), features)


def _of_kind(backbone: _Backbone, trained: Sequence[TrialRecord], *, probes: bool) -> float | None:
    """Mean seconds of a trial without its features, of probes or of the others.

    Running ones count by their epochs, at the share that finished ones trained: those that finish
    first are the short ones.
    """
    plan = backbone.plan
    done = [record for record in trained if plan.course.is_probe(record.id) == probes]
    share = fmean(len(record.epochs) / record.config.epochs for record in done) if done else 1.0
    seconds = [trained_seconds(record) for record in done]
    seconds += [
        share * state.epoch.seconds * state.assignment.config.epochs
        for state, _ in backbone.here
        if state.epoch and plan.course.is_probe(state.assignment.trial_id) == probes
    ]
    return fmean(seconds) if seconds else None


def _of_point(backbone: _Backbone, assignment: Assignment) -> float | None:
    """Seconds of a trial by its own unfreeze point."""
    course, epoch = backbone.plan.course, backbone.epochs.get(assignment.config.unfreeze)
    if epoch is None:
        return None
    share = course.share if course.is_suggested(assignment.trial_id) else 1.0
    return share * assignment.config.epochs * epoch


def _whole(backbone: _Backbone) -> float | None:
    """Seconds of the baseline, and of its twin."""
    course = backbone.plan.course
    usual = backbone.epochs.get(course.usual)
    return None if usual is None else usual * course.epochs


def _searched(backbone: _Backbone) -> float | None:
    """Seconds of a trial that the sampler suggests: of how many epochs, early stopping foresees;
    as such trials end, they say so."""
    course, mean = backbone.plan.course, _mean_epoch(backbone)
    if mean is None:
        return None
    trained = [
        len(record.epochs) / record.config.epochs
        for record in backbone.done
        if record.epochs and course.is_suggested(record.id)
    ]
    share = (_PRIOR * course.share + sum(trained)) / (_PRIOR + len(trained))
    return share * course.epochs * mean


def _mean_epoch(backbone: _Backbone) -> float | None:
    """Seconds of an epoch over what the sampler suggests: all points alike until there is some."""
    epochs, suggested = backbone.epochs, backbone.plan.course.is_suggested
    expected = [epochs[point] for point in backbone.plan.course.visited if point in epochs]
    if not expected:
        return None
    visited = [record.config.unfreeze for record in backbone.done if suggested(record.id)]
    visited += [
        state.assignment.config.unfreeze
        for state, _ in backbone.here
        if suggested(state.assignment.trial_id)
    ]
    seconds = [epochs[point] for point in visited if point in epochs]
    return (_PRIOR * fmean(expected) + sum(seconds)) / (_PRIOR + len(seconds))


def _of_repeat(backbone: _Backbone) -> float | None:
    """Seconds of a repeat, which no rule stops early; None while nothing is known.

    Once the search is over those of what is repeated, before it those of the baseline and of trials
    of the search, any of which may turn out best: those of the head alone half as likely, since the
    others start from the best of them.
    """
    plan = backbone.plan
    search = [record for record in backbone.done if not record.repeat]
    baseline, mean = _whole(backbone), _mean_epoch(backbone)
    if baseline is not None and mean is not None and len(search) < plan.trials - plan.repeats:
        probes = plan.course.probes / max(1, plan.trials - plan.repeats - 1) / 2
        head = backbone.epochs[HEAD] if probes else 0.0
        searched = plan.course.epochs * (probes * head + (1 - probes) * mean)
        return (baseline + SEARCHED * searched) / (1 + SEARCHED)
    best = candidates(search) or [record for record in search if record.epochs]
    longest = max((len(record.epochs) for record in best), default=0)
    return _mean(trained_seconds(record) for record in best if len(record.epochs) == longest)


def _of_running(state: Running, elapsed: float, expected: float) -> float:
    """Seconds that a running trial still takes, of `expected` in all."""
    if state.epoch is None:
        return max(0.0, expected - elapsed)
    return (state.assignment.config.epochs - state.epoch.epoch) * state.epoch.seconds
