"""What a run cost, and what reusing features saved."""

from __future__ import annotations

from collections.abc import Sequence

from results.evidence import Evidence
from results.records import TrialRecord
from results.summary_types import Photos, Seconds

FROM_PHOTOS = "photos"
"""The anatomy's word for a network that reads no stored features."""


def seconds(evidence: Evidence) -> Seconds:
    """Preparation from the run's settings, the rest summed over the trials."""
    costs = [record.cost for record in evidence.records]
    features = sum(cost.seconds_features for cost in costs)
    waiting = sum(cost.seconds_waiting for cost in costs)
    training = sum(cost.seconds_training for cost in costs)
    total = sum(cost.seconds_total for cost in costs)
    return Seconds(
        prepare=float(evidence.run.settings.get("seconds_prepare") or 0.0),
        features=features - waiting,
        waiting=waiting,
        training=training,
        other=max(0.0, total - features - training),
    )


def photos(evidence: Evidence) -> Photos:
    """Photos pushed, and photos that a plain script pushes for the same trials."""
    counts = evidence.split.counts()
    records = evidence.records
    prefix = sum(record.cost.photos_prefix for record in records)
    return Photos(
        prefix=prefix,
        trained=sum(record.cost.photos_trained for record in records),
        plain=_plain(records, counts),
        saved=_plain([one for one in records if _reads_features(one)], counts) - prefix,
        bytes_stored=sum(record.cost.bytes_stored for record in records),
    )


def _plain(records: Sequence[TrialRecord], counts: dict[str, int]) -> int:
    per_epoch = counts["train"] + counts["validation"]
    return sum(
        len(record.epochs) * per_epoch + counts["test"] for record in records if record.epochs
    )


def _reads_features(record: TrialRecord) -> bool:
    anatomy = record.anatomy
    return anatomy is not None and anatomy.recomputed == 0 and FROM_PHOTOS not in anatomy.stored
