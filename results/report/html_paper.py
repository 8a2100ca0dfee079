"""What the paper got wrong, shown on the run's own photos."""

from __future__ import annotations

from collections.abc import Sequence

from results.figures import gallery as plots
from results.figures.gallery import Gallery
from results.report.drawing import NOTHING, p_value, percent
from results.report.html_parts import (
    Cell,
    Html,
    Section,
    dotted,
    figures,
    folded,
    heading,
    joined,
    number,
    say,
    several,
    share,
    span,
    table,
    text,
    trial,
    words,
)
from results.scores.method_types import EnsembleSummary, Pair, Redrawn, ScalingRow
from results.scores.types import Summary
from search_spaces import paper


def wrong(summary: Summary, gallery: Gallery) -> Section:
    """The input scale, the re-drawn split, and differences of a few photos."""
    body = joined(
        [
            heading(text("One input scale for six backbones"), "scale"),
            _scale(summary, gallery),
            heading(text("An ensemble tested on its members' training photos"), "redrawn"),
            _redrawn(summary),
            heading(text("Differences of a few photos"), "pairs"),
            _pairs(summary),
        ]
    )
    return Section("paper", "The paper", "What the paper got wrong", body)


def _scale(summary: Summary, gallery: Gallery) -> Html:
    lead = say(
        "The paper fed every backbone pixels divided by 255. Each was trained on another scale: "
        "EfficientNetB0 on 0 to 255, ResNet50 and VGG16 on blue-green-red less the ImageNet mean, "
        "the Inceptions and Xception on -1 to 1. Two of the paper's backbones failed, and this is "
        "the likelier reason than that their features do not fit."
    )
    if not summary.scaling:
        why = "No backbone has trials of both scales in this run, so it cannot be shown here."
        return joined([lead, say(why)])
    heads = ("backbone", "X/255 trial", "validation %", "test %")
    drawn = table(
        summary,
        "Input scale: X/255 next to the backbone's own",
        (*heads, "own-scale trial", "validation %", "test %", "p", "compared"),
        [_scale_row(row) for row in summary.scaling],
    )
    note = say(
        "Controlled: only the scale differs. Observational: the best trial under each scale, which "
        "differ in more, so the scale need not be the cause. p: McNemar's exact test, on test.",
        "quiet",
    )
    return joined([lead, figures(gallery[plots.SCALING]), drawn, note])


def _scale_row(row: ScalingRow) -> tuple[Cell, ...]:
    differs = ", ".join(one.replace("_", " ") for one in row.also_differs)
    return (
        words(dotted(row.backbone, row.backbone)),
        Cell(text(row.unit_trial.split("/")[1])),
        share(row.unit_validation_accuracy),
        share(row.unit_test_accuracy),
        Cell(text(row.native_trial.split("/")[1])),
        share(row.native_validation_accuracy),
        share(row.native_test_accuracy),
        number(p_value(row.pair.test.p), row.pair.test.p),
        words(text(f"observational; differs also in {differs}" if differs else "controlled")),
    )


def _redrawn(summary: Summary) -> Html:
    lead = say(
        "The paper scored its ensemble on a freshly drawn fifth of all photos (412 and 388 per "
        "class, where the other methods had 395 and 405). Most of those photos its members had "
        "been trained on. The same mistake repeated here, next to the honest score:"
    )
    if (both := summary.ensemble) is None:
        return joined([lead, say("There is no ensemble in this run, so it cannot be repeated.")])
    heads = ("scored on", "right", "accuracy %", "95 % interval", "trained on", "chosen on")
    rows = [_honest(both), _again(both.redrawn), _published(both)]
    drawn = table(summary, "The paper's test of its ensemble, repeated", heads, rows)
    verdict = both.redrawn.verdict
    note = say(
        "Training photos are scored as training saw them, before each step's update and with "
        "Dropout active, so the gap is rather understated. The re-drawn score against the "
        f"published one: {verdict.outcome} ({verdict.reason}).",
        "quiet",
    )
    return joined([lead, drawn, note])


def _honest(both: EnsembleSummary) -> tuple[Cell, ...]:
    return (
        words(text("the test photos, never seen")),
        number(f"{both.scores.correct} of {both.scores.photos}", both.scores.correct),
        share(both.test_accuracy),
        span(both.scores.interval),
        number("0", 0),
        number("0", 0),
    )


def _again(redrawn: Redrawn) -> tuple[Cell, ...]:
    per_class = " + ".join(str(count) for count in redrawn.per_class)
    return (
        words(text(f"a re-drawn fifth ({per_class})")),
        number(f"{redrawn.correct} of {redrawn.photos}", redrawn.correct),
        share(redrawn.accuracy),
        span(redrawn.interval),
        number(str(redrawn.seen), redrawn.seen),
        number(str(redrawn.chosen_on), redrawn.chosen_on),
    )


def _published(both: EnsembleSummary) -> tuple[Cell, ...]:
    published = paper.PUBLISHED[paper.ENSEMBLE]
    supports = " + ".join(str(row.support) for row in published.classes)
    return (
        words(text(f"published, re-drawn ({supports})")),
        number(f"{published.correct} of {paper.TEST_PHOTOS}", published.correct),
        share(both.published_test_accuracy),
        number(NOTHING),
        number("most"),
        number(NOTHING),
    )


def _pairs(summary: Summary) -> Html:
    first, second = (paper.PUBLISHED[one] for one in paper.ENSEMBLE_MEMBERS)
    lead = say(
        f"On 800 photos the paper's {percent(first.test_accuracy, digits=1)} and "
        f"{percent(second.test_accuracy, digits=1)} % differ by four photos. McNemar's exact test "
        "asks whether two methods err equally often on the same photos: a small p speaks against "
        "it. The values are not corrected for the number of tests."
    )
    if not summary.pairs:
        return joined([lead, say("There are no two methods with scores to compare in this run.")])
    first_seen = [pair for pair in summary.pairs if pair.why in ("gain", "ensemble")]
    parts = [lead]
    if first_seen:
        parts.append(_tests(summary, "What the search and the ensemble gained", first_seen))
    title = several(len(summary.pairs), "paired test")
    return joined([*parts, folded(title, _tests(summary, title, summary.pairs))])


def _tests(summary: Summary, title: str, pairs: Sequence[Pair]) -> Html:
    rows = [
        (
            Cell(text(pair.why)),
            words(trial(pair.first)),
            words(trial(pair.second)),
            number(str(pair.test.first_only), pair.test.first_only),
            number(str(pair.test.second_only), pair.test.second_only),
            number(p_value(pair.test.p), pair.test.p),
        )
        for pair in pairs
    ]
    heads = ("for", "first", "second", "only first right", "only second right", "p")
    return table(summary, title, heads, rows)
