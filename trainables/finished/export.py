"""Writes the winners as Keras models: `models/<Backbone>.keras` and `models/ensemble.keras`.

    python -m trainables export RUN
    python -m trainables export RUN --tflite        the recommended one as a .tflite file as well

Each takes uint8 RGB photos, [N, H, W, 3], and gives probabilities, [N, C]; plain Keras opens it. A
`.tflite` file takes photos of the run's size alone: TensorFlow Lite has no resizing that averages.
The class names travel in the file as `classes.json` (a `.keras` file is a zip, a `.tflite` file has
one behind it); `README.md` is the model card; `manifest.json` has the SHA-256 of all of them, and
which model validation recommends.
Load only models that you trust: `predict` does not load them, it rebuilds the network.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from results.ledger.files import whole_or_absent, write_text
from results.ledger.manifest import digests, write_manifest
from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from results.scores.summary import read_summary
from search_spaces.config import FLOAT32
from search_spaces.refusals import DataRefusal, UsageRefusal
from trainables.finished.card import card, winners
from trainables.finished.rebuild import averaged, rebuilt


def export(folder: RunFolder, *, tflite: bool = False) -> list[Path]:
    """Write the best trial of every backbone, the ensemble, and their card; return the models.

    Args:
        tflite: whether the recommended model is written for TensorFlow Lite as well.

    Raises:
        Refusal: the report is missing, weights cannot be trusted, the disk is full, or the run did
            not compute in float32 and TensorFlow Lite is asked for.
    """
    run, summary = folder.read_run(), read_summary(folder)
    if tflite and run.settings.precision != FLOAT32:
        raise UsageRefusal(
            f"TensorFlow Lite takes float32 networks, this run has {run.settings.precision}",
            where="--tflite",
            fix="Export without it.",
        )
    trials_of = {model.name: model.trials for model in winners(summary)}
    if not trials_of:
        raise DataRefusal("no trial of this run has weights", where=str(folder.root))
    files = []
    for name, model in _built(folder, run, trials_of):
        files.append(folder.models / f"{name}.keras")
        save(model, files[-1], run.data.classes)
    recommended = [path for path in files if trials_of[path.stem] == summary.recommended_trials]
    for old in folder.models.glob("*.tflite"):
        old.unlink()  # of an earlier export: another winner's, it may be
    if tflite:
        files += [_as_tflite(folder, run, path, trials_of[path.stem]) for path in recommended]
    listed = digests(files, below=folder.models)
    write_text(folder.model_card, card(summary, listed))
    write_manifest(
        folder.models_json,
        [folder.model_card],
        known=listed,
        trials={path.name: trials_of[path.stem] for path in files},
        recommended=[path.name for path in recommended],
    )
    return files


def _built(
    folder: RunFolder, run: RunRecord, trials_of: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, Any]]:
    """Each model by its name; members of an average are built once."""
    shared = {trial for trials in trials_of.values() if len(trials) > 1 for trial in trials}
    kept: dict[str, Any] = {}
    for name, trials in trials_of.items():
        models = [kept.get(trial) or rebuilt(folder, run, (trial,)) for trial in trials]
        kept.update(
            (trial, model) for trial, model in zip(trials, models, strict=True) if trial in shared
        )
        yield name, models[0] if len(models) == 1 else averaged(models)


def save(model: Any, target: Path, classes: tuple[str, ...]) -> None:
    """Write a model and the names of its classes as one file, whole or absent."""
    with whole_or_absent(target, suffix=".keras") as part:
        model.save(part)
        _add_classes(part, classes)


def save_tflite(model: Any, target: Path, classes: tuple[str, ...]) -> None:
    """Write a model of one photo size for TensorFlow Lite, with its classes, whole or absent."""
    with whole_or_absent(target, suffix=".tflite") as part:
        model.export(part, format="litert", verbose=False)
        _add_classes(part, classes)


def _as_tflite(folder: RunFolder, run: RunRecord, path: Path, trials: tuple[str, ...]) -> Path:
    target = path.with_suffix(".tflite")
    save_tflite(rebuilt(folder, run, trials, any_size=False), target, run.data.classes)
    return target


def _add_classes(part: Path, classes: tuple[str, ...]) -> None:
    with zipfile.ZipFile(part, "a") as archive:
        archive.writestr("classes.json", json.dumps(list(classes), ensure_ascii=False))
