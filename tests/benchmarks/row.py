"""A measured line of the speed table, and what the table asks for."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MET, MISSED, UNMEASURED, NOTED = "met", "missed", "not measured", "noted"


@dataclass(frozen=True)
class Goal:
    """One line of the table before it is measured.

    Attributes:
        name: `G1`, `G2 known`, ...
        what: in words.
        text: the figure to reach, as it is written.
        unit: of the measured value; `x` is plain's seconds over ours.
    """

    name: str
    what: str
    text: str
    unit: str


GOALS: Mapping[str, Goal] = {
    goal.name: goal
    for goal in (
        Goal("G0", "equal results, cached against Keras' own training", "0, at most 1e-5", "rel"),
        Goal("G1", "whole sweep, paper's cuts, no early stopping", "at least 3.5", "x"),
        Goal("G1b", "whole sweep, the default space's list", "at least 6", "x"),
        Goal("G2 known", "further trial at a known cut and optimizer", "at most 0.7", "s"),
        Goal("G2 optimizer", "further trial with a new optimizer, traces made", "no goal", "s"),
        Goal("G2 cut", "further trial at a new cut, over plain's fixed cost", "at most 0.5", "of"),
        Goal("G3", "head-only trials of one backbone", "at least 100", "x"),
        Goal("G3 fused", "fused heads over one by one", "at least 30", "x"),
        Goal("loop", "epoch of a head, batches one by one over many in a call", "at least 4", "x"),
        Goal("G4 fetch", "decoding a photo over fetching a cached row", "at least 25", "x"),
        Goal("G4 share", "fetching a batch, share of a suffix step", "at most 0.01", "of"),
        Goal("G5", "whole sweep over its lower bound", "at most 1.3", "of"),
        Goal("G6", "early stopping against plain without, same best accuracy", "at least 12", "x"),
        Goal("G7", "photos through frozen layers in a second run", "0", "photos"),
        Goal("memory rows", "heap, ten times as many photos over as many", "at most 1.1", "of"),
        Goal("memory head", "growth per head-only trial", "below 5", "MB"),
        Goal("memory paper", "growth per trial at the paper's cut", "below 5", "MB"),
        Goal("K", "all cuts of a backbone in one pass over the deepest", "at most 1.15", "of"),
        Goal("help", "`--help`", "below 0.3", "s"),
        Goal("plan", "`--plan` on a cached dataset", "below 3", "s"),
        Goal("first", "first finished trial on a warm cache", "below 20", "s"),
        Goal("float16 accuracy", "test accuracy, float16 less float32 features", "no goal", "of"),
        Goal("float16 bytes", "bytes stored, float16 over float32 features", "no goal", "of"),
        Goal("real", "real photos, Xception's real weights, paper's cut", "same accuracy", "x"),
    )
}


@dataclass(frozen=True)
class Row:
    """A goal and what was measured.

    Attributes:
        goal: what was asked.
        value: the median, or None.
        spread: the smallest and largest of the repeats, or None for one measurement.
        repeats: how many measurements.
        verdict: one of the module's four words.
        note: sizes, what was extrapolated, what it means.
        profiles: per side, where its seconds went.
    """

    goal: Goal
    value: float | None
    spread: tuple[float, float] | None
    repeats: int
    verdict: str
    note: str = ""
    profiles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def measured(
    name: str,
    values: Sequence[float],
    met: bool | None,
    note: str = "",
    profiles: Mapping[str, Mapping[str, float]] | None = None,
) -> Row:
    """The row of some repeats; `met` is None where there is no goal to meet."""
    spread = (min(values), max(values)) if len(values) > 1 else None
    verdict = NOTED if met is None else MET if met else MISSED
    median = statistics.median(values)
    return Row(GOALS[name], median, spread, len(values), verdict, note, profiles or {})


def unmeasured(name: str, why: str) -> Row:
    """The row of what could not be measured, with the reason."""
    return Row(GOALS[name], None, None, 0, UNMEASURED, why)
