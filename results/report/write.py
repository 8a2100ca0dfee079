"""A run's report: summarise once, then let every writer draw it.

    folder = RunFolder(Path("runs/monday"))
    write_report(folder, summarise(folder))

Every file below `report/` is whole or absent, and listed in `report/manifest.json`. The writers
compute no number of their own, and the pictures are drawn once for all of them.
"""

from __future__ import annotations

from results.figures.gallery import gallery, write_figures
from results.ledger.files import write_json
from results.ledger.manifest import write_manifest
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from results.report.csv_files import write_tables
from results.report.page import write_page
from results.scores.types import Summary


def write_report(folder: RunFolder, summary: Summary) -> None:
    """Write everything below `report/`.

    Raises:
        EnvironmentRefusal: the kept thumbnails are damaged, or the disk refuses.
    """
    write_summary(folder, summary)  # first, so that the numbers exist even if a drawing fails
    draw_report(folder, summary)


def write_summary(folder: RunFolder, summary: Summary) -> None:
    """Write `summary.json`, the one file of the report from which models are written."""
    write_json(folder.summary_json, to_json(summary))


def draw_report(folder: RunFolder, summary: Summary) -> None:
    """Write the rest: tables, figures and the page."""
    write_tables(folder, summary)
    pictures = gallery(summary)
    write_figures(folder, pictures)
    write_page(folder, summary, pictures)
    files = (path for path in folder.report.rglob("*") if path.is_file())
    others = (folder.report_json, folder.summary_json)
    write_manifest(folder.report_json, [path for path in files if path not in others])
