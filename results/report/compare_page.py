"""Two runs on one page, in one file that asks nothing of any network.

    python -m results compare runs/ONE runs/OTHER --html compare.html

The page is `compare.html.j2`, drawn as the report's own, see `page`.
"""

from __future__ import annotations

from results.report.format import shorten
from results.report.page import Section, document
from results.scores.method_types import Comparison

SECTIONS = (
    Section("methods", "Methods", "Method by method"),
    Section("settings", "Settings", "What was asked for"),
)


def compare_page(comparison: Comparison) -> str:
    """The whole document."""
    runs = f"{shorten(comparison.first)} and {shorten(comparison.second)}"
    return document("compare.html.j2", SECTIONS, comparison=comparison, runs=runs)
