"""Columns of mean and deviation over fresh seeds, beside what the search's own trial reached."""

from __future__ import annotations

from results.report import kinds
from results.report.sheets import Column
from results.scores.confirmation_types import ConfirmedTrial, Spread
from results.scores.method_types import Method
from results.scores.types import BackboneSummary, Summary

FRESH = {
    part: Column(
        f"{part}_on_seeds", f"{part} %, fresh seeds", kinds.SPREAD, f"fresh.{part}", "seeds"
    )
    for part in ("validation", "test")
}
"""Columns of mean and deviation over fresh seeds, in tables of a run that has them."""


def spread_of_best(backbone: BackboneSummary, part: str) -> Spread | None:
    """The best trial's spread over fresh seeds."""
    found = fresh(backbone, backbone.best)
    return getattr(found, part) if found else None


def fresh(backbone: BackboneSummary, method: Method | None) -> ConfirmedTrial | None:
    """A method on fresh seeds, where it was confirmed."""
    if method is None or backbone.confirmation is None:
        return None
    return backbone.confirmation.of(method.trial)


def has_fresh(summary: Summary) -> bool:
    """Whether a backbone's candidates are known."""
    found = (backbone.confirmation for backbone in summary.backbones)
    return any(one is not None and one.trials for one in found)


def with_fresh(summary: Summary, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns, those of fresh seeds only where a backbone was confirmed."""
    if has_fresh(summary):
        return columns
    left_out = {column.key for column in FRESH.values()}
    return tuple(column for column in columns if column.key not in left_out)
