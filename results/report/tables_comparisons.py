"""Terminal tables that hold methods against each other."""

from __future__ import annotations

from collections import Counter

from rich.table import Table

from results.report import drawing
from results.report.drawing import between, p_value, percent, plain
from results.scores.method_types import EnsembleRow, Redrawn
from results.scores.metrics import Outcome
from results.scores.types import Summary
from search_spaces import paper

MEMBERS = 6
"""Members of an ensemble that are named in the terminal."""


def ensembles_table(summary: Summary) -> Table:
    """The ensembles by every rule, below the members of the best two."""
    table = drawing.new_table(
        summary,
        "Ensembles, averaged from stored probabilities, next to their members",
        caption="All but the marked row were chosen by validation. "
        "A test score that also chose (!) is biased upwards.",
    )
    drawing.columns(table, words=("rule", "members"))
    drawing.columns(table, words=(), numbers=("val %", "test %", "95 %"))
    for row in summary.rows:
        if summary.ensemble is not None and row.trial in summary.ensemble.members:
            scores = _scores_of(summary, row.trial)
            table.add_row(
                "single",
                plain(row.trial),
                percent(row.validation_accuracy),
                percent(row.test_accuracy),
                scores,
                style="dim",
            )
    for one in summary.ensembles:
        table.add_row(
            ("! " if one.uses_test else "") + one.rule,
            plain(_members(one)),
            percent(one.validation_accuracy),
            percent(one.test_accuracy),
            between(one.interval),
        )
    return table


def redrawn_table(summary: Summary) -> Table:
    """The paper's mistake shown: the ensemble on a re-drawn split, next to the honest score."""
    table = drawing.new_table(
        summary,
        "The paper's test of its ensemble, repeated",
        caption="Re-drawn: a fresh fifth of all photos, as in the paper. Training photos are "
        "scored as training saw them, with Dropout active. The re-drawn score against the "
        f"published one: {_redrawn_verdict(summary)}.",
    )
    drawing.columns(table, words=("scored on",))
    drawing.columns(table, words=(), numbers=("of", "trained on", "chosen on", "%", "95 %"))
    if (both := summary.ensemble) is None:
        return table
    honest, again = both.scores, both.redrawn
    table.add_row(
        "the test photos, never seen",
        f"{honest.correct}/{honest.photos}",
        "0",
        "0",
        percent(both.test_accuracy),
        between(honest.interval),
    )
    table.add_row(f"a re-drawn fifth ({_per_class(again)})", *_redrawn_cells(again))
    published = paper.PUBLISHED[paper.ENSEMBLE]
    supports = " + ".join(str(row.support) for row in published.classes)
    table.add_row(
        f"published, re-drawn ({supports})",
        f"{published.correct}/{paper.TEST_PHOTOS}",
        "most",
        drawing.NOTHING,
        percent(both.published_test_accuracy),
        drawing.NOTHING,
        style="dim",
    )
    return table


def scaling_table(summary: Summary) -> Table:
    """X/255 for every backbone, as in the paper, next to what each was trained with."""
    table = drawing.new_table(
        summary,
        "Input scale: X/255 next to the backbone's own",
        caption="Observational rows differ in more than the scale, so the scale need not be the "
        "cause. p: McNemar's exact test, on test.",
    )
    drawing.columns(
        table,
        words=("backbone: unit, native",),
        numbers=("unit val %", "test %", "native val %", "test %", "p"),
    )
    for row in summary.scaling:
        names = ", ".join(trial.split("/")[1] for trial in (row.unit_trial, row.native_trial))
        differs = ", ".join(name.replace("_", " ") for name in row.also_differs)
        table.add_row(
            drawing.two_lines(
                f"{row.backbone}: {names}",
                f"observational: {differs}" if row.observational else "only the scale differs",
            ),
            percent(row.unit_validation_accuracy),
            percent(row.unit_test_accuracy),
            percent(row.native_validation_accuracy),
            percent(row.native_test_accuracy),
            p_value(row.pair.test.p),
        )
    return table


def pairs_table(summary: Summary) -> Table:
    """McNemar's exact test for every pair that the text compares."""
    table = drawing.new_table(
        summary,
        "Paired tests on the same test photos (McNemar, exact)",
        caption="Counts: photos that only this one has right. p-values are not corrected for "
        "the number of tests.",
    )
    drawing.columns(table, words=("for", "first against second"))
    drawing.columns(table, words=(), numbers=("only first", "only second", "p"))
    for pair in summary.pairs:
        table.add_row(
            pair.why,
            plain(f"{pair.first} against {pair.second}"),
            str(pair.test.first_only),
            str(pair.test.second_only),
            p_value(pair.test.p),
        )
    return table


def _scores_of(summary: Summary, trial: str) -> str:
    for backbone in summary.backbones:
        if backbone.best is not None and backbone.best.trial == trial and backbone.best.scores:
            return between(backbone.best.scores.interval)
    return drawing.NOTHING


def _members(row: EnsembleRow) -> str:
    """Members by weight, `3 x` for a repeat; a long list is cut and the rest counted."""
    weights = Counter(row.members).most_common()
    named = [f"{count} x {trial}" if count > 1 else trial for trial, count in weights]
    rest = [f"{len(named) - MEMBERS} more"] if len(named) > MEMBERS else []
    return ", ".join(named[:MEMBERS] + rest)


def _per_class(redrawn: Redrawn) -> str:
    return " + ".join(str(count) for count in redrawn.per_class)


def _redrawn_verdict(summary: Summary) -> str:
    if summary.ensemble is None:
        return drawing.NOTHING
    verdict = summary.ensemble.redrawn.verdict
    reason = f" ({verdict.reason})" if verdict.outcome == Outcome.NOT_COMPARABLE else ""
    return verdict.outcome + reason


def _redrawn_cells(redrawn: Redrawn) -> tuple[str, ...]:
    return (
        f"{redrawn.correct}/{redrawn.photos}",
        str(redrawn.seen),
        str(redrawn.chosen_on),
        percent(redrawn.accuracy),
        between(redrawn.interval),
    )
