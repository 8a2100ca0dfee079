"""Diagrams: each network block by block (annex), and the ensemble (Figure 25).

A block reaches from one of the catalogue's unfreeze points to the next. Layer and parameter counts
are the trial's own; how many of them lie in each block is not recorded, and not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from results.figures.palette import LIGHT, colour, shape
from results.figures.style import EDGE, NORMAL, WIDTH, Picture, box, canvas, fitted, marker
from results.ledger.anatomy import FROM_PHOTOS, Anatomy
from results.scores.method_types import EnsembleSummary, Method
from search_spaces.backbones import backbone_named
from search_spaces.config import TrialConfig
from search_spaces.heads import Dropout, head_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALINGS = {"unit": "X/255", "native": "the backbone's own scale"}
_PARTS = {
    "cached": "cached: read from the feature store",
    "frozen": "frozen: run again every epoch",
    "trained": "trained",
    "head": "head: new, trained",
}
_ROOM = WIDTH - 2 * EDGE
_MIDDLE = WIDTH / 2
_ROW, _GAP = 30, 6
_LINE: dict[str, Any] = {"color": LIGHT["axis"], "linewidth": 1, "zorder": 0}  # below the boxes


def architecture(method: Method, classes: int) -> Picture | None:
    """One trial's network; None without an anatomy."""
    anatomy, config = method.anatomy, method.config
    if anatomy is None or config is None:
        return None
    blocks = list(_blocks(config, anatomy, classes))
    parts = [part for part in _PARTS if part in {part for _, part in blocks}]
    lines = counts(anatomy)
    y = 14.0 + len(blocks) * (_ROW + _GAP)
    figure, axes = canvas(y + 18 * len(parts) + 17 * len(lines) + 4)
    axes.vlines(_MIDDLE, 8, y - 20, **_LINE)
    for number, (label, part) in enumerate(blocks):
        _block(axes, label, part, 8 + number * (_ROW + _GAP))
    for number, part in enumerate(parts):
        box(axes, (EDGE, y + 18 * number, 14, 12), part)
        axes.text(EDGE + 22, y + 18 * number + 10, _PARTS[part])
    for number, line in enumerate(lines):
        place = (EDGE, y + 18 * len(parts) + 17 * number + 11)
        axes.text(*place, fitted(line, _ROOM), color=LIGHT["muted"])
    return Picture(
        f"{method.trial.replace('/', '-')}-architecture",
        f"{method.trial}: architecture",
        f"{method.trial}, from the photo to the softmax. {' '.join(lines)}",
        figure,
    )


def counts(anatomy: Anatomy) -> tuple[str, ...]:
    """What is known of a network's parts, in sentences."""
    lines = [
        f"Layers: {anatomy.layers_frozen:,} frozen, {anatomy.layers_trained:,} trained.",
        f"Parameters: {anatomy.parameters_frozen:,} frozen.",
        f"Parameters: {anatomy.parameters_trained:,} trained, "
        f"{anatomy.parameters_head:,} in the head.",
        f"First trained: {anatomy.first_trained or 'the head'}.",
    ]
    if anatomy.recomputed:
        lines.append(f"Frozen layers run again every epoch: {anatomy.recomputed:,}.")
    return tuple(lines)


def head_layers(config: TrialConfig) -> tuple[str, ...]:
    """The new layers on top of a trial's backbone, in words; the softmax follows."""
    layers = head_of(backbone_named(config.backbone).head, config.head)
    return tuple(
        str(Dropout(config.dropout) if isinstance(layer, Dropout) else layer) for layer in layers
    )


def ensemble_diagram(ensemble: EnsembleSummary) -> Picture:
    """A photo, its members, the mean of their probabilities."""
    figure, axes = canvas(238)
    count = len(ensemble.members)
    room = (_ROOM - (count - 1) * _GAP) / count
    for number, member in enumerate(ensemble.members):
        left = EDGE + number * (room + _GAP)
        way = [_MIDDLE, left + room / 2, left + room / 2, _MIDDLE]
        axes.plot(way, [38, 62, 122, 146], **_LINE)
        _member(axes, member, left, room)
    axes.vlines(_MIDDLE, 176, 196, **_LINE)
    for text, y, wide, role in (
        ("photo", 8, 120, "raised"),
        ("mean of the two, class by class", 146, 220, "cached"),
        ("the most probable class", 196, 220, "raised"),
    ):
        box(axes, (_MIDDLE - wide / 2, y, wide, _ROW), role)
        axes.text(_MIDDLE, y + 19, text, size=NORMAL, ha="center")
    return Picture(
        "ensemble-diagram",
        "The ensemble",
        f"A photo goes through {' and '.join(ensemble.members)}; their probabilities are "
        "averaged, and the most probable class is the answer: "
        f"{100 * ensemble.test_accuracy:.2f} % right on test.",
        figure,
    )


def _member(axes: Axes, trial: str, left: float, room: float) -> None:
    backbone, _, number = trial.partition("/")
    box(axes, (left, 62, room, 60), "raised")
    axes.plot([left + 13], [79], **marker(colour(backbone), shape(backbone), 7))
    axes.text(left + 23, 83, fitted(backbone, room - 26), size=NORMAL, weight="bold")
    axes.text(left + 12, 101, number, color=LIGHT["muted"])
    axes.text(left + 12, 115, "probabilities", color=LIGHT["muted"])


def _block(axes: Axes, label: str, part: str, y: float) -> None:
    box(axes, (EDGE, y, _ROOM, _ROW), part, tip=_PARTS.get(part, ""))
    axes.text(EDGE + 12, y + 19, fitted(label, _ROOM - 24), size=NORMAL)


def _blocks(config: TrialConfig, anatomy: Anatomy, classes: int) -> Iterator[tuple[str, str]]:
    """Text and part of every block, from the photo on."""
    size = config.image_size
    yield f"photo {size} x {size}, {SCALINGS[config.scaling]}", "raised"
    part = "frozen" if anatomy.recomputed or FROM_PHOTOS in anatomy.stored else "cached"
    starts = backbone_named(config.backbone).points[:0:-1]  # from the earliest to the head
    yield f"up to {starts[0]}", part
    for start, end in zip(starts, (*starts[1:], "the end"), strict=True):
        part = "trained" if start == config.unfreeze else part
        yield f"{start} to {end}", part
    for layer in head_layers(config):
        yield layer, "head"
    yield f"Dense {classes}, softmax", "head"
