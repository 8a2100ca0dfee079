"""Trains one configuration in a plain process, without Ray.

    result = train(config, data, report)

`report` is called with each `EpochRecord` as it ends. The best epoch by validation is what is kept:
its weights, and what they answer for every photo. The training and the test photos are predicted
once, at the end; no test figure is computed here, see `results.ledger.store`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.ledger.anatomy import Anatomy
from results.ledger.arrays import Probabilities
from results.ledger.records import Cost, EpochRecord, Predictions, Status, TrialResult
from results.scores.choosing import score
from results.scores.metrics import accuracy, cross_entropy
from search_spaces.config import FROZEN, TrialConfig
from search_spaces.metrics import ACCURACY
from search_spaces.settings import UNWEIGHTED
from trainables.features.fill import TrainingData
from trainables.networks.losses import Loss, balanced
from trainables.networks.network import Network
from trainables.progress import Progress, quiet
from trainables.training.anatomy import anatomy
from trainables.training.inputs import Part, trial_inputs
from trainables.training.network_cache import NetworkCache
from trainables.training.validated import Validated

Report = Callable[[EpochRecord], None]


class Diverged(ArithmeticError):
    """The loss stopped being a number."""


def train(
    config: TrialConfig,
    data: TrainingData,
    report: Report,
    *,
    networks: NetworkCache | None = None,
    cutoffs: Mapping[int, float] | None = None,
    is_time_up: Callable[[], bool] = lambda: False,
    progress: Progress = quiet,
    head: Mapping[str, NDArray[Any]] | None = None,
) -> TrialResult:
    """Train one configuration.

    Args:
        config: what is trained, and how.
        data: photos, split, weights and the feature store.
        report: called after every epoch; what it raises ends the trial.
        networks: those to reuse; none if None.
        cutoffs: per epoch the score on validation below which the trial stops there.
        is_time_up: asked after every epoch; the trial ends there if it is.
        progress: told what is being done, for a screen.
        head: the kept weights of the trial `config.head_from`, if it names one.

    Raises:
        ValueError: a head is missing, or given to a configuration that starts from none.
        Diverged: a loss is not finite.
        EnvironmentRefusal: weights do not fit, or the disk is full.
    """
    started = time.perf_counter()
    networks, cutoffs = networks or NetworkCache(), cutoffs or {}
    full = networks.full_network(config, data)
    cut = full.cut(config.unfreeze)
    inputs = trial_inputs(full, cut, config, data, progress)
    network = networks.network(
        full,
        cut,
        inputs.photos.format,
        jit_compile=data.jit_compile,
        freezes_batch_norm=config.batch_norm == FROZEN,
    )
    _reset(network, config, data, head)
    training_started, traced_before = time.perf_counter(), network.seconds_tracing
    parts = inputs.parts(data, network, progress)
    course = _run_epochs(config, network, data, parts, report, cutoffs, is_time_up, progress)
    network.load(course.best_weights)
    on_train, on_test = (
        _predict(network, parts[name], config.batch_size, progress) for name in ("train", "test")
    )
    return course.result(
        on_train,
        on_test,
        anatomy=anatomy(full, cut, config, inputs.photos),
        cost=replace(
            inputs.cost,
            seconds_training=time.perf_counter() - training_started,
            seconds_total=time.perf_counter() - started,
            photos_trained=len(parts["train"].rows) * len(course.epochs),
            seconds_tracing=inputs.cost.seconds_tracing + network.seconds_tracing - traced_before,
        ),
    )


@dataclass(frozen=True)
class _Course:
    """What the epochs of a trial gave."""

    status: Status
    epochs: tuple[EpochRecord, ...]
    validated: Validated
    best_weights: dict[str, NDArray[Any]]

    @property
    def best(self) -> EpochRecord:
        return self.epochs[best_epoch(self.epochs) - 1]

    def result(
        self, train: Probabilities, test: Probabilities, *, anatomy: Anatomy, cost: Cost
    ) -> TrialResult:
        """What is kept: all by the best epoch's weights.

        Args:
            train, test: [N, C] of the training and the test photos.
        """
        best, validated = self.best, self.validated
        return TrialResult(
            status=self.status,
            epochs=self.epochs,
            best_epoch=best.epoch,
            validation_accuracy=best.validation_accuracy,
            validation_loss=best.validation_loss,
            validation_score=best.validation_score,
            predictions=Predictions(train, validated.best, validated.by_epoch),
            test=test,
            weights=self.best_weights,
            anatomy=anatomy,
            cost=cost,
        )


def _reset(
    network: Network,
    config: TrialConfig,
    data: TrainingData,
    head: Mapping[str, NDArray[Any]] | None,
) -> None:
    network.reset(
        optimizer=config.optimizer,
        learning_rate=config.learning_rate,
        seed=config.seed,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        dropout=config.dropout,
        loss=_loss(config, data),
    )
    if (head is None) is (config.head_from > 0):
        raise ValueError("a trained head is given exactly if the configuration starts from one")
    if head is not None:
        network.start_head(head)


def _loss(config: TrialConfig, data: TrainingData) -> Loss:
    """What the trial trains on; class weights are those of the training photos."""
    if data.class_weights == UNWEIGHTED:
        return Loss(config.label_smoothing)
    labels = data.split.labels[data.split.indices("train")]
    return Loss(config.label_smoothing, balanced(labels, data.classes))


def _run_epochs(
    config: TrialConfig,
    network: Network,
    data: TrainingData,
    parts: Mapping[str, Part],
    report: Report,
    cutoffs: Mapping[int, float],
    is_time_up: Callable[[], bool],
    progress: Progress,
) -> _Course:
    """Train epoch by epoch, to the end, to the first cutoff that is missed, or until time is up."""
    epochs: list[EpochRecord] = []
    best_weights: dict[str, NDArray[Any]] = {}
    status, validation_part = Status.COMPLETED, parts["validation"]
    validated = Validated(config.epochs, len(validation_part.rows), data.classes)
    if not network.seconds_tracing:
        progress("tracing", 0, None)
    for number in range(1, config.epochs + 1):
        started = time.perf_counter()
        train_loss, train_accuracy, rate = _train_once(
            config, network, parts["train"], number, progress
        )
        predicted = _predict(network, validation_part, config.batch_size, progress)
        record = EpochRecord(
            epoch=number,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=_finite(cross_entropy(predicted, validation_part.labels), number),
            validation_accuracy=accuracy(predicted, validation_part.labels),
            learning_rate=rate,
            seconds=time.perf_counter() - started,
            validation_score=None
            if data.metric == ACCURACY
            else score(data.metric, predicted, validation_part.labels),
        )
        epochs.append(record)
        is_best = best_epoch(epochs) == number
        validated.add(predicted, is_best=is_best)
        if is_best:
            best_weights = network.weights()
        report(record)
        if record.score < cutoffs.get(number, -math.inf):
            status = Status.STOPPED_EARLY
            break
        if number < config.epochs and is_time_up():
            status = Status.OUT_OF_TIME
            break
    return _Course(status, tuple(epochs), validated, best_weights)


def _train_once(
    config: TrialConfig, network: Network, part: Part, epoch: int, progress: Progress
) -> tuple[float, float, float]:
    """One pass over the training photos in a seeded order: mean loss, accuracy, and last rate."""
    chance = np.random.default_rng((config.seed, epoch))
    total, correct, done = 0.0, 0, 0
    photos, size = len(part.rows), config.batch_size
    steps = math.ceil(photos / size)
    first = (epoch - 1) * steps
    rates = [config.rate_at(number, steps) for number in range(first, first + steps)]
    for batches in part.shuffled(chance, _at_once(network, part, size)):
        step, labels = done // size, batches.labels
        counts = [min(size, len(labels) - start) for start in range(0, len(labels), size)]
        losses, seen_right = network.train(
            batches.inputs, labels, size, rates[step : step + len(counts)], batches.places
        )
        for loss, count in zip(losses, counts, strict=True):
            total += _finite(loss, epoch) * count
        correct += seen_right
        done += len(labels)
        progress("training", done, photos)
    return total / photos, correct / photos, rates[-1]


def _predict(network: Network, part: Part, batch_size: int, progress: Progress) -> Probabilities:
    """[n, C] in inference mode, in the part's order."""
    photos, predicted, done = len(part.rows), [], 0
    for batches in part.in_order(_at_once(network, part, batch_size)):
        predicted.append(network.predict(batches.inputs, batch_size, batches.places))
        done += len(batches.labels)
        progress("predicting", done, photos)
    return np.concatenate(predicted)


def _at_once(network: Network, part: Part, batch_size: int) -> int:
    """Photos that one call is to have."""
    return batch_size * network.batches_at_once(batch_size, on_device=part.tables is not None)


def _finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise Diverged(f"diverged at epoch {epoch}: the loss is {loss}")
    return loss


def best_epoch(epochs: Sequence[EpochRecord]) -> int:
    """The epoch, from 1, with the highest score on validation, then lowest loss, then earliest."""
    return min(epochs, key=lambda epoch: (-epoch.score, epoch.validation_loss)).epoch
