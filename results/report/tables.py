"""The story that a run tells in the terminal: rich renderables that only draw a `Summary`.

    console.print(*story(summarise(folder)))

Every table fits 100 columns and wraps at 80. Its title says DEMONSTRATION or PARTIAL when so.
"""

from __future__ import annotations

from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from results.report import tables_comparisons, tables_findings, tables_methods
from results.report.drawing import plain
from results.report.tables_methods import table_13
from results.scores.types import Summary

__all__ = ["banner", "story", "table_13"]


def story(summary: Summary) -> list[RenderableType]:
    """Everything worth a look in the terminal, in order; tables without content are left out."""
    told: list[RenderableType] = []
    if (warning := banner(summary)) is not None:
        told.append(warning)
    told.append(table_13(summary))
    if any(row.number > 0 for row in summary.rows):
        told.append(tables_methods.best_table(summary))
    told.extend(tables_methods.report_tables(summary))
    for content, draw in (
        (summary.scaling, tables_comparisons.scaling_table),
        (summary.ensembles, tables_comparisons.ensembles_table),
        (summary.ensemble, tables_comparisons.redrawn_table),
        (summary.pairs, tables_comparisons.pairs_table),
        (summary.importances, tables_findings.importance_table),
        (summary.mistakes.worst, tables_findings.mistakes_table),
        (summary.mistakes.suspects, tables_findings.suspects_table),
        (summary.trials.failed, tables_methods.failure_table),
        (summary.rows, tables_findings.cost_table),
        (summary.rows, tables_findings.ledger_table),
    ):
        if content:
            told.append(draw(summary))
    return [Padding(one, (0, 0, 1, 0)) for one in told]


def banner(summary: Summary) -> Panel | None:
    """What a reader must know first: that this is a demonstration, or not all of the run."""
    lines: list[str] = []
    if summary.demonstration:
        lines.append(
            f"DEMONSTRATION of the machinery on {summary.data.name} with {summary.weights} "
            "weights: no statement about the paper."
        )
    if not summary.complete:
        counts = summary.trials
        done = counts.completed + counts.failed + counts.stopped_early
        lines.append(f"PARTIAL: {done} of {counts.planned} planned trials are finished.")
    if not lines:
        return None
    return Panel(Text("\n").join(plain(line) for line in lines), border_style="yellow")
