"""The page's end: what it cost, the photos, the software and hardware, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from results.figures.matrices import NAMED
from results.report.drawing import duration, size, told_of_saving, whole
from results.report.html_parts import (
    Cell,
    Html,
    Section,
    dotted,
    folded,
    heading,
    joined,
    name,
    number,
    say,
    table,
    text,
    words,
)
from results.scores.cost_types import CostRow
from results.scores.types import Summary


def cost(summary: Summary) -> Section:
    """Seconds and photos, and what reusing features saved."""
    seconds, photos, total = summary.seconds, summary.photos, summary.costs.total
    rows = [
        (words(text(what)), number(shown, value))
        for what, shown, value in (
            ("preparing photos", duration(seconds.prepare), seconds.prepare),
            ("frozen features", duration(seconds.features), seconds.features),
            ("waiting for another's", duration(seconds.waiting), seconds.waiting),
            ("training", duration(seconds.training), seconds.training),
            ("everything else in trials", duration(seconds.other), seconds.other),
            (
                "of all, tracing and compiling",
                duration(total.seconds_tracing),
                total.seconds_tracing,
            ),
            (
                "seconds saved by reuse, estimated",
                duration(total.seconds_saved),
                total.seconds_saved,
            ),
            ("photos through frozen layers, to be stored", whole(photos.prefix), photos.prefix),
            ("photos in training steps", whole(photos.trained), photos.trained),
            ("photos a plain script pushes", whole(photos.plain), photos.plain),
            ("photos saved by reuse", whole(photos.saved), photos.saved),
            ("features stored", size(photos.bytes_stored), photos.bytes_stored),
        )
    ]
    lead = say(
        "Frozen layers give the same output for the same photo in every epoch of every trial, so "
        "it is computed once and stored. Seconds are summed over trials; trials that ran side by "
        "side took less by the clock."
    )
    drawn = table(summary, "Cost", ("what", "how much"), rows)
    told = say(told_of_saving(summary), "quiet")
    return Section("cost", "Cost", "What it cost", joined([lead, drawn, _ledger(summary), told]))


def _ledger(summary: Summary) -> Html:
    """The costs of each backbone, and of all together."""
    costs = summary.costs
    heads = (
        *("backbone", "trials", "photos frozen", "photos trained", "stored"),
        *("frozen passes", "waiting", "training", "tracing", "all seconds", "saved"),
    )
    rows = [_ledger_row(words(dotted(one.backbone, one.backbone)), one) for one in costs.backbones]
    rows.append(_ledger_row(words(text("all")), costs.total))
    kinds = [*[""] * len(costs.backbones), "strong"]
    return table(summary, "Cost per backbone", heads, rows, kinds=kinds)


def _ledger_row(first: Cell, one: CostRow) -> tuple[Cell, ...]:
    seconds = (
        *(one.seconds_features, one.seconds_waiting, one.seconds_training),
        *(one.seconds_tracing, one.seconds_total, one.seconds_saved),
    )
    return (
        first,
        *(number(whole(n), n) for n in (one.trials, one.photos_prefix, one.photos_trained)),
        number(size(one.bytes_stored), one.bytes_stored),
        *(number(duration(value), value) for value in seconds),
    )


def photos(summary: Summary) -> Section:
    """Classes, counts, and what was left out."""
    data = summary.data
    rows = [
        (
            words(name(label)),
            number(whole(one.train), one.train),
            number(whole(one.validation), one.validation),
            number(whole(one.test), one.test),
        )
        for label, one in zip(data.classes, data.per_class, strict=True)
    ]
    counts = data.counts
    lead = say(
        f"{data.name}: {len(data.classes)} classes at {data.image_size} x {data.image_size} "
        f"pixels; {whole(counts.train)} photos to train, {whole(counts.validation)} to choose, "
        f"{whole(counts.test)} to report. {whole(data.duplicates)} photos occur more than once "
        f"(copies stay in one split), {whole(data.conflicts)} groups of copies have more than one "
        f"label, {whole(data.rejected)} files could not be used, {whole(data.ignored)} files are "
        "no photos by their name."
    )
    per_class = table(summary, "Photos", ("class", "train", "validation", "test"), rows)
    if len(rows) > NAMED:
        per_class = folded(f"Photos of {len(rows)} classes", per_class)
    parts = [lead, per_class]
    if data.examples_rejected:
        bad = [(words(name(one.file)), words(text(one.why))) for one in data.examples_rejected]
        parts.append(
            folded("Files not used", table(summary, "Files not used", ("file", "why"), bad))
        )
    if data.examples_conflicts:
        told = joined(Html(f"<li>{name(one)}</li>") for one in data.examples_conflicts)
        parts.append(folded("Copies under more than one label", Html(f"<ul>{told}</ul>")))
    digest = f"Source: {data.source}. SHA-256 of the photos: {data.digest}."
    return Section("photos", "Photos", "The photos", joined([*parts, say(digest, "quiet")]))


def reproduce(summary: Summary) -> Section:
    """The command, the settings, the versions and the machine."""
    command = shlex.join(_from_python(summary.command))
    seed = f"Seed {summary.seed}, started {summary.created}."
    weights = f"Weights: {summary.weights}."
    settings = [(words(text(key)), words(text(value))) for key, value in summary.settings.items()]
    digests = list(summary.weights_sha256.items())
    parts = [
        say("The same command with the same photos and weights trains the same trials."),
        Html(f"<pre><code>{text_block(command)}</code></pre>"),
        say(f"{seed} {weights}", "quiet"),
        heading(text("Software and hardware"), "versions"),
        _facts(summary, "Versions", list(summary.versions.items())),
        _facts(summary, "Hardware", list(summary.hardware.items())),
        folded("Settings", table(summary, "Settings", ("setting", "value"), settings)),
    ]
    if digests:
        parts.append(folded("Weights' SHA-256", _facts(summary, "Weights", digests)))
    return Section("reproduce", "Reproduce", "How to repeat it", joined(parts))


def text_block(words_of_a_command: str) -> Html:
    """A command as typed, whole: it must be fit to be copied."""
    from html import escape

    clean = "".join(one if one.isprintable() else "�" for one in words_of_a_command)
    return Html(escape(clean))


def _from_python(command: tuple[str, ...]) -> list[str]:
    """The ledger keeps the arguments; a name of the script in front is not repeated."""
    given = list(command)
    if given and given[0].endswith(".py"):
        given = given[1:]
    return ["python", "run_sweep.py", *given]


def _facts(summary: Summary, title: str, facts: Sequence[tuple[str, object]]) -> Html:
    if not facts:
        return say(f"{title}: not recorded.")
    rows = [
        (words(text(str(key).replace("_", " "))), words(text(_value(value))))
        for key, value in facts
    ]
    return table(summary, title, ("what", "value"), rows)


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value) or "none"
    return str(value)
