"""The page's middle: each backbone, all of them together, and the ensembles."""

from __future__ import annotations

from collections import Counter

from results.figures import gallery as plots
from results.figures.diagrams import SCALINGS, head_layers
from results.figures.gallery import Gallery, spoken
from results.figures.matrices import LARGEST, NAMED
from results.ledger.records import Anatomy
from results.report.drawing import between, duration, p_value, percent, points, whole
from results.report.html_headline import published_reports
from results.report.html_parts import (
    Cell,
    Html,
    Section,
    beside,
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
    span,
    table,
    text,
    trial,
    words,
)
from results.scores.comparisons import ENSEMBLE
from results.scores.method_types import EnsembleRow, Method, Scores
from results.scores.metrics import ClassScores
from results.scores.types import BackboneSummary, Summary
from search_spaces import paper

FOUR = 4
"""Pictures of the baselines together; those of the best trials follow."""


def backbones(summary: Summary, gallery: Gallery) -> Section:
    """Figures 3 to 20, Tables 2 to 10 and the annex, per backbone."""
    parts = [_backbone(summary, gallery, one) for one in summary.backbones]
    body = joined(parts) if parts else say("No backbone was planned.")
    return Section("backbones", "Backbones", "Each backbone", body)


def together(gallery: Gallery) -> Section:
    """Figures 21 to 24."""
    pictures = gallery[plots.TOGETHER]
    drawn = joined([figures(pictures[:FOUR]), figures(pictures[FOUR:])])
    lead = say(
        "All backbones in one picture, each in its own colour throughout this page. Training "
        "figures are running means over an epoch, taken before each step's update."
    )
    body = joined([lead, drawn]) if drawn else say("No epoch was trained yet.")
    return Section("together", "Together", "All backbones together", body)


def ensemble(summary: Summary, gallery: Gallery) -> Section:
    """Figures 25 to 28 and Table 12."""
    both = summary.ensemble
    if both is None:
        why = "There is no ensemble: averaging takes two backbones that have scores."
        return Section(ENSEMBLE, "Ensemble", "The ensemble", say(why))
    lead = say(
        f"The best two backbones by validation, {' and '.join(both.members)}, averaged: each "
        "photo's probabilities are the mean of the two. The curves average the members after "
        "each epoch; the score is that of the members as kept. "
        f"{both.scores.correct} of {both.scores.photos} test photos are right: "
        f"{percent(both.test_accuracy)} % ({between(both.scores.interval)} at 95 %)."
    )
    report = _report(summary, "ensemble", paper.ENSEMBLE, both.scores)
    drawn = gallery[ENSEMBLE]
    curves = figures(plots.of_kind(drawn, "diagram", "accuracy", "loss"))
    body = joined([lead, curves, beside(figures(plots.of_kind(drawn, "confusion")), report)])
    return Section(ENSEMBLE, "Ensemble", "The ensemble", body)


def ensembles(summary: Summary) -> Section:
    """Every rule for an ensemble, from stored probabilities."""
    if not summary.ensembles:
        why = "There is nothing to average yet: it takes two backbones that have scores."
        return Section("ensembles", "Rules", "Ensembles for free", say(why))
    lead = say(
        "Every trial's probabilities are kept, so other ensembles cost nothing. All rules but the "
        "marked one choose by validation. The marked one lets the test photos choose, as the paper "
        "did, and is then judged on the same photos: its score is biased upwards."
    )
    heads = ("rule", "members", "validation %", "test %", "95 % interval", "right", "test loss")
    rows = [_rule(row) for row in summary.ensembles]
    kinds = ["faint" if row.uses_test else "" for row in summary.ensembles]
    drawn = table(summary, "Ensembles by every rule", heads, rows, kinds=kinds)
    return Section("ensembles", "Rules", "Ensembles for free", joined([lead, drawn]))


def _backbone(summary: Summary, gallery: Gallery, one: BackboneSummary) -> Html:
    parts = [heading(dotted(one.name, one.name), one.name), say(_standing(one))]
    *others, shown = spoken(one)
    parts.append(_method(summary, gallery, one.name, shown))
    for other in others:
        title = f"The documented baseline, {other.trial}"
        parts.append(folded(title, _method(summary, gallery, one.name, other)))
    return joined(parts)


def _standing(one: BackboneSummary) -> str:
    best, gain = one.best, one.gain
    if best is None:
        why = f": {one.baseline.error}" if one.baseline.error else ""
        return f"No trial has scores; {one.finished} finished, {one.failed} failed{why}."
    told = f"Best by validation of {several(one.finished, 'finished trial')}: {best.trial}."
    if best.trial == one.baseline.trial:
        return f"{told} The documented baseline was not beaten."
    if gain is None or gain.pair is None:
        return f"{told} The baseline has no scores to compare with."
    return (
        f"{told} Against the documented baseline: {points(gain.validation)} points on validation, "
        f"{points(gain.test)} on test (McNemar's p {p_value(gain.pair.test.p)})."
    )


def _method(summary: Summary, gallery: Gallery, backbone: str, method: Method) -> Html:
    if method.scores is None:
        why = f"{method.trial} is {method.status}. {method.error}"
        return joined([say(why), figures(gallery.get(method.trial, ()))])
    drawn = gallery[method.trial]
    report = _report(summary, method.trial, backbone, method.scores)
    told = joined([report, _setup(summary, method)])
    return joined(
        [
            figures(plots.of_kind(drawn, "accuracy", "loss", "confusion")),
            beside(figures(plots.of_kind(drawn, "architecture")), told),
        ]
    )


def _report(summary: Summary, title: str, published: str, scores: Scores) -> Html:
    """A classification report above the paper's own for the same method."""
    rows = [_figures(name(one.name), one) for one in scores.report.classes]
    averages = (scores.report.macro, scores.report.weighted)
    rows += [_figures(text(f"{one.name} average"), one) for one in averages]
    paper_rows = list(published_reports(published))
    number_of = paper.PUBLISHED[published].table
    drawn = table(
        summary,
        f"{title}: classification report on {scores.photos} test photos, and the paper's "
        f"Table {number_of}",
        ("class", "precision", "recall", "F1", "photos"),
        [*rows, *paper_rows],
        kinds=[""] * len(rows) + ["faint"] * len(paper_rows),
    )
    if len(scores.confusion) <= NAMED:
        return drawn
    classes = f"{len(scores.confusion)} classes"
    drawn = folded(f"Classification report of {classes}", drawn)
    if len(scores.confusion) <= LARGEST:
        return drawn
    note = say(f"{classes} are too many for a picture: see tables/confusion.csv.", "quiet")
    return joined([note, drawn])


def _figures(label: Html, one: ClassScores) -> tuple[Cell, ...]:
    return (
        words(label),
        number(f"{one.precision:.3f}", one.precision),
        number(f"{one.recall:.3f}", one.recall),
        number(f"{one.f1:.3f}", one.f1),
        number(str(one.support), one.support),
    )


def _setup(summary: Summary, method: Method) -> Html:
    """The paper's Tables 2 to 4 as built: configuration and anatomy."""
    facts: list[tuple[str, str]] = []
    if (config := method.config) is not None:
        head = ", ".join(head_layers(config["backbone"]))
        facts += [
            ("input", f"{config['image_size']} pixels, {SCALINGS[config['scaling']]}"),
            ("head", f"{head}, softmax"),
            ("optimizer", f"{config['optimizer']}, learning rate {config['learning_rate']:.3g}"),
            ("batch and epochs", f"{config['batch_size']}, {config['epochs']} at most"),
            ("seed", str(config["seed"])),
        ]
    if method.anatomy is not None:
        facts += _anatomy(method.anatomy)
    facts.append(("kept epoch", str(method.best_epoch)))
    facts.append(("time", duration(method.cost.seconds_total)))
    rows = [(words(text(what)), words(text(told))) for what, told in facts]
    title = f"{method.trial}: as built (Tables 2 to 4)"
    return table(summary, title, ("what", "value"), rows)


def _anatomy(anatomy: Anatomy) -> list[tuple[str, str]]:
    return [
        ("first trained layer", anatomy.first_trained or "none: only the head is trained"),
        ("layers frozen", whole(anatomy.layers_frozen)),
        ("layers trained", whole(anatomy.layers_trained)),
        ("parameters frozen", whole(anatomy.parameters_frozen)),
        ("parameters trained", whole(anatomy.parameters_trained)),
        ("of them in the head", whole(anatomy.parameters_head)),
        ("read from the store", ", ".join(anatomy.stored)),
        ("frozen layers recomputed", whole(anatomy.recomputed)),
    ]


def _rule(row: EnsembleRow) -> tuple[Cell, ...]:
    weights = Counter(row.members).most_common()
    members = ", ".join(trial(f"{n} x {one}" if n > 1 else one) for one, n in weights)
    return (
        words(text(("chosen on test: " if row.uses_test else "") + row.rule)),
        words(Html(members)),
        share(row.validation_accuracy),
        share(row.test_accuracy),
        span(row.interval),
        number(f"{row.correct} of {row.photos}", row.correct),
        number(f"{row.test_loss:.4f}", row.test_loss),
    )
