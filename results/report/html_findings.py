"""What mattered in the search, and where the winner fails."""

from __future__ import annotations

from collections.abc import Sequence

from results.figures import gallery as plots
from results.figures.findings import numbered_points
from results.figures.gallery import Gallery
from results.report.drawing import duration, percent
from results.report.html_parts import (
    Cell,
    Html,
    Section,
    Thumbnails,
    dotted,
    figures,
    folded,
    heading,
    joined,
    name,
    number,
    say,
    several,
    share,
    table,
    text,
    thumbnail,
    words,
)
from results.scores.comparisons import ENSEMBLE
from results.scores.mistakes import FEWEST_WITNESSES
from results.scores.types import Mistake, Summary, Suspect, TrialRow


def mattered(summary: Summary, gallery: Gallery) -> Section:
    """Importances, scatters, every trial, and what failed."""
    shares = figures(gallery[plots.IMPORTANCES])
    parts = [heading(text("Share of each searched dimension"), "importances")]
    if shares:
        parts.append(say("How much of the variation in validation accuracy each explains."))
        parts.append(shares)
    else:
        parts.append(say("Not computed: it takes a search with several trials per backbone."))
    parts.append(heading(text("Every trial"), "trials"))
    scatters = figures((*gallery[plots.SCATTERS], *gallery[plots.UNFREEZING]))
    parts.append(scatters or say("Fewer than two trials have scores: nothing to plot."))
    if gallery[plots.UNFREEZING]:
        parts.append(_points(summary))
    if summary.rows:
        heads = ("trial", "status", "optimizer", "rate", "unfreeze", "scale", "validation %")
        rows = [_trial(row) for row in summary.rows]
        all_of = table(summary, "All trials", (*heads, "test %", "epochs", "seconds"), rows)
        parts.append(folded(several(len(rows), "finished trial"), all_of))
    parts.append(_failed(summary))
    return Section("mattered", "What mattered", "What mattered", joined(parts))


def fails(summary: Summary, thumbnails: Thumbnails) -> Section:
    """The surest mistakes, and labels that may be wrong."""
    mistakes = summary.mistakes
    if not mistakes.method:
        why = "No trial has scores yet, so there are no mistakes to look at."
        return Section("mistakes", "Mistakes", "Where it fails", say(why))
    spoken = "The ensemble" if mistakes.method == ENSEMBLE else mistakes.method
    parts = [
        say(
            f"{spoken} has {mistakes.wrong} of {summary.data.counts.test} test photos "
            "wrong. The surest mistakes come first."
            + ("" if thumbnails else " Their pixels were not kept in this run; the names tell.")
        ),
        _photos(mistakes.worst, thumbnails),
        heading(text("Labels that may be wrong"), "labels"),
    ]
    if mistakes.suspects:
        parts.append(
            say(
                "Photos, not trained on, whose label the best trials of several backbones "
                "contradict surely. Look at them before blaming the networks."
            )
        )
        parts.append(_suspects(mistakes.suspects, thumbnails))
    elif len(mistakes.winners) < FEWEST_WITNESSES:
        parts.append(say("It takes the best trials of two backbones to doubt a label."))
    else:
        parts.append(say("No label is contradicted by two backbones at once."))
    for trial, worst in mistakes.winners.items():
        if trial != mistakes.method and worst:
            parts.append(folded(f"Worst mistakes of {trial}", _photos(worst, thumbnails)))
    return Section("mistakes", "Mistakes", "Where it fails", joined(parts))


def _points(summary: Summary) -> Html:
    """What the numbers below the unfreeze pictures stand for."""
    told = joined(
        Html(f"<li>{dotted(one.name, one.name)}: {text(numbered_points(one.name))}</li>")
        for one in summary.backbones
    )
    return folded("Unfreeze points by number", Html(f"<ul>{told}</ul>"))


def _trial(row: TrialRow) -> tuple[Cell, ...]:
    config = row.config
    return (
        words(dotted(row.backbone, row.trial)),
        Cell(text(row.status.replace("_", " "))),
        Cell(text(config["optimizer"])),
        number(f"{config['learning_rate']:.3g}", config["learning_rate"]),
        words(text(config["unfreeze"])),
        Cell(text(config["scaling"])),
        share(row.validation_accuracy),
        share(row.test_accuracy),
        number(str(row.epochs), row.epochs),
        number(duration(row.cost.seconds_total), row.cost.seconds_total),
    )


def _failed(summary: Summary) -> Html:
    rows = [
        (words(dotted(row.backbone, row.trial)), words(text(row.error)))
        for row in summary.rows
        if row.error
    ]
    if not rows:
        return say("No trial failed.", "quiet")
    return table(summary, "Failed trials", ("trial", "why"), rows)


def _photos(worst: Sequence[Mistake], thumbnails: Thumbnails) -> Html:
    if not worst:
        return say("Every test photo is right.")
    return _list(
        [
            _photo(
                thumbnails,
                one.photo,
                one.file,
                f"{_quoted(one.true)} taken for <b>{_quoted(one.predicted)}</b>, "
                f"{percent(one.probability, digits=1)} % sure",
            )
            for one in worst
        ]
    )


def _suspects(suspects: Sequence[Suspect], thumbnails: Thumbnails) -> Html:
    return _list(
        [
            _photo(
                thumbnails,
                one.photo,
                one.file,
                f"labelled {_quoted(one.label)}, rather <b>{_quoted(one.suggested)}</b>: "
                f"{len(one.trials)} backbones, {percent(one.probability, digits=1)} % sure "
                f"({one.split})",
            )
            for one in suspects
        ]
    )


def _list(items: Sequence[str]) -> Html:
    return Html(f'<ul class="photos">{"".join(items)}</ul>')


def _photo(thumbnails: Thumbnails, photo: int, file: str, told: str) -> str:
    small = thumbnail(thumbnails.get(photo), f"the photo {file}") if thumbnails else ""
    return f'<li>{small}<div class="long">{told}</div><div class="name">{name(file)}</div></li>'


def _quoted(label: str) -> Html:
    return Html(f"&ldquo;{name(label)}&rdquo;")
