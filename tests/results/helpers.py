"""A synthetic run on disk, written through `RunFolder`: no Keras, no Ray, a few milliseconds.

    folder = make_run(tmp_path / "run", [Trial("Xception", 0), Trial("VGG16", 1, skill=0.9)])

Predictions are seeded by the trial's name; `skill` is roughly the accuracy they reach.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.ledger.anatomy import Anatomy
from results.ledger.arrays import Probabilities
from results.ledger.records import Cost, EpochRecord, Predictions, Status, TrialRecord
from results.ledger.run_record import RunRecord
from results.ledger.runs import DataRecord, Importances, Share, Split, WeightsSource
from results.ledger.store import RunFolder
from results.scores import choosing, metrics
from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES
from search_spaces.config import TrialConfig, TrialId
from search_spaces.metrics import ACCURACY
from search_spaces.settings import RunSettings
from search_spaces.space import DEFAULT_SEARCH

SMALL = {"train": 24, "validation": 12, "test": 16}
PAPER_SIZES = {"train": 2400, "validation": 800, "test": 800}


@dataclass(frozen=True)
class Trial:
    """What a synthetic trial shall look like; `changes` go into the paper's configuration."""

    backbone: str
    number: int
    status: str = Status.COMPLETED
    skill: float = 0.8
    epochs: int = 3
    changes: dict[str, Any] = dataclasses.field(default_factory=dict)
    stored: tuple[str, ...] = ("block13_pool",)
    train: Probabilities | None = None
    test: Probabilities | None = None
    validation: Probabilities | None = None
    repeat: int = 0
    batch_halved: bool = False

    @property
    def name(self) -> str:
        return TrialId(self.backbone, self.number, self.repeat).name

    @property
    def config(self) -> TrialConfig:
        return dataclasses.replace(paper.baseline(self.backbone), **self.changes)


def make_split(classes: int, sizes: dict[str, int]) -> Split:
    """Splits of the given sizes, labels in turn, rows of the splits interleaved."""
    parts = [part for part, size in sizes.items() for _ in range(size)]
    order = np.random.default_rng(0).permutation(len(parts))
    return Split(
        files=tuple(f"photos/{row:04d}.jpg" for row in range(len(parts))),
        labels=np.arange(len(parts), dtype=np.int64) % classes,
        sha256=tuple(hashlib.sha256(str(row).encode()).hexdigest() for row in range(len(parts))),
        parts=tuple(parts[at] for at in order),
    )


def make_run(
    root: Path,
    trials: Sequence[Trial],
    *,
    classes: Sequence[str] = paper.CLASSES,
    sizes: dict[str, int] | None = None,
    unfinished: Sequence[str] = (),
    demonstration: bool = False,
    weights: str = "imagenet",
    importances: dict[str, Importances] | None = None,
    split: Split | None = None,
    confirm: int = 0,
    metric: str = ACCURACY,
) -> RunFolder:
    """Write a run whose ledger holds `trials`; `unfinished` names are planned besides.

    With `confirm` seeds it is a run of just these backbones, two searched trials each.
    """
    folder = RunFolder(root)
    split = split or make_split(len(classes), sizes or SMALL)
    planned = tuple(trial.name for trial in trials if not trial.repeat) + tuple(unfinished)
    run = make_run_record(classes, planned, demonstration, weights)
    run = dataclasses.replace(run, settings=dataclasses.replace(run.settings, metric=metric))
    if confirm:
        backbones = tuple(dict.fromkeys(trial.backbone for trial in trials))
        confirming = dataclasses.replace(run.settings, confirm=confirm, backbones=backbones)
        run = dataclasses.replace(run, settings=confirming)
    folder.write_run(run)
    folder.write_split(split, tuple(classes))
    for trial in trials:
        write_trial(folder, trial, split, len(classes), metric)
    if importances is not None:
        folder.write_importances(importances)
    return folder


def shares(**means: float) -> Importances:
    """Importances with these shares, of six trials up to the second epoch."""
    return Importances(6, 2, {name: Share(mean, 0.05) for name, mean in means.items()})


def settings_of(weights: str) -> RunSettings:
    return RunSettings(
        data="photos.zip",
        weights=weights,
        backbones=PAPER_NAMES,
        trials=2,
        search=DEFAULT_SEARCH,
        early_stopping=True,
        epochs=10,
        batch_size=32,
        image_size=150,
        seed=42,
        cache_dtype="float32",
        seconds_prepare=1.5,
    )


def make_run_record(
    classes: Sequence[str],
    planned: Sequence[str],
    demonstration: bool = False,
    weights: str = "imagenet",
) -> RunRecord:
    trials = tuple(TrialId.parse(name) for name in planned)
    return RunRecord(
        created="2026-01-02T03:04:05",
        command=("run_sweep.py", "--backbones", "all"),
        settings=settings_of(weights),
        planned=trials,
        seed=42,
        lag=1,
        demonstration=demonstration,
        data=DataRecord(
            name="photos",
            source="photos.zip",
            digest="d" * 64,
            classes=tuple(classes),
            image_size=150,
            photos=52,
        ),
        weights=weights,
        weights_sha256={}
        if weights == "random"
        else {trial.backbone: "w" * 64 for trial in sorted(trials)},
        weights_source={}
        if weights == "random"
        else {trial.backbone: WeightsSource.KERAS for trial in sorted(trials)},
        versions={"python": "3.11", "keras": "3.15.1"},
        hardware={"processors": 2, "gpus": []},
    )


def write_trial(
    folder: RunFolder, trial: Trial, split: Split, classes: int, metric: str = ACCURACY
) -> None:
    """Commit one trial with predictions that agree with its record."""
    folder.write_suggestion(trial.name, trial.config)
    if trial.status == Status.FAILED:
        folder.write_record(
            TrialRecord(
                trial.number,
                Status.FAILED,
                trial.config,
                error="loss became nan",
                repeat=trial.repeat,
            )
        )
        return
    predictions = make_predictions(trial, split, classes)
    test = make_test(trial, split, classes)
    weights = {"dense/kernel": np.ones((2, 2))}
    digest = folder.write_artefacts(trial.name, predictions, test, weights)
    record = make_record(trial, predictions, split, digest)
    if metric != ACCURACY:
        labels = split.labels[split.indices("validation")]
        score = choosing.score(metric, predictions.validation, labels)
        record = dataclasses.replace(record, validation_score=score)
    folder.write_record(record)


def make_predictions(trial: Trial, split: Split, classes: int) -> Predictions:
    """Probabilities of a made-up trial; the last epoch is the best."""
    random = _random(trial, "seen")

    def answers(part: str) -> Probabilities:
        return probabilities(random, split.labels[split.indices(part)], classes, trial.skill)

    validation = trial.validation if trial.validation is not None else answers("validation")
    earlier = [answers("validation") for _ in range(trial.epochs - 1)]
    return Predictions(
        train=trial.train if trial.train is not None else answers("train"),
        validation=validation,
        validation_by_epoch=np.stack([*earlier, validation]),
    )


def make_test(trial: Trial, split: Split, classes: int) -> Probabilities:
    """A made-up trial's probabilities of the test photos: [N, C]."""
    if trial.test is not None:
        return trial.test
    labels = split.labels[split.indices("test")]
    return probabilities(_random(trial, "sealed"), labels, classes, trial.skill)


def _random(trial: Trial, what: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{trial.name} {what}".encode()).hexdigest()
    return np.random.default_rng(int(digest[:8], 16))


def probabilities(
    random: np.random.Generator, labels: NDArray[np.int64], classes: int, skill: float
) -> Probabilities:
    """[N, C] rows that favour the true class with probability `skill`."""
    named = np.where(
        random.random(len(labels)) < skill,
        labels,
        (labels + 1 + random.integers(0, classes - 1, len(labels))) % classes,
    )
    raw = random.random((len(labels), classes)) * 0.5
    raw[np.arange(len(labels)), named] += 0.6 + random.random(len(labels)) * classes * 3
    return np.asarray(raw / raw.sum(axis=1, keepdims=True), dtype=np.float32)


def make_record(
    trial: Trial, predictions: Predictions, split: Split, weights_sha256: str
) -> TrialRecord:
    """The record that belongs to predictions, scores computed from them."""
    labels = split.labels[split.indices("validation")]
    return TrialRecord(
        number=trial.number,
        repeat=trial.repeat,
        status=Status(trial.status),
        config=trial.config,
        epochs=tuple(
            EpochRecord(epoch + 1, 0.7 / (epoch + 1), 0.6, 0.8, 0.5, 5e-5, 1.25)
            for epoch in range(trial.epochs)
        ),
        best_epoch=trial.epochs,
        validation_accuracy=metrics.accuracy(predictions.validation, labels),
        validation_loss=metrics.cross_entropy(predictions.validation, labels),
        cost=Cost(2.0, 3.0, 6.0, photos_prefix=52, photos_trained=72, bytes_stored=1000),
        anatomy=Anatomy(10, 5, 1000, 500, 100, trial.config.unfreeze, trial.stored, 0),
        weights_sha256=weights_sha256,
        batch_halved=trial.batch_halved,
    )


def counted(labels: NDArray[np.int64], correct: int, classes: int = 2) -> Probabilities:
    """[N, C] answers of which exactly the first `correct` are right, each 0.9 sure."""
    named = labels.copy()
    named[correct:] = (named[correct:] + 1) % classes
    found = np.full((len(labels), classes), 0.1 / (classes - 1), dtype=np.float32)
    found[np.arange(len(labels)), named] = 0.9
    return found
