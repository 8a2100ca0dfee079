"""What a run cost, and what reusing features saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from results.ledger.anatomy import FROM_PHOTOS
from results.ledger.rates import seconds_skipped, timed_passes
from results.ledger.records import Cost, TrialRecord, plain_photos
from results.scores.cost_types import CostLedger, CostRow, Photos, Seconds
from results.scores.evidence import Evidence

_Skipped = Mapping[str, float | None]
"""By trial that reads stored features: seconds per photo that this skips, None if not timed."""


def ledger(evidence: Evidence) -> CostLedger:
    """Costs per backbone, and in total."""
    trained = _trained(evidence)
    of = {
        name: [record for record in trained if record.backbone == name]
        for name in evidence.backbones
    }
    passes = {name: timed_passes(records) for name, records in of.items()}
    skipped = {
        record.trial: seconds_skipped(record, passes[record.backbone])
        for record in _readers(trained)
    }
    return CostLedger(
        backbones=tuple(_row(evidence, name, records, skipped) for name, records in of.items()),
        total=_row(evidence, "", trained, skipped),
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
    records = _trained(evidence)
    counts = evidence.split.counts()
    replaced = sum(_plain(record, counts) for record in _readers(records))
    return Photos(
        prefix=total.photos_prefix,
        trained=total.photos_trained,
        plain=sum(_plain(record, counts) for record in records),
        saved=replaced - total.photos_prefix,
        bytes_stored=total.bytes_stored,
    )


def _trained(evidence: Evidence) -> tuple[TrialRecord, ...]:
    """All trials that cost something."""
    return (*evidence.records, *evidence.repeats, *evidence.cut)


def _row(
    evidence: Evidence, backbone: str, records: Sequence[TrialRecord], skipped: _Skipped
) -> CostRow:
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
        seconds_saved=_saved(evidence, records, skipped),
        trials_untimed=sum(skipped[reader.trial] is None for reader in _readers(records)),
    )


def _summed(records: Sequence[TrialRecord]) -> Cost:
    return Cost(
        **{
            field.name: sum(getattr(record.cost, field.name) for record in records)
            for field in fields(Cost)
        }
    )


def _saved(evidence: Evidence, records: Sequence[TrialRecord], skipped: _Skipped) -> float | None:
    """See `CostRow.seconds_saved`: what timed layers would have taken, less all that was spent."""
    counts, readers = evidence.split.counts(), _readers(records)
    if readers and not any(skipped[reader.trial] for reader in readers):
        return None
    return sum(
        _plain(reader, counts) * (skipped[reader.trial] or 0.0)
        - (reader.cost.seconds_features - reader.cost.seconds_waiting)
        for reader in readers
    )


def _readers(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that read stored features."""
    return [record for record in records if _reads_features(record)]


def _plain(record: TrialRecord, counts: dict[str, int]) -> int:
    return plain_photos(len(record.epochs), **counts)


def _reads_features(record: TrialRecord) -> bool:
    anatomy = record.anatomy
    return anatomy is not None and anatomy.recomputed == 0 and FROM_PHOTOS not in anatomy.stored
