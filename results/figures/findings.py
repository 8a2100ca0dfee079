"""What mattered, and measured next to published: bars, scatters and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from results.figures.palette import LIGHT, colour, shape
from results.figures.style import (
    Picture,
    add_entry,
    add_legend,
    chart,
    keep_percent,
    marker,
    rows_chart,
    tooltip,
)
from results.ledger.records import TrialRecord
from results.ledger.units import duration
from results.scores.method_types import ENSEMBLE, EnsembleSummary, Method
from results.scores.types import Summary
from search_spaces.backbones import HEAD, backbone_named
from search_spaces.config import OPTIMIZERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LOOKS = (("b0", "circle"), ("b4", "square"), ("b2", "triangle"), ("b5", "diamond"))
_OPTIMIZER_LOOKS = dict(zip(OPTIMIZERS, _LOOKS, strict=True))
"""Role and marker of an optimizer."""


_MOST_POINTS, _MOST_POINTS_EACH = 500, 200
"""Trials in a picture of all backbones, and of one: more are not told apart and take minutes."""


class _Row(NamedTuple):
    """A method's accuracy, the one it is compared with (if any), and a line; all in percent."""

    name: str
    role: str
    measured: float
    reference: float | None
    line: tuple[float, float]
    description: str


def importances(summary: Summary) -> Iterator[Picture]:
    """Each searched dimension's share, per backbone."""
    for backbone, importances_of in summary.importances.items():
        rows = sorted(importances_of.shares.items(), key=lambda row: (-row[1].mean, row[0]))
        names = [name.replace("_", " ") for name, _ in rows]
        values = [share.mean for _, share in rows]
        labels = [f"{share.mean:.2f} ± {share.spread:.2f}" for _, share in rows]
        figure, axes = rows_chart(names, (), below=8)
        bars = axes.barh(range(len(rows)), values, height=0.7, color=LIGHT[colour(backbone)])
        axes.bar_label(bars, labels, padding=6, color=LIGHT["muted"])
        axes.set(xlim=(0, 1.35), xticks=[])
        axes.spines["bottom"].set_visible(False)
        trials, epoch = importances_of.trials, importances_of.epoch
        title = f"{backbone}: what mattered in {trials} trials, up to epoch {epoch}"
        listed = ", ".join(f"{name} {label}" for name, label in zip(names, labels, strict=True))
        yield Picture(f"{backbone}-importances", title, f"{title}: {listed}.", figure)


def scatters(summary: Summary) -> Iterator[Picture]:
    """Validation accuracy against the learning rate and the seconds spent."""
    rows, of_all = _some(_scored(summary), _MOST_POINTS)
    if len(rows) < 2:
        return
    title = "Learning rate and validation accuracy"
    rates = [row.trained.learning_rate for row in rows]
    yield _scatter("learning-rate", title, "learning rate", rows, rates, _by_optimizer, note=of_all)
    title = "Seconds spent and validation accuracy"
    seconds = [max(row.cost.seconds_total, 0.01) for row in rows]
    yield _scatter(
        "seconds", title, "seconds in the trial", rows, seconds, _by_backbone, note=of_all
    )


def unfreezing(summary: Summary) -> Iterator[Picture]:
    """Validation accuracy by unfreeze point, one picture per backbone with more than one trial."""
    for backbone in summary.backbones:
        own = [row for row in _scored(summary) if row.backbone == backbone.name]
        rows, of_all = _some(own, _MOST_POINTS_EACH)
        if len(rows) >= 2:
            points = backbone_named(backbone.name).points
            yield _scatter(
                f"{backbone.name}-unfreeze",
                f"{backbone.name}: unfreeze point and accuracy",
                "first trained: from the head to ever earlier layers",
                rows,
                [points.index(row.trained.unfreeze) for row in rows],
                _by_optimizer,
                places=(HEAD, *(str(number) for number in range(1, len(points)))),
                note=f"{of_all} Points: {numbered_points(backbone.name)}.",
            )


def numbered_points(backbone: str) -> str:
    """A backbone's unfreeze points under the numbers that the pictures use."""
    points = backbone_named(backbone).points
    return ", ".join(f"{number} {name}" for number, name in enumerate(points) if number)


def intervals(summary: Summary) -> Iterator[Picture]:
    """Measured accuracy with its 95 % interval as a line, and the published value beside it."""
    pair = summary.ensemble
    methods: list[tuple[str, str, Method | EnsembleSummary]] = [
        (backbone.name, colour(backbone.name), backbone.baseline) for backbone in summary.backbones
    ]
    methods += [(ENSEMBLE, "accent", pair)] if pair is not None else []
    rows = []
    for name, role, method in methods:
        if method.scores is not None:
            low, high = 100 * method.scores.interval.low, 100 * method.scores.interval.high
            measured = 100 * method.scores.report.accuracy
            described = f"{name}: measured {measured:.2f} % ({low:.1f} to {high:.1f})"
            published: float | None = method.published_test_accuracy
            described += "" if published is None else f", published {100 * published:.3f} %"
            reference = None if published is None else 100 * published
            rows.append(_Row(name, role, measured, reference, (low, high), described))
    title = "Test accuracy, measured and published"
    yield from _comparison("intervals", title, rows, ("published", "measured"))


def scaling(summary: Summary) -> Iterator[Picture]:
    """Test accuracy under X/255 and under each backbone's own scale, joined by a line."""
    rows = []
    for row in summary.scaling:
        unit, native = 100 * row.unit_test_accuracy, 100 * row.native_test_accuracy
        described = f"{row.backbone}: {unit:.2f} % under X/255, {native:.2f} % own"
        role = colour(row.backbone)
        rows.append(_Row(row.backbone, role, native, unit, (unit, native), described))
    title = "Input scale: X/255 and the backbone's own"
    yield from _comparison("scaling", title, rows, ("X/255", "own scale"))


def _comparison(
    name: str, title: str, rows: Sequence[_Row], labels: tuple[str, str]
) -> Iterator[Picture]:
    """A circle for what was measured, a diamond for what it is compared with."""
    if not rows:
        return
    figure, axes = rows_chart([row.name for row in rows], labels)
    for label, look in zip(labels, (("ink", "diamond"), ("muted", "circle")), strict=True):
        add_entry(axes, label, marker(*look, 7))
    for y, row in enumerate(rows):
        axes.hlines(y, *row.line, color=LIGHT[row.role], linewidth=3)
        tip = tooltip(row.description)
        axes.plot([row.measured], [y], gid=tip, **marker(row.role, "circle", 9))
        if row.reference is not None:
            axes.plot([row.reference], [y], gid=tip, **marker("ink", "diamond", 6))
    axes.set(xlabel="test accuracy, %")
    keep_percent(axes, "x")
    add_legend(figure, labels)
    description = ". ".join(row.description for row in rows) + "."
    yield Picture(name, title, description, figure)


def _scatter(
    name: str,
    title: str,
    x_label: str,
    rows: Sequence[TrialRecord],
    xs: Sequence[float],
    look_of: Callable[[TrialRecord], tuple[str, str, str]],
    places: Sequence[str] = (),
    note: str = "",
) -> Picture:
    """Every trial's validation accuracy over `xs`, which stand for `places` where these are given.

    `look_of` gives a trial's group, role and marker.
    """
    looks = sorted({look_of(row) for row in rows})
    labels = [label for label, _, _ in looks]
    figure, axes = chart(labels, 176)
    for label, role, shape_name in looks:
        add_entry(axes, label, marker(role, shape_name, 6.5))
    for x, row in zip(xs, rows, strict=True):
        _, role, shape_name = look_of(row)
        look = {"gid": tooltip(_described(row)), **marker(role, shape_name, 6.5)}
        axes.plot([x], [100 * (row.validation_accuracy or 0.0)], **look)
    axes.set(xlabel=x_label, ylabel="validation accuracy, %")
    axes.grid(visible=False, axis="x")
    if places:
        axes.set_xticks(range(len(places)), places)
        axes.set_xlim(-0.5, len(places) - 0.5)
    elif max(xs) >= 4 * min(xs):
        _use_powers(axes, xs)
    keep_percent(axes, "y")
    add_legend(figure, labels)
    best = max(rows, key=lambda row: row.validation_accuracy or 0.0)
    description = f"{title}, {len(rows)} trials; the highest is {_described(best)}.{note}"
    return Picture(name, title, description, figure)


def _use_powers(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic x axis with round ticks."""
    from matplotlib.ticker import LogLocator, NullLocator

    steps = (1,) if max(values) > 200 * min(values) else (1, 2, 5)
    axes.set_xscale("log")
    axes.set_xlim(min(values) / 1.3, max(values) * 1.3)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(_power)


def _power(value: float, _: float) -> str:
    return f"{value:g}" if 0.01 <= value < 1e5 else f"{value:.0e}".replace("e-0", "e-")


def _some(rows: list[TrialRecord], most: int) -> tuple[list[TrialRecord], str]:
    """At most `most` trials, the best and others spread evenly over the search, and a note."""
    if len(rows) <= most:
        return rows, ""
    best = max(range(len(rows)), key=lambda at: rows[at].validation_accuracy or 0.0)
    places = {round(place * (len(rows) - 1) / (most - 2)) for place in range(most - 1)} | {best}
    note = f" Of {len(rows):,} trials these are spread evenly over the search, the best among them."
    return [rows[place] for place in sorted(places)], note


def _scored(summary: Summary) -> list[TrialRecord]:
    return [row for row in summary.rows if row.validation_accuracy is not None]


def _by_optimizer(row: TrialRecord) -> tuple[str, str, str]:
    return row.trained.optimizer, *_OPTIMIZER_LOOKS[row.trained.optimizer]


def _by_backbone(row: TrialRecord) -> tuple[str, str, str]:
    return row.backbone, colour(row.backbone), shape(row.backbone)


def _described(row: TrialRecord) -> str:
    return (
        f"{row.trial}: {100 * (row.validation_accuracy or 0.0):.2f} %, {row.trained.optimizer} "
        f"{row.trained.learning_rate:.3g} from {row.trained.unfreeze}, "
        f"{duration(row.cost.seconds_total)}"
    )
