"""The paper's Table 1: size, parameters, depth and speed, measured next to published."""

from __future__ import annotations

from results.ledger.runs import MeasuredCharacteristics
from results.report.drawing import NOTHING, whole
from results.report.html_parts import Cell, Section, dotted, joined, number, say, table, text, words
from results.scores.types import Summary
from search_spaces import paper

Row = tuple[Cell, ...]


def sizes(summary: Summary) -> Section:
    """What each backbone is, before anything is trained."""
    measured = {one.backbone: one for one in summary.characteristics}
    rows: list[Row] = []
    kinds: list[str] = []
    for backbone in summary.backbones:
        rows.append(_published(backbone.name))
        kinds.append("faint")
        if (found := measured.get(backbone.name)) is not None:
            rows += [_with_top(found), _without_top(found)]
            kinds += ["", ""]
    heads = ("backbone", "what", "size MB", "parameters", "depth", "ms per step")
    drawn = table(summary, "Table 1: characteristics", heads, rows, kinds=kinds)
    return Section("sizes", "Sizes", "Size and speed", joined([say(_lead(summary)), drawn]))


def _lead(summary: Summary) -> str:
    lead = (
        "Published are Keras' figures for the models with their ImageNet top of 1,000 classes; the "
        "published time is that of a GPU. Depth is counted as layers that have weights. Size, "
        "parameters and depth with the top are counted at the published input size."
    )
    if not summary.characteristics:
        return f"{lead} Nothing was measured in this run."
    first = summary.characteristics[0]
    return (
        f"{lead} Timed here on {first.device}, {first.batch} photos of {first.image_size} "
        "pixels per step, inference mode: so compare the backbones with each other, not the times "
        "with the published ones. The top is timed and then left off, as in every trial."
    )


def _published(backbone: str) -> Row:
    one = paper.TABLE_1[backbone]
    return (
        words(dotted(backbone, backbone)),
        words(text("published, with the top")),
        number(str(one.megabytes), one.megabytes),
        number(f"{one.parameters_millions} M", one.parameters_millions * 1e6),
        number(str(one.depth), one.depth),
        number(f"{one.gpu_milliseconds_per_step:.1f}", one.gpu_milliseconds_per_step),
    )


def _with_top(one: MeasuredCharacteristics) -> Row:
    return _measured(
        one.backbone,
        "measured, with the top",
        one.megabytes,
        one.parameters,
        one.depth,
        one.milliseconds_per_step,
    )


def _without_top(one: MeasuredCharacteristics) -> Row:
    return _measured(
        one.backbone,
        "measured, without it",
        one.megabytes_without_top,
        one.parameters_without_top,
        one.depth_without_top,
        one.milliseconds_per_step_without_top,
    )


def _measured(
    backbone: str, what: str, megabytes: float, parameters: int, depth: int, milliseconds: float
) -> Row:
    return (
        words(dotted(backbone, backbone)),
        words(text(what)),
        number(f"{megabytes:.1f}", megabytes),
        number(whole(parameters), parameters),
        number(str(depth), depth),
        number(f"{milliseconds:.1f}" if milliseconds else NOTHING, milliseconds),
    )
