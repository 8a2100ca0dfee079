"""Writes the winners as Keras models: `models/<Backbone>.keras` and `models/ensemble.keras`.

    python -m trainables export RUN

Each takes uint8 RGB photos, [N, H, W, 3], and gives probabilities, [N, C]. The class names travel
in the file as `classes.json` (a `.keras` file is a zip); `models/manifest.json` has their SHA-256,
and which of them validation recommends.
Load only models that you trust: `predict` does not load them, it rebuilds the network.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from results.ledger.files import whole_or_absent
from results.ledger.manifest import write_manifest
from results.ledger.store import RunFolder
from results.scores.method_types import ENSEMBLE
from results.scores.summary import read_summary
from trainables.finished.rebuild import rebuilt


def export(folder: RunFolder) -> list[Path]:
    """Write the best trial of every backbone, and the ensemble; return the files.

    Raises:
        Refusal: the report is missing, weights cannot be trusted, or the disk is full.
    """
    run, summary = folder.read_run(), read_summary(folder)
    trials_of = {
        backbone.name: [backbone.best.trial]
        for backbone in summary.backbones
        if backbone.best is not None
    }
    if summary.ensemble is not None:
        trials_of[ENSEMBLE] = list(summary.ensemble.members)
    files = []
    for name, trials in trials_of.items():
        target = folder.models / f"{name}.keras"
        save(rebuilt(folder, run, trials), target, run.data.classes)
        files.append(target)
    members = {path.name: trials_of[path.stem] for path in files}
    recommended = [
        name for name, trials in members.items() if tuple(trials) == summary.recommended_trials
    ]
    write_manifest(folder.models_json, files, trials=members, recommended=recommended)
    return files


def save(model: Any, target: Path, classes: tuple[str, ...]) -> None:
    """Write a model and the names of its classes as one file, whole or absent."""
    with whole_or_absent(target, suffix=".keras") as part:
        model.save(part)
        with zipfile.ZipFile(part, "a") as archive:
            archive.writestr("classes.json", json.dumps(list(classes), ensure_ascii=False))
