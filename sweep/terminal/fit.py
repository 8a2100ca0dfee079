"""What a time budget has room for, as far as earlier trials on this machine were measured.

What the plan says of `--time-budget`; while the sweep runs, `sweep.schedule.reserve` decides by
what its own trials take.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from results.ledger.records import TrialRecord
from results.ledger.repeats import SEARCHED
from results.ledger.units import duration
from search_spaces.config import TrialId
from sweep.schedule.course import Kind
from sweep.schedule.kinds import Kinds
from sweep.schedule.paces import seconds_per_epoch
from sweep.schedule.reserve import USABLE
from sweep.schedule.tally import tallied
from sweep.terminal.plan import BackbonePlan

_UNKNOWN = (
    "The time budget is fitted while trials are measured: a search ends where a further trial "
    "would leave too little time for the fresh seeds."
)


@dataclass(frozen=True)
class _Needs:
    """Seconds of one backbone's trials that have not been trained.

    Attributes:
        always: of features, heads, baseline and repeats.
        more: of each further trial of the search.
        first: searched trials that `always` counts, or that are done.
        searched: trials that the whole search has besides the baseline.
    """

    always: float
    more: float
    first: int
    searched: int


def time_budget_words(
    plans: Sequence[BackbonePlan],
    finished: Sequence[TrialRecord],
    seconds: float | None,
    at_once: int,
) -> str:
    """One line about a time budget; empty without one, or where nothing is confirmed.

    Args:
        seconds: of the budget.
    """
    if seconds is None or not any(plan.repeats for plan in plans):
        return ""
    tallies = tallied({plan.name: plan.course for plan in plans}, finished)
    epochs, done = seconds_per_epoch(tallies), {record.id for record in finished}
    kinds = {name: Kinds(tally, epochs[name]) for name, tally in tallies.items()}
    needs = {plan.name: _needs(plan, kinds[plan.name], done) for plan in plans}
    known = {name: need for name, need in needs.items() if need is not None}
    if len(known) < len(plans):
        return _UNKNOWN
    left = USABLE * at_once * seconds - sum(need.always for need in known.values())
    if left < 0:
        least = sum(need.always for need in known.values()) / at_once / USABLE
        return (
            f"The time budget is too short for the fresh seeds: with the fewest trials that they "
            f"can confirm the sweep takes about {duration(least)}. Give more, or lower --confirm."
        )
    counts = _counts(known, left)
    if all(counts[name] == need.searched for name, need in known.items()):
        return "The time budget has room for all of it."
    words = ", ".join(f"{counts[name]} of {known[name].searched} of {name}" for name in known)
    return (
        f"The time budget has room for the fresh seeds and about so many searched trials: {words}. "
        "What does not fit is left out; a resume goes on with it."
    )


def _needs(plan: BackbonePlan, kinds: Kinds, done: Collection[TrialId]) -> _Needs | None:
    """None where too little is known.

    Args:
        done: finished trials.
    """
    course, whole, suggested, repeat = kinds.course, kinds.whole, kinds.suggested, kinds.repeat
    if whole is None or suggested is None or repeat is None:
        return None
    first = max(min(SEARCHED, course.searched), course.probes)
    trials = [TrialId(plan.name, number) for number in range(first + 1)]
    seconds = [kinds.of(trial) or 0.0 for trial in trials if trial not in done]
    repeats = plan.repeats - kinds.tally.counts[Kind.REPEAT]
    features = plan.estimate.seconds_prefix if plan.estimate else 0.0
    features *= max(0, plan.passes - len(kinds.tally.filled)) / max(1, plan.passes)
    searched = kinds.tally.searched - kinds.tally.has_baseline
    return _Needs(
        always=features + sum(seconds) + max(0, repeats) * repeat,
        more=suggested,
        first=max(first, searched),
        searched=course.searched,
    )


def _counts(needs: Mapping[str, _Needs], left: float) -> dict[str, int]:
    """Searched trials by backbone, round after round as far as the seconds go."""
    counts = {name: need.first for name, need in needs.items()}
    going_on = [name for name, need in needs.items() if need.first < need.searched]
    while going_on:
        for name in list(going_on):
            left -= needs[name].more
            if left < 0:
                return counts
            counts[name] += 1
            if counts[name] == needs[name].searched:
                going_on.remove(name)
    return counts
