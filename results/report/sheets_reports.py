"""Tables inside one method: classification reports, confusion matrices, histories, its network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from results.figures.diagrams import SCALINGS, head_layers
from results.ledger.anatomy import Anatomy
from results.ledger.records import EpochRecord
from results.ledger.units import duration
from results.report.format import configuration, percent, whole
from results.report.kinds import CELL, COUNT, NAME, SCORE, Place, published
from results.report.sheets import Column, Row, Sheet, fields_of, lay_out, listed, marked
from results.scores.method_types import ENSEMBLE, EnsembleEpoch, Method, Scores
from results.scores.metrics import ClassScores
from results.scores.types import Summary
from search_spaces import paper

WIDEST_BESIDE = 4
"""Classes whose columns of a confusion matrix fit a terminal beside the report."""

WIDEST_MATRIX = 12
"""Classes; a larger matrix does not fit a terminal and is left to `tables/confusion.csv`."""

CLASS = Column("class", "class", NAME, where=Place.PAGE)
NUMBERED = Column("numbered", "class", NAME, where=Place.TERMINAL)
"""The same with its label in front, by which the columns of a confusion matrix are named."""

SCORES = (
    Column("precision", "precision", SCORE),
    Column("recall", "recall", SCORE),
    Column("f1", "F1", SCORE),
    Column("support", "photos", COUNT),
)


def scored(summary: Summary) -> dict[str, Scores]:
    """The scores of every method that has some, by trial name or `ensemble`."""
    trials = {
        method.trial: method.scores
        for backbone in summary.backbones
        for method in backbone.methods
        if method.scores is not None
    }
    return trials | ({ENSEMBLE: summary.ensemble.scores} if summary.ensemble else {})


def report(summary: Summary, name: str, scores: Scores, compared: str = "") -> Sheet:
    """One method's classification report.

    Args:
        compared: the name under which the paper may have a report, which the page adds.
    """
    classes = len(scores.report.classes)
    beside = classes if classes <= WIDEST_BESIDE else 0
    blank = [("", False)] * beside
    rows = [
        Row((row.name, f"{label} {row.name}", *_figures(row), *_counts(scores, label)[:beside]))
        for label, row in enumerate(scores.report.classes)
    ]
    for mean in (scores.report.macro, scores.report.weighted):
        values = (*[f"{mean.name} average"] * 2, *_figures(mean), *blank)
        rows += [Row(values, "faint", Place.TERMINAL), Row(values, where=Place.PAGE)]
    from_paper = paper.PUBLISHED.get(compared)
    for label, known in enumerate(from_paper.classes if from_paper else ()):
        figures = (published(value) for value in (known.precision, known.recall, known.f1))
        values = (*[f"published, class {label}"] * 2, *figures, known.support, *blank)
        rows.append(Row(values, "faint", Place.PAGE))
    title = f"{name}: classification report on {scores.photos} test photos"
    if from_paper is not None:
        title += f", and the paper's Table {from_paper.table}"
    return Sheet(
        "report",
        marked(summary, title),
        (CLASS, NUMBERED, *SCORES, *_predicted(beside)),
        tuple(rows),
        f"accuracy {percent(scores.report.accuracy)} %, {scores.correct} of {scores.photos} test "
        "photos" + ("; as 0, as 1, ...: the confusion matrix" if beside else ""),
    )


def matrix(summary: Summary, name: str, scores: Scores) -> Sheet | None:
    """A confusion matrix of its own; None where it fits beside the report, or is too wide."""
    classes = summary.data.classes
    if not WIDEST_BESIDE < len(classes) <= WIDEST_MATRIX:
        return None
    return Sheet(
        "matrix",
        marked(summary, f"{name}: confusion matrix"),
        (Column("class", "true class", NAME), *_predicted(len(classes))),
        tuple(
            Row((f"{label} {name}", *_counts(scores, label))) for label, name in enumerate(classes)
        ),
        "Rows: the true class. Columns: the predicted class, by number.",
    )


def _figures(row: ClassScores) -> tuple[float, float, float, int]:
    return row.precision, row.recall, row.f1, row.support


def _counts(scores: Scores, true: int) -> list[tuple[int, bool]]:
    """A row of the confusion matrix: photos, and whether they are right, by predicted class."""
    return [(count, true == label) for label, count in enumerate(scores.confusion[true])]


def _predicted(classes: int) -> tuple[Column, ...]:
    heads = [f"as {label}" if classes <= WIDEST_BESIDE else str(label) for label in range(classes)]
    return tuple(Column(head, head, CELL, where=Place.TERMINAL) for head in heads)


def reports(summary: Summary) -> Sheet:
    """The classification reports of all methods, for the file."""
    lines = [
        {"method": name, "class": row.name, **asdict(row)}
        for name, scores in scored(summary).items()
        for row in (*scores.report.classes, scores.report.macro, scores.report.weighted)
    ]
    return listed(summary, "reports", "method class precision recall f1 support", lines)


def confusion(summary: Summary) -> Sheet:
    """The confusion matrices of all methods, a row per cell, for the file."""
    names = summary.data.classes
    lines = [
        {"method": method, "true_class": true, "predicted_class": predicted, "photos": count}
        for method, scores in scored(summary).items()
        for true, counts in zip(names, scores.confusion, strict=True)
        for predicted, count in zip(names, counts, strict=True)
    ]
    return listed(summary, "confusion", "method true_class predicted_class photos", lines)


def histories(summary: Summary) -> Sheet:
    """Every method's epochs, for the file."""
    epochs: dict[str, Iterable[EpochRecord | EnsembleEpoch]] = {
        method.trial: method.history
        for backbone in summary.backbones
        for method in backbone.methods
    }
    if summary.ensemble is not None:
        epochs[ENSEMBLE] = summary.ensemble.history
    header = (
        "method epoch train_loss train_accuracy validation_loss validation_accuracy "
        "learning_rate seconds"
    )
    lines = [
        {"method": name, **asdict(epoch)} for name, history in epochs.items() for epoch in history
    ]
    return listed(summary, "histories", header, lines)


def anatomies(summary: Summary) -> Sheet:
    """How every method's network was divided, for the file."""
    lines = [
        {"method": method.trial, **asdict(method.anatomy)}
        for backbone in summary.backbones
        for method in backbone.methods
        if method.anatomy is not None
    ]
    keys = (column.key for column in fields_of(Anatomy) if column.key != "by_point")
    header = " ".join(["method", *keys])
    return listed(summary, "anatomy", header, lines)


def facts(summary: Summary, title: str, pairs: Iterable[tuple[str, object]]) -> Sheet:
    """Names and values, such as versions or settings."""
    columns = (
        Column("what", "what", value=lambda fact: str(fact[0]).replace("_", " ")),
        Column("value", "value", value=lambda fact: _told(fact[1])),
    )
    return lay_out(summary, "facts", title, columns, pairs)


def _told(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def setup(summary: Summary, method: Method) -> Sheet:
    """The paper's Tables 2 to 4 as built: a method's configuration and anatomy."""
    pairs: list[tuple[str, object]] = []
    if (config := method.config) is not None:
        pairs += [
            ("input", f"{config.image_size} pixels, {SCALINGS[config.scaling]}"),
            ("head", [*head_layers(config), "softmax"]),
            ("configuration", configuration(config)),
            ("epochs", f"{config.epochs} at most"),
            ("seed", config.seed),
        ]
    if (anatomy := method.anatomy) is not None:
        pairs += [
            ("first trained layer", anatomy.first_trained or "none: only the head is trained"),
            ("layers frozen", whole(anatomy.layers_frozen)),
            ("layers trained", whole(anatomy.layers_trained)),
            ("parameters frozen", whole(anatomy.parameters_frozen)),
            ("parameters trained", whole(anatomy.parameters_trained)),
            ("of them in the head", whole(anatomy.parameters_head)),
            ("read from the store", anatomy.stored),
            ("frozen layers recomputed", whole(anatomy.recomputed)),
        ]
    pairs += [("kept epoch", method.best_epoch), ("time", duration(method.cost.seconds_total))]
    return facts(summary, f"{method.trial}: as built (Tables 2 to 4)", pairs)
