"""The page's beginning: what kind of run, what came out, who leads, and the paper's verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from results.figures import gallery as plots
from results.figures.gallery import Gallery, spoken
from results.report.drawing import NOTHING, between, duration, percent
from results.report.html_parts import (
    Cell,
    Html,
    Section,
    dotted,
    figures,
    joined,
    number,
    paragraph,
    say,
    several,
    share,
    span,
    table,
    text,
    verdict_mark,
    words,
)
from results.report.tables_methods import configuration
from results.scores.method_types import EnsembleSummary, Method, Scores
from results.scores.types import Summary
from search_spaces import paper

Row = tuple[Cell, ...]


def banner(summary: Summary) -> Html:
    """What a reader must know first; empty for a complete run on real photos."""
    lines = []
    if summary.demonstration:
        lines.append(
            f"<b>DEMONSTRATION.</b> This run used {text(summary.data.name)} with "
            f"{text(summary.weights)} weights to show that the machinery works. Its numbers say "
            "nothing about the paper, and nothing about how well these networks can do."
        )
    if not summary.complete:
        counts = summary.trials
        done = counts.completed + counts.failed + counts.stopped_early
        lines.append(
            f"<b>PARTIAL.</b> {done} of {counts.planned} planned trials are finished. Whatever is "
            "called best here is the best so far; resume the run to finish it."
        )
    told = joined(paragraph(Html(line)) for line in lines)
    return Html(f'<div class="banner" role="note">{told}</div>' if told else "")


def headline(summary: Summary) -> Section:
    """The result in a sentence, and its figures as cards."""
    winner = _winner(summary)
    if winner is None or winner.scores is None:
        told = say("No trial has scores yet, so there is no result to tell.", "lead")
    else:
        told = _sentence(summary, winner, winner.scores)
    return Section("result", "Result", "What came out", joined([told, _cards(summary, winner)]))


def leaderboard(summary: Summary) -> Section:
    """Every method that the text speaks about, the best by validation first."""
    rows: list[tuple[float, Row]] = []
    if (both := summary.ensemble) is not None:
        rows.append((both.validation_accuracy, _ensemble_row(both)))
    for backbone in summary.backbones:
        best = backbone.best.trial if backbone.best else ""
        for one in spoken(backbone):
            role = "documented baseline" if one is backbone.baseline else "best of the search"
            if one is backbone.baseline and one.trial == best:
                role = "documented baseline, and the best"
            place = -1.0 if one.validation_accuracy is None else one.validation_accuracy
            rows.append((place, _method_row(backbone.name, role, one)))
    rows.sort(key=lambda row: -row[0])
    lead = say(
        "Validation chooses, test only reports: the order is that of validation accuracy, and the "
        "test photos were looked at once, at the end. Press a heading to sort."
    )
    heads = ("method", "role", "configuration", "validation %", "test %", "95 % interval", "epoch")
    board = table(
        summary,
        "Methods, the best by validation first",
        (*heads, "seconds"),
        [row for _, row in rows],
    )
    return Section("leaderboard", "Leaderboard", "Leaderboard", joined([lead, board]))


def verdicts(summary: Summary, gallery: Gallery) -> Section:
    """Table 13: published and measured side by side, and what follows."""
    rows = [
        _verdict_row(dotted(one.name, one.name), one.baseline, one.baseline.status)
        for one in summary.backbones
    ]
    if summary.ensemble is not None:
        rows.append(_verdict_row(text("ensemble"), summary.ensemble, ""))
    heads = ("method", "published %", "measured %", "right", "95 % interval", "verdict", "why")
    lead = say(
        "The documented baselines as trained here, next to the paper's Tables 11 and 13. A verdict "
        "of above or below speaks of the measured value. The interval is Wilson's: on so many test "
        "photos, the true accuracy plausibly lies within it."
    )
    told = table(summary, "Table 13: test accuracy, published and measured", heads, rows)
    missing = [] if summary.ensemble else [say("No ensemble: it takes two backbones with scores.")]
    body = joined([lead, told, *missing, figures(gallery[plots.INTERVALS])])
    return Section("verdicts", "Verdicts", "Against the paper", body)


def _winner(summary: Summary) -> Method | None:
    """The best single trial: the ensemble's first member, or the only one with scores."""
    methods = [one.best for one in summary.backbones if one.best is not None]
    if summary.ensemble is not None:
        return next(one for one in methods if one.trial == summary.ensemble.members[0])
    return methods[0] if methods else None


def _sentence(summary: Summary, winner: Method, scores: Scores) -> Html:
    both = summary.ensemble
    single = (
        f"<b>{text(winner.trial)}</b>, the best single network by validation, names the right "
        f"class for {scores.correct} of {scores.photos} test photos: "
        f"<b>{percent(winner.test_accuracy, digits=1)} %</b>, {_plausibly(scores)}."
    )
    if both is None:
        return paragraph(Html(single), "lead")
    told = (
        f"Averaging the answers of <b>{text(' and '.join(both.members))}</b> names the right class "
        f"for {both.scores.correct} of {both.scores.photos} test photos that neither was trained "
        f"or chosen on: <b>{percent(both.test_accuracy, digits=1)} %</b>, "
        f"{_plausibly(both.scores)}. "
    )
    return paragraph(Html(told + single), "lead")


def _plausibly(scores: Scores) -> str:
    low, high = (percent(end, digits=1) for end in (scores.interval.low, scores.interval.high))
    return f"and with so many photos the true value plausibly lies between {low} and {high} %"


def _cards(summary: Summary, winner: Method | None) -> Html:
    counts, trials = summary.data.counts, summary.trials
    cards: list[tuple[str, Html]] = []
    if (both := summary.ensemble) is not None:
        told = f"ensemble on test, {between(both.scores.interval)} at 95 %"
        cards.append((f"{percent(both.test_accuracy)} %", text(told)))
    if winner is not None and winner.scores is not None:
        told = f"{winner.trial} on test, {between(winner.scores.interval)} at 95 %"
        cards.append((f"{percent(winner.test_accuracy)} %", text(told)))
    done = f"{trials.completed} completed, {trials.stopped_early} stopped early, "
    cards.append((several(trials.planned, "trial"), text(f"{done}{trials.failed} failed")))
    found = len(summary.data.classes)
    classes = f"{found} classes" if found != 1 else "1 class"
    photos = f"train {counts.train}, validation {counts.validation}, test {counts.test}"
    cards.append((classes, text(photos)))
    drawn = "".join(
        f'<div class="card"><b>{text(big)}</b><span>{small}</span></div>' for big, small in cards
    )
    return Html(f'<div class="cards">{drawn}</div>')


def _ensemble_row(both: EnsembleSummary) -> Row:
    return (
        words(text("ensemble")),
        words(text("best two by validation, averaged")),
        words(text(" + ".join(both.members))),
        share(both.validation_accuracy),
        share(both.test_accuracy),
        span(both.scores.interval),
        number(NOTHING),
        number(NOTHING),
    )


def _method_row(backbone: str, role: str, one: Method) -> Row:
    told = configuration(one.config) if one.scores else one.error or one.status
    spent = one.cost.seconds_total
    return (
        words(dotted(backbone, one.trial)),
        words(text(role)),
        words(text(told)),
        share(one.validation_accuracy),
        share(one.test_accuracy),
        span(one.scores.interval if one.scores else None),
        number(NOTHING if one.best_epoch is None else str(one.best_epoch), one.best_epoch),
        number(duration(spent) if spent else NOTHING, spent),
    )


def _verdict_row(label: Html, one: Method | EnsembleSummary, status: str) -> Row:
    scores, verdict = one.scores, one.verdict
    return (
        words(label),
        share(one.published_test_accuracy, 3),
        share(one.test_accuracy, 3),
        number(f"{scores.correct} of {scores.photos}" if scores else NOTHING),
        span(scores.interval if scores else None),
        Cell(verdict_mark(verdict.outcome if verdict else status)),
        words(text(verdict.reason if verdict else "not measured in this run")),
    )


def published_reports(backbone: str) -> Iterator[Row]:
    """The paper's own classification report, by class number."""
    published = paper.PUBLISHED[backbone]
    for label, row in enumerate(published.classes):
        yield (
            words(text(f"published, class {label}")),
            number(f"{row.precision:.2f}", row.precision),
            number(f"{row.recall:.2f}", row.recall),
            number(f"{row.f1:.2f}", row.f1),
            number(str(row.support), row.support),
        )
