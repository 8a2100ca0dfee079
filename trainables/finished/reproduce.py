"""Trains one finished trial again, from its record alone, and says whether the numbers agree.

    python -m trainables reproduce RUN TRIAL        (run_sweep.py --reproduce RUN TRIAL)

They agree if every epoch's losses and the test probabilities do, to 1e-5; a repetition that
diverges does not. On the same machine and versions they agree bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from results.ledger.records import TrialRecord, TrialResult
from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from search_spaces.presets import cache_dir_known_as
from search_spaces.refusals import DataRefusal

TOLERANCE = 1e-5


@dataclass(frozen=True)
class Agreement:
    """The largest differences between a record and its repetition.

    Attributes:
        loss: of any epoch's training or validation loss, in nats.
        probability: of any test photo and class.
    """

    loss: float
    probability: float

    @property
    def agrees(self) -> bool:
        return self.loss <= TOLERANCE and self.probability <= TOLERANCE  # a NaN is neither

    def __str__(self) -> str:
        if self.loss == self.probability == 0:
            return "reproduced bit for bit: every epoch's losses and every test probability"
        verdict = "reproduced" if self.agrees else "NOT reproduced"
        return (
            f"{verdict}: losses differ by up to {self.loss:.2g}, "
            f"test probabilities by up to {self.probability:.2g} (allowed {TOLERANCE:g})"
        )


def repeat(folder: RunFolder, run: RunRecord, record: TrialRecord) -> TrialResult:
    """Train the record's configuration again, for as many epochs as it had.

    Raises:
        DataRefusal: the photos are not those of the run any more.
    """
    from trainables.features.fill import TrainingData
    from trainables.features.store import FeatureStore
    from trainables.finished.rebuild import run_weights
    from trainables.photos.named import prepare
    from trainables.training.heads import trained_head
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    config, settings = record.trained, run.settings
    cache_dir = cache_dir_known_as(settings.cache_dir)
    dataset = prepare(
        settings.data, image_size=config.image_size, cache_dir=cache_dir, seed=run.seed
    )
    if dataset.record.digest != run.data.digest:
        raise DataRefusal("the photos are not those of the run any more", where=run.data.source)
    data = TrainingData(
        photos=dataset.photos(),
        split=folder.read_split(),
        classes=len(run.data.classes),
        digest=run.data.digest,
        weights=run_weights(run, (config.backbone,)),
        store=FeatureStore(cache_dir / "features", settings.max_cache or 0),
        points=settings.points,  # as the run stored features, so that the same ones are read
        cache_dtype=settings.cache_dtype,
        precision=settings.precision,
        jit_compile=settings.jit_compile,
        class_weights=settings.class_weights,
        metric=settings.metric,
    )
    # Stopped where it was, not planned shorter: a cosine depends on the planned epochs.
    stop = {len(record.epochs): math.inf}
    networks = NetworkCache()
    head = trained_head(config, record.repeat, folder=folder, data=data, networks=networks)
    return train(config, data, report=lambda _: None, networks=networks, cutoffs=stop, head=head)


def agreement(folder: RunFolder, record: TrialRecord, again: TrialResult) -> Agreement:
    """Compare a repetition with what the run kept."""
    losses = [
        abs(getattr(old, name) - getattr(new, name))
        for old, new in zip(record.epochs, again.epochs, strict=True)
        for name in ("train_loss", "validation_loss")
    ]
    sealed = folder.open_sealed_test(record.trial)  # compared, and no figure of it shown
    return Agreement(loss=max(losses), probability=float(np.abs(sealed - again.test).max()))


def verdict(
    folder: RunFolder, record: TrialRecord, again: Callable[[], TrialResult]
) -> tuple[bool, str]:
    """Repeat a trial; return whether it agrees with its record, and the lines that say so."""
    try:
        result = again()
    except ArithmeticError as fault:  # `train.Diverged`, whose module loads TensorFlow
        return False, f"{record.trial}: NOT reproduced: the repetition {fault}"
    comparison = agreement(folder, record, result)
    accuracies = (
        f"recorded validation accuracy {record.validation_accuracy}, "
        f"again {result.validation_accuracy}"
    )
    return comparison.agrees, f"{record.trial}: {accuracies}\n{record.trial}: {comparison}"
