"""Measures the paper's Table 1 on this machine: size, parameters, depth and milliseconds per step.

    python -m trainables characteristics RUN

Keras publishes these for the model *with* its ImageNet top at its default input size, and so are
size, parameters and depth with the top counted here (VGG16's dense layers grow with the photo). The
times are of the run's image size and oneDNN setting, with the top and without it. Depth is Keras'
own count: layers that have weights. What was measured before on the same device, by name, with the
same versions and setting is taken from the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import statistics
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from results.ledger.files import read_json, write_json
from results.ledger.run_record import RunRecord
from results.ledger.runs import MeasuredCharacteristics
from results.ledger.serialise import from_json, to_json
from search_spaces.installed import version_of
from search_spaces.presets import cache_dir_known_as
from search_spaces.refusals import EnvironmentRefusal
from trainables.networks.devices import device_name, onednn_setting

BATCH = 32
REPEATS = 5
DEFAULT_SIZE = 224
DEFAULT_SIZES = {"InceptionV3": 299, "InceptionResNetV2": 299, "Xception": 299}
"""Pixels of the input that Keras' published figures are of, where they are not `DEFAULT_SIZE`."""

_LOG = logging.getLogger(__name__)
_SCHEMA = 2
_CLASSES = 1000
_FLOAT_BYTES = 4
_MEGABYTE = 1024 * 1024


def counted(backbone: str, at_another_size: Any = None) -> tuple[int, int]:
    """Parameters and depth of the model that Keras publishes: top and default input size.

    Args:
        at_another_size: the model with its top, where it is built already. Its counts are the
            published ones' unless it flattens a feature map, whose size follows the photo's.
    """
    import keras

    model = at_another_size
    if model is None or any(isinstance(layer, keras.layers.Flatten) for layer in model.layers):
        model = _built(backbone, DEFAULT_SIZES.get(backbone, DEFAULT_SIZE), top=True)
    return int(model.count_params()), _depth(model)


def measure(backbone: str, image_size: int, device: str) -> MeasuredCharacteristics:
    """Build the backbone with and without its top, and time inference on random photos.

    Args:
        image_size: pixels, of what is timed.
        device: in words.
    """
    photos = np.random.default_rng(0).random((BATCH, image_size, image_size, 3), np.float32)
    top, bare = _built(backbone, image_size, top=True), _built(backbone, image_size, top=False)
    parameters, depth = counted(backbone, top)
    return MeasuredCharacteristics(
        backbone=backbone,
        image_size=image_size,
        device=device,
        batch=BATCH,
        megabytes=parameters * _FLOAT_BYTES / _MEGABYTE,
        megabytes_without_top=bare.count_params() * _FLOAT_BYTES / _MEGABYTE,
        parameters=parameters,
        parameters_without_top=bare.count_params(),
        depth=depth,
        depth_without_top=_depth(bare),
        milliseconds_per_step=_milliseconds(top, photos),
        milliseconds_per_step_without_top=_milliseconds(bare, photos),
    )


def measure_run(run: RunRecord, set_up: Callable[[], None]) -> list[MeasuredCharacteristics]:
    """Measure each backbone of a run on this process's device, or take it from the cache folder.

    Args:
        set_up: loads TensorFlow for the run; called, once, where something is measured or a GPU is
            to be named. It takes seconds.
    """
    ready, gpus = cache(set_up), run.hardware["gpus"]
    if gpus:
        ready()

    def measured(backbone: str, image_size: int, device: str) -> MeasuredCharacteristics:
        ready()
        return measure(backbone, image_size, device)

    return of_backbones(
        run.settings.backbones,
        image_size=run.data.image_size,
        device=device_name(run.hardware["cpus"], gpus),
        versions=_versions(run.settings.onednn or onednn_setting()),
        folder=cache_dir_known_as(run.settings.cache_dir) / "characteristics",
        measured=measured,
    )


def of_backbones(
    backbones: Sequence[str],
    *,
    image_size: int,
    device: str,
    versions: Sequence[str],
    folder: Path,
    measured: Callable[[str, int, str], MeasuredCharacteristics] = measure,
) -> list[MeasuredCharacteristics]:
    """Measure each backbone, or take what `folder` has of this size, device and versions."""
    rows = []
    for backbone in backbones:
        parts = [_SCHEMA, backbone, image_size, device, *versions]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
        path = folder / f"{key}.json"
        row = _kept(path)
        if row is None:
            row = measured(backbone, image_size, device)
            write_json(path, to_json(row))
        rows.append(row)
    return rows


def _kept(path: Path) -> MeasuredCharacteristics | None:
    """What was measured before; None where nothing was, or where the file is damaged."""
    if not path.exists():
        return None
    try:
        return from_json(MeasuredCharacteristics, read_json(path))
    except (EnvironmentRefusal, ValueError) as fault:
        _LOG.warning("these characteristics are not used but measured again: %s", fault)
        return None


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


def _versions(onednn: str) -> tuple[str, ...]:
    """What changes the times on one device: the libraries, and the run's oneDNN setting."""
    return version_of("tensorflow"), version_of("keras"), f"oneDNN {onednn}"
