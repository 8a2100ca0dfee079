"""Accuracy and loss per epoch: of one method (Figures 3-20, 26-27), of all together (21-24)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from results.figures.palette import LIGHT, colour, shape
from results.figures.style import Picture, add_legend, chart, keep_percent, marker
from results.ledger.records import EpochRecord
from results.scores.method_types import EnsembleEpoch, EnsembleSummary, Method
from results.scores.types import Summary

Epochs = Sequence[EpochRecord] | Sequence[EnsembleEpoch]

METRICS = {"accuracy": "accuracy, %", "loss": "cross-entropy, nats"}
"""The label of each metric's axis."""

PARTS = ("train", "validation")


@dataclass(frozen=True)
class _Line:
    label: str
    role: str
    shape: str
    epochs: Epochs
    part: str
    dashed: bool = False


@dataclass(frozen=True)
class _Level:
    """One value that holds for no epoch, such as that of a finished ensemble."""

    label: str
    value: float


def method_curves(backbone: str, method: Method) -> Iterator[Picture]:
    """Accuracy and loss of one trial; nothing without epochs."""
    role, epochs = colour(backbone), method.history
    lines = [
        _Line("validation", role, "circle", epochs, "validation"),
        _Line("train", role, "square", epochs, "train", dashed=True),
    ]
    for metric in METRICS if epochs else ():
        ends = " and ".join(f"{_last(epochs, part, metric)} {part}" for part in PARTS)
        yield _curves(
            f"{method.trial.replace('/', '-')}-{metric}",
            f"{method.trial}: {metric} per epoch",
            f"{method.trial}, {metric} over {len(epochs)} epochs; at the end {ends}.",
            lines,
            metric,
            method.best_epoch,
        )


def ensemble_curves(ensemble: EnsembleSummary) -> Iterator[Picture]:
    """The members' validation probabilities averaged epoch by epoch; training as one level.

    Nothing where these were not kept.
    """
    lines = [_Line("validation", "accent", "circle", ensemble.history, "validation")]
    for metric in METRICS if ensemble.history else ():
        value = getattr(ensemble, f"train_{metric}")
        level = 100 * value if metric == "accuracy" else value
        end = _last(ensemble.history, "validation", metric)
        yield _curves(
            f"ensemble-{metric}",
            f"Ensemble: {metric} per epoch",
            f"Ensemble, validation {metric} over {len(ensemble.history)} epochs; at the end {end}; "
            f"of the finished ensemble on the training photos {_written(level, metric)}.",
            lines,
            metric,
            level=_Level("train, when finished", level),
        )


def together(summary: Summary, role: str) -> Iterator[Picture]:
    """All backbones' train and validation accuracy and loss; `role` is `baseline` or `best`."""
    methods = [
        (backbone.name, method.history)
        for backbone in summary.backbones
        if (method := getattr(backbone, role)) is not None and method.history
    ]
    group = "documented baselines" if role == "baseline" else "best trials"
    for metric in METRICS if methods else ():
        for part in PARTS:
            ends = "; ".join(f"{name} {_last(epochs, part, metric)}" for name, epochs in methods)
            yield _curves(
                f"together-{role}-{part}-{metric}",
                f"{part.capitalize()} {metric}, {group}",
                f"{part.capitalize()} {metric} of the {group}; at the end: {ends}.",
                [_Line(name, colour(name), shape(name), epochs, part) for name, epochs in methods],
                metric,
            )


def _curves(
    name: str,
    title: str,
    description: str,
    lines: Sequence[_Line],
    metric: str,
    best_epoch: int | None = None,
    level: _Level | None = None,
) -> Picture:
    labels = [*(line.label for line in lines), *([level.label] if level else [])]
    figure, axes = chart(labels, 176)
    for line in lines:
        axes.plot(
            [epoch.epoch for epoch in line.epochs],
            [_value(epoch, line.part, metric) for epoch in line.epochs],
            label=line.label,
            linestyle="--" if line.dashed else "-",
            **marker(line.role, line.shape, 5),
        )
    if level is not None:
        axes.axhline(level.value, color=LIGHT["muted"], linestyle="--", label=level.label)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=LIGHT["axis"], linestyle=":", label="weights kept")
    last = max(len(line.epochs) for line in lines)
    axes.set(xlabel="epoch", ylabel=METRICS[metric], xlim=(0.8, last + 0.2))
    axes.set_xticks(range(1, last + 1, math.ceil(last / 10)))
    axes.grid(visible=False, axis="x")
    if metric == "accuracy":
        keep_percent(axes, "y")
    add_legend(figure, labels)
    return Picture(name, title, description, figure)


def _value(epoch: EpochRecord | EnsembleEpoch, part: str, metric: str) -> float:
    value: float = getattr(epoch, f"{part}_{metric}")
    return 100 * value if metric == "accuracy" else value


def _last(epochs: Epochs, part: str, metric: str) -> str:
    return _written(_value(epochs[-1], part, metric), metric)


def _written(value: float, metric: str) -> str:
    return f"{value:.1f} %" if metric == "accuracy" else f"{value:.3f}"
