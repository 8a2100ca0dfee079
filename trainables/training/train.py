"""Trains one point in a plain process, without Ray.

    result = train(config, data, report)

`report` is called with each `EpochRecord` as it ends. The best epoch by validation is what is kept:
its weights, its validation and test probabilities. The test photos are predicted once, at the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.ledger.records import Anatomy, Cost, EpochRecord, Predictions, Status, TrialResult
from search_spaces.config import TrialConfig
from trainables.features.fill import Inputs, TrainingData, frozen_inputs
from trainables.networks.backbones import Whole, weights_of
from trainables.networks.cuts import PHOTO, Cut, cut_at
from trainables.networks.network import Network
from trainables.networks.scaling import scaling_kind
from trainables.training.network_cache import Bench

Report = Callable[[EpochRecord], None]


class Diverged(ArithmeticError):
    """The loss stopped being a number."""


def train(
    config: TrialConfig,
    data: TrainingData,
    report: Report,
    *,
    bench: Bench | None = None,
    cutoffs: Mapping[int, float] | None = None,
) -> TrialResult:
    """Train one point.

    Args:
        config: the point.
        data: photos, split, weights and the feature store.
        report: called after every epoch; what it raises ends the trial.
        bench: networks to reuse; a new one if None.
        cutoffs: per epoch the validation accuracy below which the trial stops there.

    Raises:
        Diverged: a loss is not finite.
        EnvironmentRefusal: weights do not fit, or the disk is full.
    """
    started = time.perf_counter()
    bench = bench or Bench()
    kind = scaling_kind(config.backbone, config.scaling)
    whole = bench.whole(config, data)
    cut = cut_at(whole.graph, whole.first(config.unfreeze))
    inputs = frozen_inputs(whole, cut, data, kind)
    network = bench.network(
        whole, cut, inputs, kind, data.cache_dtype, jit_compile=data.jit_compile
    )
    network.reset(optimizer=config.optimizer, learning_rate=config.learning_rate, seed=config.seed)
    training = _Training(config, data, network, inputs)
    status = training.run(report, cutoffs or {})
    return training.result(status, anatomy(whole, cut, config, inputs), started)


class _Training:
    """The epochs of one trial."""

    def __init__(
        self, config: TrialConfig, data: TrainingData, network: Network, inputs: Inputs
    ) -> None:
        self.started = time.perf_counter()
        self.traced_before = network.seconds_tracing
        self.config = config
        self.network = network
        self.inputs = inputs
        self.labels = data.split.labels
        self.rows = {part: data.split.indices(part) for part in ("train", "validation", "test")}
        self.classes = data.classes
        self.epochs: list[EpochRecord] = []
        self.train_by_epoch: list[NDArray[np.float32]] = []
        self.validation_by_epoch: list[NDArray[np.float32]] = []
        self.best_weights: dict[str, NDArray[Any]] = {}

    def run(self, report: Report, cutoffs: Mapping[int, float]) -> Status:
        """Train epoch by epoch; return the trial's status."""
        for epoch in range(1, self.config.epochs + 1):
            record = self._epoch(epoch)
            report(record)
            if record.validation_accuracy < cutoffs.get(epoch, 0.0):
                return Status.STOPPED_EARLY
        return Status.COMPLETED

    def result(self, status: Status, parts: Anatomy, started: float) -> TrialResult:
        """Predict the test photos by the best epoch's weights, once, and put all together."""
        best = self.epochs[best_epoch(self.epochs) - 1]
        self.network.load(self.best_weights)
        test = self._predict("test")
        return TrialResult(
            status=status,
            epochs=tuple(self.epochs),
            best_epoch=best.epoch,
            validation_accuracy=best.validation_accuracy,
            validation_loss=best.validation_loss,
            test_accuracy=self._accuracy("test", test),
            test_loss=self._loss("test", test),
            predictions=Predictions(
                validation=self.validation_by_epoch[best.epoch - 1],
                test=test,
                validation_by_epoch=np.stack(self.validation_by_epoch),
                train_by_epoch=np.stack(self.train_by_epoch),
            ),
            weights=self.best_weights,
            anatomy=parts,
            cost=self._cost(started),
        )

    def _cost(self, started: float) -> Cost:
        return Cost(
            seconds_features=self.inputs.seconds,
            seconds_waiting=self.inputs.seconds_waiting,
            seconds_training=time.perf_counter() - self.started,
            seconds_total=time.perf_counter() - started,
            photos_prefix=self.inputs.photos_prefix,
            photos_trained=len(self.rows["train"]) * len(self.epochs),
            bytes_stored=self.inputs.bytes_stored,
            seconds_tracing=self.inputs.seconds_tracing
            + self.network.seconds_tracing
            - self.traced_before,
        )

    def _epoch(self, epoch: int) -> EpochRecord:
        started = time.perf_counter()
        loss, seen = self._train_once(epoch)
        validation = self._predict("validation")
        record = EpochRecord(
            epoch=epoch,
            train_loss=loss,
            train_accuracy=self._accuracy("train", seen),
            validation_loss=self._finite(self._loss("validation", validation), epoch),
            validation_accuracy=self._accuracy("validation", validation),
            learning_rate=self.config.learning_rate,
            seconds=time.perf_counter() - started,
        )
        self.epochs.append(record)
        self.train_by_epoch.append(seen)
        self.validation_by_epoch.append(validation)
        if best_epoch(self.epochs) == epoch:
            self.best_weights = self.network.weights()
        return record

    def _train_once(self, epoch: int) -> tuple[float, NDArray[np.float32]]:
        """One pass over the training photos in a seeded order."""
        rows = self.rows["train"]
        order = np.random.default_rng((self.config.seed, epoch)).permutation(len(rows))
        seen = np.zeros((len(rows), self.classes), np.float32)
        total = 0.0
        for start in range(0, len(order), self.config.batch_size):
            places = order[start : start + self.config.batch_size]
            batch = rows[places]
            loss, seen[places] = self.network.step(self._read(batch), self.labels[batch])
            total += self._finite(loss, epoch) * len(batch)
        return total / len(rows), seen

    def _predict(self, part: str) -> NDArray[np.float32]:
        rows = self.rows[part]
        size = self.config.batch_size
        pieces = [
            self.network.predict(self._read(rows[start : start + size]))
            for start in range(0, len(rows), size)
        ]
        return np.concatenate(pieces)

    def _read(self, rows: NDArray[np.int64]) -> list[NDArray[Any]]:
        return [array[rows] for array in self.inputs.arrays]

    def _accuracy(self, part: str, probabilities: NDArray[np.float32]) -> float:
        return float((probabilities.argmax(axis=1) == self.labels[self.rows[part]]).mean())

    def _loss(self, part: str, probabilities: NDArray[np.float32]) -> float:
        labels = self.labels[self.rows[part]]
        right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        return float(-np.log(np.maximum(right, np.finfo(np.float32).tiny)).mean())

    def _finite(self, loss: float, epoch: int) -> float:
        if not math.isfinite(loss):
            raise Diverged(f"diverged at epoch {epoch}: the loss is {loss}")
        return loss


def best_epoch(epochs: list[EpochRecord]) -> int:
    """The epoch, from 1, with the highest validation accuracy, then lowest loss, then earliest."""
    ranked = sorted(epochs, key=lambda one: (-one.validation_accuracy, one.validation_loss))
    return ranked[0].epoch


def anatomy(whole: Whole, cut: Cut, config: TrialConfig, inputs: Inputs) -> Anatomy:
    """Count what is frozen and what is trained, as the paper's Tables 2 to 4 do."""
    first = whole.first(config.unfreeze)
    trained = sum(_parameters(whole, node) for node in cut.trained)
    every = sum(_parameters(whole, node) for node in range(len(whole.layers)))
    head = range(whole.backbone_layers, len(whole.layers))
    return Anatomy(
        layers_frozen=first,
        layers_trained=whole.backbone_layers - first,
        parameters_frozen=every - trained,
        parameters_trained=trained,
        parameters_head=sum(_parameters(whole, node) for node in head),
        first_trained="" if first == whole.backbone_layers else config.unfreeze,
        stored=tuple(
            "photos" if node == PHOTO else f"{node} {type(whole.layers[node]).__name__}"
            for node in inputs.nodes
        ),
        recomputed=inputs.recomputed,
    )


def _parameters(whole: Whole, node: int) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights_of(whole.layers[node]))
