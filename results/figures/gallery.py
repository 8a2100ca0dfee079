"""Every picture of a run, named once: `report/figures/<name>.png`, and the same inside the page.

for group, pictures in gallery(summary).items(): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from results.figures import plots_architecture, plots_curves, plots_findings, plots_matrices
from results.figures.scene import Picture
from results.figures.scene_png import png
from results.ledger.files import write_bytes
from results.ledger.store import RunFolder
from results.scores.comparisons import ENSEMBLE
from results.scores.types import Summary

Gallery = Mapping[str, tuple[Picture, ...]]

INTERVALS, SCALING, TOGETHER = "intervals", "scaling", "together"
IMPORTANCES, SCATTERS, UNFREEZING = "importances", "scatters", "unfreezing"


def gallery(summary: Summary) -> Gallery:
    """Pictures by what they show: a trial's name, `ensemble`, or one of the names above."""
    found = {
        INTERVALS: tuple(plots_findings.intervals(summary)),
        SCALING: tuple(plots_findings.scaling(summary)),
        TOGETHER: tuple(_together(summary)),
        IMPORTANCES: tuple(plots_findings.importances(summary)),
        SCATTERS: tuple(plots_findings.scatters(summary)),
        UNFREEZING: tuple(plots_findings.unfreezing(summary)),
    }
    matrices = dict(plots_matrices.matrices(summary))
    for backbone in summary.backbones:
        for method in plots_curves.spoken(backbone):
            drawn = list(plots_curves.method_curves(backbone.name, method))
            drawn += [matrices[method.trial]] if method.trial in matrices else []
            diagram = plots_architecture.architecture(method, len(summary.data.classes))
            drawn += [diagram] if diagram else []
            found[method.trial] = tuple(drawn)
    if summary.ensemble is not None:
        drawn = [plots_architecture.ensemble_diagram(summary.ensemble)]
        drawn += plots_curves.ensemble_curves(summary.ensemble)
        drawn += [matrices[ENSEMBLE]] if ENSEMBLE in matrices else []
        found[ENSEMBLE] = tuple(drawn)
    return found


def of_kind(pictures: Sequence[Picture], *kinds: str) -> tuple[Picture, ...]:
    """Those whose names end with one of `accuracy`, `loss`, `confusion`, `architecture`, ..."""
    return tuple(one for one in pictures if one.name.rsplit("-", 1)[-1] in kinds)


def write_figures(folder: RunFolder, summary: Summary) -> None:
    """Write every picture, each whole or not at all, and remove those of an earlier report."""
    figures = folder.report / "figures"
    pictures = [one for group in gallery(summary).values() for one in group]
    for old in figures.glob("*.png"):
        if old.stem not in {one.name for one in pictures}:
            old.unlink()
    for one in pictures:
        write_bytes(figures / f"{one.name}.png", png(one))


def _together(summary: Summary) -> Iterator[Picture]:
    yield from plots_curves.together(summary, "baseline")
    if any(len(plots_curves.spoken(backbone)) > 1 for backbone in summary.backbones):
        yield from plots_curves.together(summary, "best")
