"""Accuracy and loss per epoch: of one method (Figures 3-20, 26-27), of all together (21-24)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from results.figures.palette import colour, shape
from results.figures.plots_axes import Axis, Plane, Series, counted, numbers, picture
from results.figures.scene import Picture
from results.ledger.records import EpochRecord
from results.report.format import percent
from results.scores.method_types import EnsembleEpoch, EnsembleSummary, Method
from results.scores.types import BackboneSummary, Summary

Epochs = Sequence[EpochRecord] | Sequence[EnsembleEpoch]

KINDS = ("accuracy", "loss")
PARTS = ("train", "validation")


def slug(trial: str) -> str:
    """A trial's name as part of a file name and an id."""
    return trial.replace("/", "-")


def spoken(backbone: BackboneSummary) -> tuple[Method, ...]:
    """The baseline, and the best trial where it is another one."""
    best = backbone.best
    if best is None or best.trial == backbone.baseline.trial:
        return (backbone.baseline,)
    return backbone.baseline, best


def method_curves(backbone: str, method: Method) -> Iterator[Picture]:
    """Accuracy and loss of one trial; nothing without epochs."""
    for kind in KINDS if method.history else ():
        yield _curves(
            f"{slug(method.trial)}-{kind}",
            method.trial,
            kind,
            method.history,
            colour(backbone),
            method.best_epoch,
        )


def ensemble_curves(ensemble: EnsembleSummary) -> Iterator[Picture]:
    """The members' probabilities averaged epoch by epoch."""
    for kind in KINDS if ensemble.history else ():
        yield _curves(f"ensemble-{kind}", "Ensemble", kind, ensemble.history, "accent", None)


def together(summary: Summary, role: str) -> Iterator[Picture]:
    """All backbones' train and validation accuracy and loss; `role` is `baseline` or `best`."""
    methods = [
        (backbone.name, method)
        for backbone in summary.backbones
        if (method := getattr(backbone, role)) is not None and method.history
    ]
    for kind in KINDS if methods else ():
        for part in PARTS:
            yield _together(role, kind, part, methods)


def _curves(
    name: str, title: str, kind: str, epochs: Epochs, hue: str, best_epoch: int | None
) -> Picture:
    series = tuple(
        Series(part, hue, _points(epochs, part, kind), _mark(part), dashed=part == "train")
        for part in reversed(PARTS)
    )
    last = epochs[-1]
    ends = " and ".join(f"{_value(getattr(last, f'{part}_{kind}'), kind)} {part}" for part in PARTS)
    return picture(
        Plane(
            name=name,
            title=f"{title}: {kind} per epoch",
            told=f"{title}, {kind} over {len(epochs)} epochs; at the end {ends}.",
            x=counted("epoch", len(epochs)),
            y=_axis(kind, series),
            series=series,
            rule=None if best_epoch is None else (float(best_epoch), "kept"),
        )
    )


def _together(role: str, kind: str, part: str, methods: Sequence[tuple[str, Method]]) -> Picture:
    series = tuple(
        Series(name, colour(name), _points(method.history, part, kind), shape(name))
        for name, method in methods
    )
    ends = "; ".join(
        f"{name} {_value(getattr(method.history[-1], f'{part}_{kind}'), kind)}"
        for name, method in methods
    )
    what = "documented baselines" if role == "baseline" else "best trials"
    return picture(
        Plane(
            name=f"together-{role}-{part}-{kind}",
            title=f"{part.capitalize()} {kind}, {what}",
            told=f"{part.capitalize()} {kind} of the {what}; at the end: {ends}.",
            x=counted("epoch", max(len(method.history) for _, method in methods)),
            y=_axis(kind, series),
            series=series,
        )
    )


def _points(epochs: Epochs, part: str, kind: str) -> tuple[tuple[float, float], ...]:
    return tuple((float(one.epoch), getattr(one, f"{part}_{kind}")) for one in epochs)


def _mark(part: str) -> str:
    return "circle" if part == "validation" else "square"


def _axis(kind: str, series: Iterable[Series]) -> Axis:
    values = [y for one in series for _, y in one.points]
    label = "accuracy, %" if kind == "accuracy" else "cross-entropy, nats"
    return numbers(label, values, percent=kind == "accuracy")


def _value(value: float, kind: str) -> str:
    return f"{percent(value, digits=1)} %" if kind == "accuracy" else f"{value:.3f}"
