"""Diagrams: each network block by block (annex), and the ensemble (Figure 25).

A block reaches from one of the catalogue's unfreeze points to the next. Layer and parameter counts
are the trial's own; how many of them lie in each block is not recorded, and not drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from results.figures.palette import colour
from results.figures.plots_curves import slug
from results.figures.scene import SMALL, WIDTH, Box, Item, Line, Marker, Picture, Words, fitted
from results.ledger.records import Anatomy
from results.report.format import percent, whole
from results.scores.method_types import EnsembleSummary, Method
from search_spaces.backbones import HEAD, backbone_named

FROM_PHOTOS = "photos"
SCALINGS = {"unit": "X/255", "native": "the backbone's own scale"}
_LAYERS = {
    "gap": "GlobalAveragePooling2D",
    "flatten": "Flatten",
    "batch_norm": "BatchNormalization",
    "dense": "Dense",
    "dropout": "Dropout",
}
_PARTS = {
    "cached": "cached: read from the feature store",
    "frozen": "frozen: run again every epoch",
    "trained": "trained",
    "head": "head: new, trained",
}
_EDGE, _ROW, _GAP = 12, 30, 6


def architecture(method: Method, classes: int) -> Picture | None:
    """One trial's network; None without an anatomy or a configuration."""
    anatomy, config = method.anatomy, method.config
    if anatomy is None or config is None:
        return None
    items: list[Item] = []
    y = 8.0
    for words, part in _blocks(config, anatomy, classes):
        items.extend(_block(words, part, y))
        y += _ROW + _GAP
    y += 12
    used = [part for part in _PARTS if part in {part for _, part in _blocks(config, anatomy, 2)}]
    for part in used:
        items.append(Box(_EDGE, y - 10, 14, 12, part))
        items.append(Words(_EDGE + 22, y, _PARTS[part], "ink", SMALL))
        y += 18
    for line in counts(anatomy):
        items.append(Words(_EDGE, y + 4, fitted(line, WIDTH - 2 * _EDGE, SMALL), "muted", SMALL))
        y += 17
    return Picture(
        name=f"{slug(method.trial)}-architecture",
        title=f"{method.trial}: architecture",
        told=f"{method.trial}, from the photo to the softmax. {' '.join(counts(anatomy))}",
        width=WIDTH,
        height=y + 4,
        items=tuple(items),
    )


def counts(anatomy: Anatomy) -> tuple[str, ...]:
    """What is known of a network's parts, in sentences."""
    first = f"First trained: {anatomy.first_trained or 'the head'}."
    lines = [
        f"Layers: {whole(anatomy.layers_frozen)} frozen, {whole(anatomy.layers_trained)} trained.",
        f"Parameters: {whole(anatomy.parameters_frozen)} frozen.",
        f"Parameters: {whole(anatomy.parameters_trained)} trained, "
        f"{whole(anatomy.parameters_head)} in the head.",
        first,
    ]
    if anatomy.recomputed:
        lines.append(f"Frozen layers run again every epoch: {whole(anatomy.recomputed)}.")
    return tuple(lines)


def head_layers(backbone: str) -> tuple[str, ...]:
    """The new layers on top of a backbone, in words; the softmax follows."""
    parts = (layer.partition(":") for layer in backbone_named(backbone).head)
    return tuple(f"{_LAYERS[kind]} {setting}".strip() for kind, _, setting in parts)


def ensemble_diagram(ensemble: EnsembleSummary) -> Picture:
    """A photo, its members, the mean of their probabilities."""
    room = (WIDTH - 2 * _EDGE - _GAP) / 2
    middle = WIDTH / 2
    centres = [_EDGE + room / 2, WIDTH - _EDGE - room / 2]
    items: list[Item] = [*_centred("photo", middle, 8, 120, "raised")]
    for trial, centre in zip(ensemble.members, centres, strict=True):
        backbone, number = trial.split("/")
        items.append(Line(((middle, 38), (centre, 62)), "axis"))
        items.append(Line(((centre, 122), (middle, 146)), "axis"))
        items.append(Box(centre - room / 2, 62, room, 60, "raised"))
        items.append(Marker(centre - room / 2 + 12, 79, colour(backbone), "square", 4))
        items.append(Words(centre - room / 2 + 22, 83, backbone, "ink", bold=True))
        items.append(Words(centre - room / 2 + 12, 101, number, "muted", SMALL))
        items.append(Words(centre - room / 2 + 12, 115, "probabilities", "muted", SMALL))
    items.extend(_centred("mean of the two, class by class", middle, 146, 220, "cached"))
    items.append(Line(((middle, 176), (middle, 196)), "axis"))
    items.extend(_centred("the most probable class", middle, 196, 220, "raised"))
    members = " and ".join(ensemble.members)
    return Picture(
        name="ensemble-diagram",
        title="The ensemble",
        told=f"A photo goes through {members}; their probabilities are averaged, and the most "
        f"probable class is the answer: {percent(ensemble.test_accuracy)} % right on test.",
        width=WIDTH,
        height=238,
        items=tuple(items),
    )


def _blocks(config: Mapping[str, Any], anatomy: Anatomy, classes: int) -> Iterator[tuple[str, str]]:
    """Words and part of every block, from the photo on."""
    entry = backbone_named(config["backbone"])
    size = config["image_size"]
    yield f"photo {size} x {size}, {SCALINGS[config['scaling']]}", "raised"
    fixed = "frozen" if anatomy.recomputed or FROM_PHOTOS in anatomy.stored else "cached"
    starts = [point for point in reversed(entry.points) if point != HEAD]
    yield f"up to {starts[0]}", fixed
    part = fixed
    for at, start in enumerate(starts):
        part = "trained" if start == config["unfreeze"] else part
        following = starts[at + 1] if at + 1 < len(starts) else "the end"
        yield f"{start} to {following}", part
    for layer in head_layers(entry.name):
        yield layer, "head"
    yield f"Dense {classes}, softmax", "head"


def _block(words: str, part: str, y: float) -> Iterator[Item]:
    room = WIDTH - 2 * _EDGE
    if y > _ROW:
        yield Line(((WIDTH / 2, y - _GAP), (WIDTH / 2, y)), "axis")
    yield Box(_EDGE, y, room, _ROW, part, told=_PARTS.get(part, ""))
    yield Words(_EDGE + 12, y + 19, fitted(words, room - 24), "ink")


def _centred(text: str, middle: float, y: float, room: float, fill: str) -> Iterator[Item]:
    yield Box(middle - room / 2, y, room, 30, fill)
    yield Words(middle, y + 19, text, "ink", anchor="middle")
