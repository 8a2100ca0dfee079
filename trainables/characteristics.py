"""Measures the paper's Table 1 on this machine: size, parameters, depth and milliseconds per step.

    python -m trainables.characteristics RUN

Keras publishes these for the model *with* its ImageNet top; here they are measured with and without
it, at the run's image size. Depth is Keras' own count: layers that have weights. What was measured
on the same machine and versions before is taken from the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from results.files import read_json, write_json
from results.runs import Characteristics, RunRecord
from results.store import RunFolder
from search_spaces.refusals import Refusal

BATCH = 32
REPEATS = 5
_CLASSES = 1000
_FLOAT_BYTES = 4
_MEGABYTE = 1024 * 1024


def measure(backbone: str, image_size: int, device: str) -> Characteristics:
    """Build the backbone with and without its top, and time inference on random photos."""
    photos = np.random.default_rng(0).random((BATCH, image_size, image_size, 3), np.float32)
    top, bare = _built(backbone, image_size, top=True), _built(backbone, image_size, top=False)
    return Characteristics(
        backbone=backbone,
        image_size=image_size,
        device=device,
        batch=BATCH,
        megabytes=top.count_params() * _FLOAT_BYTES / _MEGABYTE,
        megabytes_without_top=bare.count_params() * _FLOAT_BYTES / _MEGABYTE,
        parameters=top.count_params(),
        parameters_without_top=bare.count_params(),
        depth=_depth(top),
        depth_without_top=_depth(bare),
        milliseconds_per_step=_milliseconds(top, photos),
        milliseconds_per_step_without_top=_milliseconds(bare, photos),
    )


def of_run(run: RunRecord, backbones: Sequence[str]) -> list[Characteristics]:
    """Measure each backbone of a run, or take what the cache folder has of this machine."""
    folder = Path(run.settings["cache_dir"]) / "characteristics"
    threads = run.hardware["cpus"]
    gpus = run.hardware["gpus"]
    device = f"{run.hardware['name']}, {threads} CPU threads" if not gpus else f"{gpus} GPU"
    found = []
    for backbone in backbones:
        path = folder / f"{_key(run, backbone, device)}.json"
        if not path.is_file():
            write_json(path, vars(measure(backbone, run.data.image_size, device)))
        found.append(Characteristics(**read_json(path)))
    return found


def _key(run: RunRecord, backbone: str, device: str) -> str:
    parts = [backbone, run.data.image_size, device, dict(run.versions), dict(run.hardware)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def _built(backbone: str, image_size: int, *, top: bool) -> Any:
    import keras

    classes = {"classes": _CLASSES} if top else {}
    make = getattr(keras.applications, backbone)
    shape = (image_size, image_size, 3)
    return make(include_top=top, weights=None, input_shape=shape, **classes)


def _depth(model: Any) -> int:
    return sum(bool(layer.weights) for layer in model.layers)


def _milliseconds(model: Any, photos: np.ndarray[Any, Any]) -> float:
    import tensorflow as tf

    step = tf.function(lambda batch: model(batch, training=False))
    batch = tf.constant(photos)
    step(batch)
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        step(batch).numpy()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def main(arguments: Sequence[str]) -> int:
    """Measure a run's backbones into its folder; return the exit code."""
    from trainables.devices import configure

    if len(arguments) != 1:
        print("error: one run folder is needed.", file=sys.stderr)
        return 2
    folder = RunFolder(Path(arguments[0]).absolute())
    try:
        run = folder.read_run()
        configure(cpus=run.hardware["cpus"], gpus=run.hardware["gpus"])
        folder.write_characteristics(of_run(run, run.settings["backbones"]))
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
