"""How long a sweep still takes, from what its trials measured and, before that, from earlier runs.

Per backbone: seconds of a trial without its features, and seconds of a pass that fills the feature
store, once per input scaling. What no trial has measured yet is taken from its running trials'
epochs, then from the plan's rates, then from the other backbones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from results.ledger.records import EpochRecord, TrialRecord
from sweep.process.activity import Activity
from sweep.schedule.assignment import Assignment
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
    """Seconds of one backbone; None where nothing is known."""

    trial: float | None
    features: float | None


def seconds_left(
    plans: Sequence[BackbonePlan],
    finished: Sequence[TrialRecord],
    running: Sequence[tuple[Running, float]],
    at_once: int,
) -> float | None:
    """Seconds until the last trial ends; None while nothing is known.

    Args:
        plans: as the sweep, or its resumption, started.
        finished: all records of the run.
        running: what runs, and for how many seconds.
        at_once: how many trials can run at a time.
    """
    paces = {plan.name: _pace(plan, finished, running) for plan in plans}
    trial_seconds = [pace.trial for pace in paces.values() if pace.trial is not None]
    if not trial_seconds:
        return None
    trial_mean = fmean(trial_seconds)
    features = [pace.features for pace in paces.values() if pace.features is not None]
    features_mean = fmean(features) if features else 0.0
    waiting = 0.0
    left: list[float] = []
    count = 0
    for plan in plans:
        pace = paces[plan.name]
        trial = trial_mean if pace.trial is None else pace.trial
        one_pass = features_mean if pace.features is None else pace.features
        done = [record for record in finished if record.backbone == plan.name]
        here = [one for one in running if one[0].assignment.config.backbone == plan.name]
        filled = {record.config.scaling for record in done if record.epochs}
        begun = filled | {state.assignment.config.scaling for state, _ in here}
        unstarted = max(0, plan.trials - len(done) - len(here))
        begun_repeats = sum(one.repeat > 0 for one in done)
        begun_repeats += sum(state.assignment.repeat > 0 for state, _ in here)
        whole = min(unstarted, max(0, plan.repeats - begun_repeats))
        passes = min(unstarted, max(0, plan.passes - len(begun)))
        waiting += (unstarted - whole) * trial + passes * one_pass
        waiting += whole * (_whole(done) or trial)
        count += unstarted + len(here)
        for state, elapsed in here:
            fills = state.assignment.config.scaling not in filled
            left.append(_of_running(state, elapsed, trial + (one_pass if fills else 0.0)))
    at_once = max(1, min(at_once, count))
    return max([(waiting + sum(left)) / at_once, *left])


def _pace(
    plan: BackbonePlan,
    finished: Sequence[TrialRecord],
    running: Sequence[tuple[Running, float]],
) -> _Pace:
    done = [record for record in finished if record.backbone == plan.name and record.epochs]
    if done:
        costs = [record.cost for record in done]
        scalings = {record.config.scaling for record in done}
        return _Pace(
            fmean(cost.seconds_total - cost.seconds_features for cost in costs),
            sum(cost.seconds_features for cost in costs) / len(scalings),
        )
    known, unfinished = plan.estimate, plan.trials - plan.finished
    features = known.seconds_prefix / plan.passes if known and plan.passes else None
    epochs = [
        state.epoch.seconds * state.assignment.config.epochs
        for state, _ in running
        if state.epoch and state.assignment.config.backbone == plan.name
    ]
    if epochs:
        return _Pace(fmean(epochs), features)
    trial = known.seconds_trained / unfinished if known and unfinished else None
    return _Pace(trial, features)


def _whole(done: Sequence[TrialRecord]) -> float | None:
    """Seconds of a trial that no rule stops early, as repeats are; None while none was trained."""
    longest = max((len(record.epochs) for record in done), default=0)
    seconds = [
        record.cost.seconds_total - record.cost.seconds_features
        for record in done
        if record.epochs and len(record.epochs) == longest
    ]
    return fmean(seconds) if seconds else None


def _of_running(state: Running, elapsed: float, expected: float) -> float:
    """Seconds that a running trial still takes, of `expected` in all."""
    if state.epoch is None:
        return max(0.0, expected - elapsed)
    return (state.assignment.config.epochs - state.epoch.epoch) * state.epoch.seconds
