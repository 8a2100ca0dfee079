"""How fast a backbone was trained on this machine, measured by the sweeps that have run on it.

A sweep writes what its trials measured into `<cache>/rates/`, one file per backbone and conditions;
`--plan` and the first table of a sweep read it. A file that is absent or damaged only means that
nothing is known yet. A rate file (`--rate-file`) describes another machine: rates by backbone, as
`python -m results rates RUN` printed them there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean

from results.ledger.commands import typed
from results.ledger.files import read_json, write_json
from results.ledger.records import TrialRecord
from results.ledger.serialise import from_json
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conditions:
    """What the rates of a backbone depend on.

    Attributes:
        backbone, image_size, batch_size: of the run's baselines.
        numbers: number types of layers and stored features, and whether XLA compiles.
        cpus: threads per trial.
        device: the processors' models and the versions of the libraries.
        onednn: `0`, `1`, or None where the run did not set it.
    """

    backbone: str
    image_size: int
    batch_size: int
    numbers: tuple[str, ...]
    cpus: int
    device: tuple[str, ...]
    onednn: str | None

    def path(self, cache_dir: Path) -> Path:
        """The file of the rates that were measured under these conditions."""
        text = json.dumps(asdict(self), sort_keys=True)
        return cache_dir / "rates" / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


@dataclass(frozen=True)
class Rates:
    """Measured means, each for one photo.

    Attributes:
        seconds_pass: through the frozen layers, to fill the feature store, tracing excluded.
        seconds_skipped: through the layers before a trial's unfreeze point, forward, which reading
            features skips; None unless a pass timed exactly these layers, for every trial.
        seconds_step: in a training step; validation included, the first epoch left out where there
            are more, since functions are traced in it.
        bytes_stored: in the feature store, for all unfreeze points together.
        by_point: seconds of an epoch for one training photo, by unfreeze point, as far as measured.
    """

    seconds_pass: float
    seconds_skipped: float | None
    seconds_step: float
    bytes_stored: float
    by_point: Mapping[str, float] = field(default_factory=dict)


def timed_passes(records: Iterable[TrialRecord]) -> dict[float, float]:
    """Seconds per photo of frozen passes, by the multiply-adds of the layers they went through.

    Args:
        records: of one backbone; tracing and waiting are no part of a pass.
    """
    seconds: dict[float, float] = defaultdict(float)
    photos: dict[float, int] = defaultdict(int)
    for cost in (record.cost for record in records):
        if cost.seconds_prefix > 0 and cost.photos_prefix:
            work = cost.multiply_adds_prefix / cost.photos_prefix
            seconds[work] += cost.seconds_prefix
            photos[work] += cost.photos_prefix
    return {work: seconds[work] / photos[work] for work in photos}


def seconds_skipped(record: TrialRecord, passes: Mapping[float, float]) -> float | None:
    """For one photo, through exactly the layers before a trial's unfreeze point, as passes took.

    Layers are known by their multiply-adds for one photo. Nothing is scaled to other layers, whose
    seconds per multiply-add are others.

    Args:
        passes: `timed_passes` of the trial's backbone.

    Returns:
        None if no pass went through exactly these layers.
    """
    work = record.anatomy.multiply_adds_frozen if record.anatomy else 0.0
    return passes.get(work) if work else None


def measured_rates(records: Sequence[TrialRecord], train_photos: int) -> Rates | None:
    """What the trials of one backbone measured; None if they measured too little.

    Args:
        train_photos: per epoch.
    """
    trained = [record for record in records if record.epochs and record.anatomy]
    seconds_pass = sum(record.cost.seconds_prefix for record in records)
    photos = sum(record.cost.photos_prefix for record in records)
    if not (seconds_pass and photos and trained):
        return None
    passes = timed_passes(records)
    skipped = [seconds_skipped(record, passes) for record in trained]
    timed = [seconds for seconds in skipped if seconds is not None]
    epochs = [epoch for record in trained for epoch in record.epochs[1:] or record.epochs]
    by_point: dict[str, list[float]] = defaultdict(list)
    for record in trained:
        by_point[record.config.unfreeze].append(record.seconds_per_epoch / train_photos)
    return Rates(
        seconds_pass=seconds_pass / photos,
        seconds_skipped=fmean(timed) if len(timed) == len(trained) else None,
        seconds_step=fmean(epoch.seconds for epoch in epochs) / train_photos,
        bytes_stored=sum(record.cost.bytes_stored for record in records) / photos,
        by_point={point: fmean(values) for point, values in by_point.items()},
    )


def write_rates(path: Path, rates: Rates) -> None:
    """Keep rates, in the place of older ones.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    write_json(path, asdict(rates))


def read_rates(path: Path) -> Rates | None:
    """Rates that were kept; None if there are none.

    Damaged or impossible ones count as none, with a warning in the log: they are estimates, and the
    next run measures them again.
    """
    if not path.exists():
        return None
    try:
        rates = from_json(Rates, read_json(path))
        if not _is_usable(rates):
            raise ValueError(f"{path} has numbers that no measurement gives")
    except (EnvironmentRefusal, ValueError) as fault:
        _LOG.warning("rates are not used, they will be measured again: %s", fault)
        return None
    return rates


def read_rate_file(path: Path, backbones: Iterable[str]) -> dict[str, Rates]:
    """The rates of a plan's backbones.

    Raises:
        UsageRefusal: the file is missing or something else, or lacks a backbone.
    """
    where = f"--rate-file {path}"
    fix = f"Write one from a finished run: {typed('rates')} RUN > rates.json"
    try:
        rates = from_json(dict[str, Rates], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as fault:
        got = fault.strerror if isinstance(fault, OSError) else "something else"
        raise UsageRefusal(
            f"a JSON file of rates by backbone is needed, got: {got}", where=where, fix=fix
        ) from fault
    if lacking := [name for name in backbones if name not in rates]:
        raise UsageRefusal(
            f"rates of every planned backbone are needed, got none of {', '.join(lacking)}",
            where=where,
            fix="Measure them there, or choose other --backbones.",
        )
    if not all(map(_is_usable, rates.values())):
        raise UsageRefusal("rates must be numbers from 0 up", where=where, fix=fix)
    return rates


def _is_usable(rates: Rates) -> bool:
    known = {"seconds_skipped": rates.seconds_skipped or 0.0}  # the one that may be None
    numbers = asdict(rates) | known
    values = (*numbers.pop("by_point").values(), *numbers.values())
    return all(math.isfinite(value) and value >= 0 for value in values)
