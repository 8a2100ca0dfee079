"""A run's report: summarise once, then let every writer draw it.

    write_report(RunFolder(Path("runs/monday")))

A writer gets the folder and the summary, and writes its own files below `report/`, each whole or
not at all. It computes no number of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from results.figures.gallery import write_figures
from results.ledger.store import RunFolder
from results.report.csv_files import write_tables
from results.report.page import write_page
from results.scores.summary import summarise, write_summary
from results.scores.types import Summary

Writer = Callable[[RunFolder, Summary], None]

WRITERS: tuple[Writer, ...] = (write_summary, write_tables, write_figures, write_page)
"""In this order: the numbers come first, so that they exist even if a drawing fails."""


def write_report(folder: RunFolder) -> Summary:
    """Compute the summary and write everything below `report/`.

    Raises:
        UsageRefusal: the folder holds no run.
        EnvironmentRefusal: a file of the run is missing or damaged, or the disk refuses.
    """
    summary = summarise(folder)
    for write in WRITERS:
        write(folder, summary)
    return summary
