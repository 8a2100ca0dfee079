"""What a run cost, and what reusing features saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from results.ledger.rates import seconds_skipped
from results.ledger.records import FROM_PHOTOS, Cost, TrialRecord, plain_photos
from results.scores.cost_types import CostLedger, CostRow, Photos, Seconds
from results.scores.evidence import Evidence


def ledger(evidence: Evidence) -> CostLedger:
    """Costs per backbone, and in total."""
    return CostLedger(
        backbones=tuple(_row(evidence, name, evidence.of(name)) for name in evidence.backbones),
        total=_row(evidence, "", evidence.records),
    )


def seconds(evidence: Evidence, total: CostRow) -> Seconds:
    """Preparation from the run's settings, the rest summed over the trials."""
    return Seconds(
        prepare=evidence.run.settings.seconds_prepare,
        features=total.seconds_features,
        waiting=total.seconds_waiting,
        training=total.seconds_training,
        other=total.seconds_other,
    )


def photos(evidence: Evidence, total: CostRow) -> Photos:
    """Photos pushed, and photos that a plain script pushes for the same trials."""
    records = evidence.records
    counts = evidence.split.counts()
    replaced = sum(_plain(record, counts) for record in _readers(records))
    return Photos(
        prefix=total.photos_prefix,
        trained=total.photos_trained,
        plain=sum(_plain(record, counts) for record in records),
        saved=replaced - total.photos_prefix,
        bytes_stored=total.bytes_stored,
    )


def _row(evidence: Evidence, backbone: str, records: Sequence[TrialRecord]) -> CostRow:
    spent = _summed(records)
    passes = spent.seconds_features - spent.seconds_waiting
    other = spent.seconds_total - spent.seconds_features - spent.seconds_training
    return CostRow(
        backbone=backbone,
        trials=len(records),
        photos_prefix=spent.photos_prefix,
        photos_trained=spent.photos_trained,
        bytes_stored=spent.bytes_stored,
        seconds_features=passes,
        seconds_waiting=spent.seconds_waiting,
        seconds_training=spent.seconds_training,
        seconds_other=max(0.0, other),
        seconds_tracing=spent.seconds_tracing,
        seconds_total=spent.seconds_total,
        seconds_saved=_saved(evidence, records),
        trials_untimed=sum(_skipped(evidence, one) is None for one in _readers(records)),
    )


def _summed(records: Sequence[TrialRecord]) -> Cost:
    return Cost(
        **{
            field.name: sum(getattr(record.cost, field.name) for record in records)
            for field in fields(Cost)
        }
    )


def _saved(evidence: Evidence, records: Sequence[TrialRecord]) -> float | None:
    """See `CostRow.seconds_saved`: what timed layers would have taken, less all that was spent."""
    counts, readers = evidence.split.counts(), _readers(records)
    skipped = [_skipped(evidence, record) for record in readers]
    if readers and not any(skipped):
        return None
    return sum(
        _plain(record, counts) * (seconds or 0.0)
        - (record.cost.seconds_features - record.cost.seconds_waiting)
        for record, seconds in zip(readers, skipped, strict=True)
    )


def _skipped(evidence: Evidence, record: TrialRecord) -> float | None:
    return seconds_skipped(record, evidence.of(record.backbone))


def _readers(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that read stored features."""
    return [record for record in records if _reads_features(record)]


def _plain(record: TrialRecord, counts: dict[str, int]) -> int:
    return plain_photos(len(record.epochs), **counts)


def _reads_features(record: TrialRecord) -> bool:
    anatomy = record.anatomy
    return anatomy is not None and anatomy.recomputed == 0 and FROM_PHOTOS not in anatomy.stored
