"""Every figure of a run, named once: `report/figures/<name>.png`, and the same inside the page.

for group, pictures in gallery(summary).items(): ...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from results.figures import curves, diagrams, findings
from results.figures.matrices import LARGEST, matrix
from results.figures.style import Picture, drawing
from results.ledger.files import write_bytes
from results.ledger.store import RunFolder
from results.scores.method_types import ENSEMBLE, EnsembleSummary, Method
from results.scores.types import Summary

Gallery = Mapping[str, tuple[Picture, ...]]

INTERVALS, SCALING, TOGETHER = "intervals", "scaling", "together"
IMPORTANCES, SCATTERS, UNFREEZING = "importances", "scatters", "unfreezing"


def gallery(summary: Summary) -> Gallery:
    """Pictures by what they show: a trial's name, `ensemble`, or one of the names above."""
    classes, pair = summary.data.classes, summary.ensemble
    with drawing():
        return {
            INTERVALS: tuple(findings.intervals(summary)),
            SCALING: tuple(findings.scaling(summary)),
            TOGETHER: tuple(_together(summary)),
            IMPORTANCES: tuple(findings.importances(summary)),
            SCATTERS: tuple(findings.scatters(summary)),
            UNFREEZING: tuple(findings.unfreezing(summary)),
            **{
                method.trial: tuple(_of_method(backbone.name, method, classes))
                for backbone in summary.backbones
                for method in backbone.methods
            },
            **({} if pair is None else {ENSEMBLE: tuple(_of_ensemble(pair, classes))}),
        }


def of_kind(pictures: Sequence[Picture], *kinds: str) -> tuple[Picture, ...]:
    """Those whose names end with one of `accuracy`, `loss`, `confusion`, `architecture`, ..."""
    return tuple(picture for picture in pictures if picture.name.rsplit("-", 1)[-1] in kinds)


def write_figures(folder: RunFolder, groups: Gallery) -> None:
    """Write every picture, each whole or not at all, and remove those of an earlier report."""
    figures = folder.report / "figures"
    pictures = [picture for group in groups.values() for picture in group]
    names = {picture.name for picture in pictures}
    for old in figures.glob("*.png"):
        if old.stem not in names:
            old.unlink()
    for picture in pictures:
        write_bytes(figures / f"{picture.name}.png", picture.png())


def _together(summary: Summary) -> Iterator[Picture]:
    yield from curves.together(summary, "baseline")
    if any(len(backbone.methods) > 1 for backbone in summary.backbones):
        yield from curves.together(summary, "best")


def _of_method(backbone: str, method: Method, classes: Sequence[str]) -> Iterator[Picture]:
    yield from curves.method_curves(backbone, method)
    if method.scores is not None and len(classes) <= LARGEST:
        yield matrix(method.trial, method.trial, method.scores.confusion, classes)
    diagram = diagrams.architecture(method, len(classes))
    yield from [diagram] if diagram is not None else []


def _of_ensemble(ensemble: EnsembleSummary, classes: Sequence[str]) -> Iterator[Picture]:
    yield diagrams.ensemble_diagram(ensemble)
    yield from curves.ensemble_curves(ensemble)
    if len(classes) <= LARGEST:
        yield matrix(ENSEMBLE, "Ensemble", ensemble.scores.confusion, classes)
