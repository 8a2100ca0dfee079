"""What mattered, and measured next to published: bars, scatters and intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from results.figures.palette import colour, shape
from results.figures.plots_axes import Axis, Plane, Series, named, numbers, picture, powers
from results.figures.plots_curves import slug
from results.figures.scene import SMALL, WIDTH, Box, Item, Line, Marker, Picture, Words, fitted
from results.ledger.units import duration
from results.report.format import percent
from results.scores.comparisons import ENSEMBLE
from results.scores.types import Summary, TrialRow
from search_spaces.backbones import HEAD, backbone_named
from search_spaces.config import OPTIMIZERS

_NAMES = 118
_ROW = 26
_LOOKS = (("b0", "circle"), ("b4", "square"), ("b2", "triangle"), ("b5", "diamond"))
_OPTIMIZER_LOOKS = dict(zip(OPTIMIZERS, _LOOKS, strict=True))
"""Colour and marker of an optimizer."""


def importances(summary: Summary) -> Iterator[Picture]:
    """Each searched dimension's share, per backbone."""
    for backbone, shares in summary.importances.items():
        rows = sorted(shares.items(), key=lambda one: (-one[1], one[0]))
        items: list[Item] = []
        for at, (name, share) in enumerate(rows):
            y = 8 + at * _ROW
            label = fitted(name.replace("_", " "), _NAMES - 14)
            items.append(Words(_NAMES - 8, y + 16, label, "ink", anchor="end"))
            items.append(Box(_NAMES, y + 3, share * 190, 18, colour(backbone)))
            items.append(Words(_NAMES + share * 190 + 6, y + 16, f"{share:.2f}", "muted", SMALL))
        told = ", ".join(f"{name.replace('_', ' ')} {share:.2f}" for name, share in rows)
        title = f"{backbone}: what mattered"
        height = 16.0 + _ROW * len(rows)
        name = f"{backbone}-importances"
        yield Picture(name, title, f"{title}: {told}.", WIDTH, height, tuple(items))


def scatters(summary: Summary) -> Iterator[Picture]:
    """Validation accuracy against learning rate, unfreeze point and seconds spent."""
    rows = [row for row in summary.rows if row.validation_accuracy is not None]
    if len(rows) < 2:
        return
    yield _scatter(
        "learning-rate",
        "Learning rate and validation accuracy",
        rows,
        powers("learning rate", [row.config["learning_rate"] for row in rows]),
        lambda row: row.config["learning_rate"],
        _by_optimizer(rows),
    )
    yield _scatter(
        "seconds",
        "Seconds spent and validation accuracy",
        rows,
        powers("seconds in the trial", [max(row.cost.seconds_total, 0.01) for row in rows]),
        lambda row: max(row.cost.seconds_total, 0.01),
        _by_backbone(rows),
    )


def unfreezing(summary: Summary) -> Iterator[Picture]:
    """Validation accuracy by unfreeze point, one picture per backbone with more than one trial."""
    for backbone in summary.backbones:
        rows = [
            row
            for row in summary.rows
            if row.backbone == backbone.name and row.validation_accuracy is not None
        ]
        if len(rows) < 2:
            continue
        points = backbone_named(backbone.name).points
        numbered = [HEAD, *(str(at) for at in range(1, len(points)))]
        yield _scatter(
            f"{backbone.name}-unfreeze",
            f"{backbone.name}: unfreeze point and validation accuracy",
            rows,
            named("first trained: from the head to ever earlier layers", numbered),
            _place_in(points),
            _by_optimizer(rows),
            note=f" Points: {numbered_points(backbone.name)}.",
        )


def numbered_points(backbone: str) -> str:
    """A backbone's unfreeze points under the numbers that the pictures use."""
    points = backbone_named(backbone).points
    return ", ".join(f"{at} {name}" for at, name in enumerate(points) if at)


def intervals(summary: Summary) -> Iterator[Picture]:
    """Measured accuracy with its interval as a line, the published value as a hollow mark."""
    rows = [
        (one.name, colour(one.name), one.baseline.scores, one.baseline.published_test_accuracy)
        for one in summary.backbones
        if one.baseline.scores is not None
    ]
    if (both := summary.ensemble) is not None:
        rows.append((ENSEMBLE, "accent", both.scores, both.published_test_accuracy))
    if not rows:
        return
    ends = [end for _, _, one, _ in rows if one for end in (one.interval.low, one.interval.high)]
    axis = numbers(
        "test accuracy, %", [*ends, *(published for *_, published in rows)], percent=True
    )
    items: list[Item] = list(_grid(axis, len(rows)))
    told = []
    for at, (name, hue, scores, published) in enumerate(rows):
        if scores is None:
            continue
        y, interval, middle = 40.0 + at * _ROW, scores.interval, scores.report.accuracy
        low, high = f"{percent(interval.low, digits=1)}", f"{percent(interval.high, digits=1)}"
        words = f"{name}: measured {percent(middle)} % ({low} to {high})"
        told.append(f"{words}, published {percent(published, digits=3)} %")
        items.append(Words(_NAMES + 4, y + 4, name, "ink", anchor="end"))
        items.append(Line(((_at(axis, interval.low), y), (_at(axis, interval.high), y)), hue, 3))
        items.append(Marker(_at(axis, middle), y, hue, "circle", 4.5, words))
        items.append(Marker(_at(axis, published), y, "ink", "diamond", 4.5, "published"))
    height = 76.0 + _ROW * len(rows)
    title = "Test accuracy, measured and published"
    yield Picture("intervals", title, ". ".join(told) + ".", WIDTH, height, tuple(items))


def scaling(summary: Summary) -> Iterator[Picture]:
    """Test accuracy under X/255 and under each backbone's own scale, joined by a line."""
    if not summary.scaling:
        return
    values = [row.unit_test_accuracy for row in summary.scaling]
    values += [row.native_test_accuracy for row in summary.scaling]
    axis = numbers("test accuracy, %", values, percent=True)
    items: list[Item] = list(_grid(axis, len(summary.scaling), ("X/255", "own scale")))
    told = []
    for at, row in enumerate(summary.scaling):
        y = 40.0 + at * _ROW
        unit, native = row.unit_test_accuracy, row.native_test_accuracy
        told.append(f"{row.backbone}: {percent(unit)} % under X/255, {percent(native)} % own")
        items.append(Words(_NAMES + 4, y + 4, row.backbone, "ink", anchor="end"))
        items.append(Line(((_at(axis, unit), y), (_at(axis, native), y)), "axis", 2))
        items.append(Marker(_at(axis, unit), y, "ink", "diamond", 4.5, row.unit_trial))
        hue = colour(row.backbone)
        items.append(Marker(_at(axis, native), y, hue, "circle", 4.5, row.native_trial))
    height = 76.0 + _ROW * len(summary.scaling)
    title = "Input scale: X/255 and the backbone's own"
    yield Picture("scaling", title, ". ".join(told) + ".", WIDTH, height, tuple(items))


def _at(axis: Axis, value: float) -> float:
    left = _NAMES + 16
    return left + axis.share(value) * (WIDTH - 22 - left)


def _grid(
    axis: Axis, rows: int, marks: tuple[str, str] = ("published", "measured")
) -> Iterator[Item]:
    """A legend, the ticks and the axis of a chart with one row per name."""
    bottom = 28.0 + _ROW * rows
    yield Marker(_NAMES + 24, 10, "ink", "diamond", 4.5)
    yield Words(_NAMES + 34, 14, marks[0], "ink", SMALL)
    yield Marker(_NAMES + 124, 10, "muted", "circle", 4.5)
    yield Words(_NAMES + 134, 14, marks[1], "ink", SMALL)
    for value, text in axis.ticks:
        x = _at(axis, value)
        yield Line(((x, 26), (x, bottom)), "line")
        yield Words(x, bottom + 16, text, "muted", SMALL, "middle")
    middle = (_NAMES + 16 + WIDTH - 22) / 2
    yield Words(middle, bottom + 36, axis.label, "muted", SMALL, "middle")


def _scatter(
    name: str,
    title: str,
    rows: list[TrialRow],
    x: Axis,
    of: Callable[[TrialRow], float],
    groups: Iterable[tuple[str, str, str, list[TrialRow]]],
    note: str = "",
) -> Picture:
    series = tuple(
        Series(
            label,
            hue,
            tuple((of(row), row.validation_accuracy or 0.0) for row in group),
            mark,
            joined=False,
            told=tuple(_told(row) for row in group),
        )
        for label, hue, mark, group in groups
    )
    values = [y for one in series for _, y in one.points]
    best = max(rows, key=lambda row: row.validation_accuracy or 0.0)
    told = f"{title}, {len(rows)} trials; the highest is {_told(best)}.{note}"
    y = numbers("validation accuracy, %", values, percent=True)
    return picture(Plane(slug(name), title, told, x, y, series))


def _place_in(points: tuple[str, ...]) -> Callable[[TrialRow], float]:
    return lambda row: float(points.index(row.config["unfreeze"]))


def _told(row: TrialRow) -> str:
    return (
        f"{row.trial}: {percent(row.validation_accuracy)} %, {row.config['optimizer']} "
        f"{row.config['learning_rate']:.3g} from {row.config['unfreeze']}, "
        f"{duration(row.cost.seconds_total)}"
    )


def _by_optimizer(rows: list[TrialRow]) -> Iterator[tuple[str, str, str, list[TrialRow]]]:
    for optimizer, (hue, mark) in _OPTIMIZER_LOOKS.items():
        group = [row for row in rows if row.config["optimizer"] == optimizer]
        if group:
            yield optimizer, hue, mark, group


def _by_backbone(rows: list[TrialRow]) -> Iterator[tuple[str, str, str, list[TrialRow]]]:
    for backbone in dict.fromkeys(row.backbone for row in rows):
        group = [row for row in rows if row.backbone == backbone]
        yield backbone, colour(backbone), shape(backbone), group
