"""`report/tables/*.csv`: the numbers of a `Summary`, unrounded, one sheet per noun."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from results.ledger.files import write_text
from results.ledger.records import Anatomy, Cost
from results.ledger.runs import MeasuredCharacteristics
from results.ledger.store import RunFolder
from results.scores.comparisons import ENSEMBLE
from results.scores.cost_types import CostRow
from results.scores.method_types import EnsembleSummary, Method, Scores
from results.scores.types import Summary
from search_spaces.config import TrialConfig

Row = Mapping[str, Any]

METHOD_COLUMNS = (
    "method role backbone status validation_accuracy validation_loss test_accuracy test_loss "
    "correct photos low high published_test_accuracy verdict reason"
)


def write_tables(folder: RunFolder, summary: Summary) -> None:
    """Write every sheet, each whole or not at all; a sheet without rows keeps its header."""
    for name, (header, rows) in sheets().items():
        write_text(folder.report / "tables" / f"{name}.csv", _csv(header, rows(summary)))


def sheets() -> dict[str, tuple[tuple[str, ...], Callable[[Summary], Iterable[Row]]]]:
    """By name: the header, and how its rows come out of a summary."""
    sources: dict[str, tuple[str, Callable[[Summary], Iterable[Row]]]] = {
        "methods": (METHOD_COLUMNS, _methods),
        "reports": ("method class precision recall f1 support", _reports),
        "confusion": ("method true_class predicted_class photos", _confusion),
        "histories": (
            "method epoch train_loss train_accuracy validation_loss validation_accuracy "
            "learning_rate seconds",
            _histories,
        ),
        "anatomy": (f"method {_names(Anatomy)}", _anatomy),
        "ensembles": (
            "rule uses_test members validation_accuracy validation_loss test_accuracy test_loss "
            "correct photos low high",
            _ensembles,
        ),
        "scaling": (
            "backbone unit_trial unit_validation_accuracy unit_test_accuracy native_trial "
            "native_validation_accuracy native_test_accuracy also_differs p",
            _scaling,
        ),
        "pairs": ("why first second first_only second_only p", _pairs),
        "trials": (
            f"trial number status error {_names(TrialConfig)} epochs_run best_epoch "
            "validation_accuracy validation_loss test_accuracy test_loss "
            f"{_names(Cost)}",
            _trials,
        ),
        "importances": ("backbone dimension share", _importances),
        "mistakes": ("method file photo true predicted probability", _mistakes),
        "label_errors": ("file photo split label suggested probability trials", _suspects),
        "cost": ("what unit amount", _cost),
        "cost_by_backbone": (_names(CostRow), _cost_by_backbone),
        "characteristics": (_names(MeasuredCharacteristics), _characteristics),
    }
    return {name: (tuple(header.split()), rows) for name, (header, rows) in sources.items()}


def _names(kind: type) -> str:
    """The fields of a frozen type, so that a field added there becomes a column here."""
    return " ".join(field.name for field in fields(kind))


def _csv(header: tuple[str, ...], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=header, lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _spoken(summary: Summary) -> Iterator[tuple[str, str, Method]]:
    """Role, backbone and method of every baseline and best."""
    for backbone in summary.backbones:
        yield from ((role, backbone.name, method) for role, method in backbone.methods.items())


def _scored(summary: Summary) -> Iterator[tuple[str, Scores]]:
    """Every method with scores, once, by trial name or `ensemble`."""
    found = {one.trial: one.scores for _, _, one in _spoken(summary) if one.scores is not None}
    if summary.ensemble is not None:
        found[ENSEMBLE] = summary.ensemble.scores
    yield from found.items()


def _methods(summary: Summary) -> Iterator[Row]:
    for role, backbone, one in _spoken(summary):
        yield {
            "method": one.trial,
            "role": role,
            "backbone": backbone,
            "status": one.status,
            **_accuracies(one, one.scores),
        }
    if (both := summary.ensemble) is not None:
        yield {"method": ENSEMBLE, "role": ENSEMBLE, **_accuracies(both, both.scores)}


def _accuracies(one: Method | EnsembleSummary, scores: Scores | None) -> Row:
    row: dict[str, Any] = {
        "validation_accuracy": one.validation_accuracy,
        "test_accuracy": one.test_accuracy,
        "published_test_accuracy": one.published_test_accuracy,
    }
    if one.verdict is not None:
        row |= {"verdict": one.verdict.outcome, "reason": one.verdict.reason}
    if scores is not None:
        row |= {name: getattr(scores, name) for name in ("validation_loss", "test_loss")}
        row |= {"correct": scores.correct, "photos": scores.photos, **asdict(scores.interval)}
    return row


def _reports(summary: Summary) -> Iterator[Row]:
    for method, scores in _scored(summary):
        for one in (*scores.report.classes, scores.report.macro, scores.report.weighted):
            row = asdict(one)
            yield {"method": method, "class": row.pop("name"), **row}


def _confusion(summary: Summary) -> Iterator[Row]:
    names = summary.data.classes
    for method, scores in _scored(summary):
        for true, counts in zip(names, scores.confusion, strict=True):
            for predicted, count in zip(names, counts, strict=True):
                yield {
                    "method": method,
                    "true_class": true,
                    "predicted_class": predicted,
                    "photos": count,
                }


def _histories(summary: Summary) -> Iterator[Row]:
    histories = {one.trial: one.history for _, _, one in _spoken(summary)}
    for method, history in histories.items():
        yield from ({"method": method, **asdict(epoch)} for epoch in history)
    if summary.ensemble is not None:
        yield from ({"method": ENSEMBLE, **asdict(one)} for one in summary.ensemble.history)


def _anatomy(summary: Summary) -> Iterator[Row]:
    found = {one.trial: one.anatomy for _, _, one in _spoken(summary) if one.anatomy is not None}
    for method, anatomy in found.items():
        yield {"method": method, **asdict(anatomy), "stored": " ".join(anatomy.stored)}


def _ensembles(summary: Summary) -> Iterator[Row]:
    for one in summary.ensembles:
        row = asdict(one)
        interval = row.pop("interval")
        yield {**row, **interval, "members": " ".join(one.members)}


def _scaling(summary: Summary) -> Iterator[Row]:
    for one in summary.scaling:
        row = asdict(one)
        row.pop("pair")
        yield {**row, "also_differs": " ".join(one.also_differs), "p": one.pair.test.p}


def _pairs(summary: Summary) -> Iterator[Row]:
    for one in summary.pairs:
        yield {"why": one.why, "first": one.first, "second": one.second, **asdict(one.test)}


def _trials(summary: Summary) -> Iterator[Row]:
    for one in summary.rows:
        row = asdict(one)
        config, cost, epochs = row.pop("config"), row.pop("cost"), row.pop("epochs")
        yield {**row, **config, **cost, "epochs_run": epochs}


def _importances(summary: Summary) -> Iterator[Row]:
    for backbone, shares in summary.importances.items():
        for dimension, share in shares.items():
            yield {"backbone": backbone, "dimension": dimension, "share": share}


def _mistakes(summary: Summary) -> Iterator[Row]:
    for one in summary.mistakes.worst:
        yield {"method": summary.mistakes.method, **asdict(one)}


def _suspects(summary: Summary) -> Iterator[Row]:
    for one in summary.mistakes.suspects:
        yield {**asdict(one), "trials": " ".join(one.trials)}


def _cost(summary: Summary) -> Iterator[Row]:
    for what, seconds in asdict(summary.seconds).items():
        yield {"what": what, "unit": "seconds", "amount": seconds}
    for what in ("tracing", "saved"):
        amount = getattr(summary.costs.total, f"seconds_{what}")
        yield {"what": what, "unit": "seconds", "amount": amount}
    for what, amount in asdict(summary.photos).items():
        unit = "bytes" if what == "bytes_stored" else "photos"
        yield {"what": what, "unit": unit, "amount": amount}


def _cost_by_backbone(summary: Summary) -> Iterator[Row]:
    return (asdict(one) for one in summary.costs.backbones)


def _characteristics(summary: Summary) -> Iterator[Row]:
    return (asdict(one) for one in summary.characteristics)
