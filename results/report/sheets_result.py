"""The tables of a result alone, a line per row at 100 columns: what won, and whether it is better.

The terminal shows these after a run; `sheets_methods.best` and `sheets_confirmation.confirmed`, on
the page and behind `--tables all`, say more of the same.
"""

from __future__ import annotations

from dataclasses import replace

from results.report import kinds
from results.report.fresh_columns import has_fresh
from results.report.sheets import Column, Sheet, chosen_by, lay_out, with_metric
from results.report.sheets_confirmation import Line, lines_of
from results.report.sheets_methods import BEST, best_label, best_note
from results.scores.types import Summary

_BEST = {column.key: replace(column, under="") for column in BEST}
_GAIN = (_BEST["test_gain"], _BEST["p"])
_CONFIGURATION = Column(
    "note", "configuration", value=lambda backbone: best_note(backbone, brief=True)
)
_VERDICTS = (
    Column("label", "on fresh seeds", kinds.LABEL),
    Column("test", "test %", kinds.PERCENT, "candidate.test.mean"),
    Column("baseline", "baseline", kinds.PERCENT, lambda line: _baseline(line)),
    Column("interval", "gain, 95 %", kinds.DIFFERENCE, "test.interval"),
    Column("adjusted_p", "p", kinds.P_VALUE, "adjusted_p"),
    Column("verdict", "verdict", kinds.TOLD, "told_alone"),
)


def best_alone(summary: Summary) -> Sheet:
    """The best trial of each backbone; with its gain where there are no fresh seeds, which would
    tell it better."""
    columns = (
        Column("trial", "trial", kinds.LABEL, best_label),
        *(_BEST[key] for key in ("validation", "test", "interval")),
        *(() if has_fresh(summary) else _GAIN),
        _CONFIGURATION,
    )
    note = "Gain: percentage points over the documented baseline. p: McNemar's exact test on test."
    return lay_out(
        summary,
        "best_alone",
        f"Best per backbone, chosen by {chosen_by(summary)}",
        with_metric(summary, columns, "best.scores.more", "validation"),
        summary.backbones,
        note="" if has_fresh(summary) else note,
    )


def verdicts(summary: Summary) -> Sheet:
    """What fresh seeds say, a row per backbone; empty without any."""
    return lay_out(
        summary,
        "verdicts",
        "Is it better than the documented baseline?",
        _VERDICTS,
        [line for line in lines_of(summary) if line.is_last_word],
        note="Means over the seeds. Gain: in percentage points, an interval over photos and seeds. "
        "p: adjusted for the backbones compared (Holm).",
    )


def _baseline(line: Line) -> float | None:
    found = line.confirmation.of(line.backbone.baseline.trial)
    return found.test.mean if found and found.test else None
