"""Tables that hold methods against each other: scales, ensembles, paired tests, two runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from results.report import kinds
from results.report.kinds import COUNT, INTERVAL, LABEL, P_VALUE, PERCENT, RATIO, Label, Place
from results.report.sheets import Column, Row, Sheet, lay_out, marked, rows
from results.scores.method_types import (
    ENSEMBLE,
    Comparison,
    EnsembleRow,
    EnsembleSummary,
    Pair,
    ScalingRow,
)
from results.scores.types import Summary
from search_spaces import paper

ENSEMBLES = (
    Column("rule"),
    Column("uses_test"),
    Column(
        "marked",
        "rule",
        value=lambda row: ("chosen on test: " * row.uses_test) + row.rule,
        where=Place.SHOWN,
    ),
    Column("members", "members", kinds.MEMBERS),
    Column("validation_accuracy", "validation %", PERCENT, short="val %"),
    Column("validation_loss"),
    Column("test_accuracy", "test %", PERCENT),
    Column("test_loss", "test loss", kinds.LOSS, where=Place.PAGE | Place.CSV),
    Column("correct"),
    Column("photos"),
    Column("low", value="interval.low"),
    Column("high", value="interval.high"),
    Column("interval", "95 % interval", INTERVAL, short="95 %", where=Place.SHOWN),
    Column("right", "right", RATIO, lambda row: (row.correct, row.photos), where=Place.PAGE),
)
SCALING = (
    Column("backbone", "backbone", LABEL, lambda row: Label(row.backbone, row.backbone)),
    Column("unit_trial"),
    Column(
        "unit",
        "X/255 trial",
        kinds.WORD,
        lambda row: _number(row.unit_trial),
        short="X/255",
        where=Place.SHOWN,
    ),
    Column("unit_validation_accuracy", "validation %", PERCENT, short="val %"),
    Column("unit_test_accuracy", "test %", PERCENT),
    Column("native_trial"),
    Column(
        "native",
        "own-scale trial",
        kinds.WORD,
        lambda row: _number(row.native_trial),
        short="own",
        where=Place.SHOWN,
    ),
    Column("native_validation_accuracy", "validation %", PERCENT, short="val %"),
    Column("native_test_accuracy", "test %", PERCENT),
    Column("also_differs"),
    Column("p", "p", P_VALUE, "pair.test.p"),
    Column(
        "compared",
        "compared",
        value=lambda row: _compared(row),
        under="backbone",
        where=Place.SHOWN,
    ),
)
PAIRS = (
    Column("why", "for", kinds.WORD),
    Column("first", "first", kinds.TRIAL),
    Column("second", "second", kinds.TRIAL, under="first"),
    Column("first_only", "only first right", COUNT, "test.first_only", short="only first"),
    Column("second_only", "only second right", COUNT, "test.second_only", short="only second"),
    Column("p", "p", P_VALUE, "test.p"),
)
REDRAWN = (
    Column("what", "scored on"),
    Column("right", "right", RATIO),
    Column("accuracy", "accuracy %", PERCENT, short="%"),
    Column("interval", "95 % interval", INTERVAL, short="95 %"),
    Column("seen", "trained on", COUNT),
    Column("chosen_on", "chosen on", COUNT),
)


def scaling(summary: Summary) -> Sheet:
    """X/255 for every backbone, as in the paper, next to the scale that each was trained with."""
    return lay_out(
        summary,
        "scaling",
        "Input scale: X/255 next to the backbone's own",
        SCALING,
        summary.scaling,
        note="Controlled: only the scale differs. Observational: the best trial under each scale, "
        "which differ in more, so the scale need not be the cause. "
        "p: McNemar's exact test, on test.",
    )


def _number(trial: str) -> str:
    return trial.rpartition("/")[2]


def _compared(row: ScalingRow) -> str:
    differs = ", ".join(name.replace("_", " ") for name in row.also_differs)
    return f"observational; differs also in {differs}" if differs else "controlled"


def ensembles(summary: Summary) -> Sheet:
    """The ensembles by every rule, and above them in the terminal the members of the best two."""
    sheet = lay_out(
        summary,
        "ensembles",
        "Ensembles by every rule, averaged from stored probabilities",
        ENSEMBLES,
        summary.ensembles,
        note="All were chosen by validation, except the paper's two, which nothing chose, and the "
        "one marked as chosen on test: its test score is biased upwards.",
    )
    singles = rows(ENSEMBLES, _members(summary), "faint", Place.TERMINAL)
    return replace(sheet, rows=(*singles, *sheet.rows))


def _members(summary: Summary) -> Iterator[EnsembleRow]:
    """The members of the best two, each as an ensemble of itself alone."""
    members = summary.ensemble.members if summary.ensemble else ()
    for backbone in summary.backbones:
        trial = backbone.best
        if trial is None or trial.trial not in members or trial.scores is None:
            continue
        if trial.validation_accuracy is None or trial.test_accuracy is None:
            continue
        yield EnsembleRow(
            rule="single",
            uses_test=False,
            members=(trial.trial,),
            validation_accuracy=trial.validation_accuracy,
            validation_loss=trial.scores.validation_loss,
            test_accuracy=trial.test_accuracy,
            test_loss=trial.scores.test_loss,
            correct=trial.scores.correct,
            photos=trial.scores.photos,
            interval=trial.scores.interval,
        )


def redrawn(summary: Summary, ensemble: EnsembleSummary) -> Sheet:
    """The paper's mistake shown: the ensemble on a re-drawn split, next to the honest score."""
    honest, again = ensemble.scores, ensemble.redrawn
    paper_row = paper.PUBLISHED[paper.ENSEMBLE]
    lines = (
        Row(
            (
                "the test photos, never seen",
                (honest.correct, honest.photos),
                ensemble.test_accuracy,
                honest.interval,
                *(0, 0),
            )
        ),
        Row(
            (
                f"a re-drawn fifth ({_sum(again.per_class)})",
                (again.correct, again.photos),
                again.accuracy,
                again.interval,
                *(again.seen, again.chosen_on),
            )
        ),
        Row(
            (
                f"published, re-drawn ({_sum(row.support for row in paper_row.classes)})",
                (paper_row.correct, paper.TEST_PHOTOS),
                ensemble.published_test_accuracy,
                None,
                *("most", None),
            ),
            "faint",
        ),
    )
    return Sheet(
        "redrawn",
        marked(summary, "The paper's test of its ensemble, repeated"),
        REDRAWN,
        lines,
        "Re-drawn: a fresh fifth of all photos, as in the paper. All are scored alike, by the kept "
        "weights in inference mode. The re-drawn score against the published one: "
        f"{again.verdict.outcome} ({again.verdict.reason}).",
    )


def _sum(counts: Iterable[int]) -> str:
    return " + ".join(map(str, counts))


def pairs(summary: Summary, shown: Sequence[Pair] | None = None, title: str = "") -> Sheet:
    """McNemar's exact test for every pair that the text compares, or for some of them."""
    return lay_out(
        summary,
        "pairs",
        title or "Paired tests on the same test photos (McNemar, exact)",
        PAIRS,
        summary.pairs if shown is None else shown,
        note="Counts: photos that only this one has right. p-values are not corrected for the "
        "number of tests.",
    )


def compared(comparison: Comparison) -> Sheet:
    """Two runs side by side."""
    columns = (
        Column("method", "method", LABEL, lambda row: Label(row.method, _backbone(row.method))),
        Column("first_trials", "trial 1", kinds.MEMBERS, "first.trials", where=Place.PAGE),
        Column("second_trials", "trial 2", kinds.MEMBERS, "second.trials", where=Place.PAGE),
        Column("first_validation", "val % 1", PERCENT, "first.validation_accuracy"),
        Column("second_validation", "val % 2", PERCENT, "second.validation_accuracy"),
        Column("validation_difference", "val 2 less 1", kinds.POINTS, where=Place.PAGE),
        Column("first_test", "test % 1", PERCENT, "first.test_accuracy"),
        Column("second_test", "test % 2", PERCENT, "second.test_accuracy"),
        Column("test_difference", "test 2 less 1", kinds.POINTS, where=Place.PAGE),
        Column("first_only", "only 1 right", COUNT, "test.first_only", where=Place.PAGE),
        Column("second_only", "only 2 right", COUNT, "test.second_only", where=Place.PAGE),
        Column("p", "p", P_VALUE, "test.p"),
        Column(
            "differs",
            "what differs",
            value=lambda row: "; ".join(row.differs) or "the same configuration",
            under="method",
        ),
    )
    note = "p: McNemar's exact test on the same test photos, not corrected for the number of tests."
    if not comparison.same_split:
        note += " The splits differ, so there is no paired test."
    for mark, runs in (
        ("DEMONSTRATION", comparison.demonstration),
        ("PARTIAL", comparison.partial),
    ):
        note += f" {mark}: {', '.join(runs)}." if runs else ""
    return Sheet("compared", _sides(comparison), columns, rows(columns, comparison.rows), note)


def compared_settings(comparison: Comparison) -> Sheet:
    """What two runs were asked for and ran on, where that differs."""
    columns = (Column("name", "setting"), Column("first", "1"), Column("second", "2"))
    title = f"What differs. {_sides(comparison)}"
    return Sheet("compared_settings", title, columns, rows(columns, comparison.settings))


def _backbone(method: str) -> str:
    return "" if method == ENSEMBLE else method.partition(" ")[0]


def _sides(comparison: Comparison) -> str:
    return f"1: {comparison.first}, 2: {comparison.second}"
