"""What a run cost, and what reusing features saved."""

from __future__ import annotations

from collections.abc import Sequence

from results.ledger.rates import seconds_per_multiply_add
from results.ledger.records import TrialRecord
from results.scores.cost_types import CostLedger, CostRow, Photos, Seconds
from results.scores.evidence import Evidence

FROM_PHOTOS = "photos"
"""The anatomy's word for a network that reads no stored features."""


def ledger(evidence: Evidence) -> CostLedger:
    """Costs per backbone, and in total."""
    return CostLedger(
        backbones=tuple(_row(evidence, name, evidence.of(name)) for name in evidence.backbones),
        total=_row(evidence, "", evidence.records),
    )


def seconds(evidence: Evidence, total: CostRow) -> Seconds:
    """Preparation from the run's settings, the rest summed over the trials."""
    return Seconds(
        prepare=float(evidence.run.settings.get("seconds_prepare") or 0.0),
        features=total.seconds_features,
        waiting=total.seconds_waiting,
        training=total.seconds_training,
        other=total.seconds_other,
    )


def photos(evidence: Evidence, total: CostRow) -> Photos:
    """Photos pushed, and photos that a plain script pushes for the same trials."""
    records = evidence.records
    counts = evidence.split.counts()
    replaced = sum(_plain(record, counts) for record in records if _reads_features(record))
    return Photos(
        prefix=total.photos_prefix,
        trained=total.photos_trained,
        plain=sum(_plain(record, counts) for record in records),
        saved=replaced - total.photos_prefix,
        bytes_stored=total.bytes_stored,
    )


def _row(evidence: Evidence, backbone: str, records: Sequence[TrialRecord]) -> CostRow:
    costs = [record.cost for record in records]
    features = sum(cost.seconds_features for cost in costs)
    waiting = sum(cost.seconds_waiting for cost in costs)
    training = sum(cost.seconds_training for cost in costs)
    total = sum(cost.seconds_total for cost in costs)
    return CostRow(
        backbone=backbone,
        trials=len(records),
        photos_prefix=sum(cost.photos_prefix for cost in costs),
        photos_trained=sum(cost.photos_trained for cost in costs),
        bytes_stored=sum(cost.bytes_stored for cost in costs),
        seconds_features=features - waiting,
        seconds_waiting=waiting,
        seconds_training=training,
        seconds_other=max(0.0, total - features - training),
        seconds_tracing=sum(cost.seconds_tracing for cost in costs),
        seconds_total=total,
        seconds_saved=_saved(evidence, records),
    )


def _saved(evidence: Evidence, records: Sequence[TrialRecord]) -> float | None:
    """Of the trials together; None where a backbone's frozen layers were not timed in this run."""
    counts = evidence.split.counts()
    saved = 0.0
    for record in filter(_reads_features, records):
        rate = seconds_per_multiply_add(evidence.of(record.backbone))
        work = record.anatomy.multiply_adds_frozen if record.anatomy else 0.0
        if rate is None or not work:
            return None
        spent = record.cost.seconds_features - record.cost.seconds_waiting
        saved += _plain(record, counts) * work * rate - spent
    return saved


def _plain(record: TrialRecord, counts: dict[str, int]) -> int:
    """Photos that a plain script pushes for the epochs of one trial."""
    if not record.epochs:
        return 0
    return len(record.epochs) * (counts["train"] + counts["validation"]) + counts["test"]


def _reads_features(record: TrialRecord) -> bool:
    anatomy = record.anatomy
    return anatomy is not None and anatomy.recomputed == 0 and FROM_PHOTOS not in anatomy.stored
