"""A run's report: summarise once, then let every writer draw it.

    write_report(RunFolder(Path("runs/monday")))

Every file below `report/` is whole or absent. The writers compute no number of their own, and the
pictures are drawn once for all of them.
"""

from __future__ import annotations

from results.figures.gallery import gallery, write_figures
from results.ledger.store import RunFolder
from results.report.csv_files import write_tables
from results.report.page import write_page
from results.scores.summary import summarise, write_summary
from results.scores.types import Summary


def write_report(folder: RunFolder) -> Summary:
    """Compute the summary and write everything below `report/`.

    Raises:
        UsageRefusal: the folder holds no run.
        EnvironmentRefusal: a file of the run is missing or damaged, or the disk refuses.
    """
    summary = summarise(folder)
    write_summary(folder, summary)  # first, so that the numbers exist even if a drawing fails
    write_tables(folder, summary)
    pictures = gallery(summary)
    write_figures(folder, pictures)
    write_page(folder, summary, pictures)
    return summary
