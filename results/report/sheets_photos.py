"""Tables about photos: how many there are, which were not used, and which the models doubt."""

from __future__ import annotations

from results.report.kinds import COUNT, NAME, PERCENT, Place
from results.report.sheets import Column, Sheet, lay_out
from results.scores.types import Summary

MISTAKES = (
    Column("file", "file", NAME),
    Column("photo"),
    Column("true", "true class", NAME),
    Column("predicted", "predicted", NAME),
    Column("probability", "%", PERCENT),
)
LABEL_ERRORS = (
    Column("file", "file", NAME),
    Column("photo"),
    Column("split"),
    Column("label", "label", NAME),
    Column("suggested", "suggested", NAME),
    Column("probability", "%", PERCENT),
    Column("trials"),
    Column("backbones", "backbones", COUNT, lambda row: len(row.trials), where=Place.SHOWN),
)


def mistakes(summary: Summary) -> Sheet:
    """The surest mistakes on test, of the ensemble or of the best trial."""
    of = summary.mistakes
    columns = (Column("method", value=lambda _: of.method), *MISTAKES)
    title = f"Worst mistakes of {of.method}: {of.wrong} test photos wrong"
    return lay_out(summary, "mistakes", title, columns, of.worst)


def label_errors(summary: Summary) -> Sheet:
    """Labels that are likely wrong."""
    return lay_out(
        summary,
        "label_errors",
        "Likely label errors",
        LABEL_ERRORS,
        summary.mistakes.suspects,
        note="Photos outside the training split whose label the best trials of several backbones "
        "contradict with high confidence.",
    )


def photos(summary: Summary) -> Sheet:
    """Photos per class and split."""
    columns = (
        Column("class", "class", NAME, lambda line: line[0]),
        Column("train", "train", COUNT, lambda line: line[1].train),
        Column("validation", "validation", COUNT, lambda line: line[1].validation),
        Column("test", "test", COUNT, lambda line: line[1].test),
    )
    lines = zip(summary.data.classes, summary.data.per_class, strict=True)
    return lay_out(summary, "photos", "Photos", columns, lines)


def rejected(summary: Summary) -> Sheet:
    """The first files that could not be used."""
    columns = (Column("file", "file", NAME), Column("why", "why"))
    return lay_out(summary, "rejected", "Files not used", columns, summary.data.examples_rejected)
