"""A finished trial as a network again: rebuilt in code, hashed weights put in, nothing unpickled.

The model takes uint8 RGB photos of any number and size and gives probabilities; resizing and
scaling are inside. Photos that have the trial's size already pass the resizing unchanged; a model
for formats that cannot resize as Keras does takes such photos alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from results.ledger.records import TrialRecord
from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from search_spaces.presets import cache_dir_known_as
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal
from trainables.networks.backbones import FullNetwork, build, weights_of
from trainables.networks.frozen import as_list
from trainables.networks.scaling import scaled
from trainables.networks.weight_files import resolve
from trainables.networks.weights import Weights


def run_weights(run: RunRecord, backbones: tuple[str, ...]) -> Weights:
    """The weights that the run started from, checked against the digests it recorded.

    They are looked for in the run's cache folder or, where that does not exist, in this machine's.

    Raises:
        EnvironmentRefusal: they are missing or others now.
    """
    cache_dir = cache_dir_known_as(run.settings.cache_dir)
    weights = resolve(run.weights, backbones, cache_dir=cache_dir, seed=run.seed)
    for backbone in backbones:
        if weights.digests[backbone] != run.weights_sha256.get(backbone):
            raise EnvironmentRefusal(
                f"the weights of {backbone} are not those of the run",
                where=run.weights,
                fix="Put the run's weights back.",
            )
    return weights


def scored_record(folder: RunFolder, trial: str) -> TrialRecord:
    """The record of a trial that has weights.

    Raises:
        UsageRefusal: there is no such trial, or it failed.
    """
    record = folder.read_record(trial)
    if record is None or not record.weights_sha256:
        raise UsageRefusal(
            f"there is no finished trial {trial!r} with weights",
            where=str(folder.root),
            fix="Name one as its folder below trials/, such as Xception/baseline.",
        )
    return record


def trained_whole(folder: RunFolder, run: RunRecord, record: TrialRecord) -> FullNetwork:
    """The trial's backbone and head with the best epoch's weights in them.

    Raises:
        EnvironmentRefusal: a file is missing or is not the one that was recorded.
    """
    config = record.config
    whole = build(
        config.backbone,
        image_size=config.image_size,
        classes=len(run.data.classes),
        weights=run_weights(run, (config.backbone,)),
        precision=run.settings.precision,
        head=config.head,
    )
    for name, value in folder.read_weights(record).items():
        node, index = (int(part) for part in name.split("/"))
        weights_of(whole.layers[node])[index].assign(value)
    return whole


def photo_model(whole: FullNetwork, record: TrialRecord, *, any_size: bool = True) -> Any:
    """A trial's network for photos: [N, H, W, 3] uint8 in, [N, C] float32 probabilities out.

    Args:
        any_size: whether H and W are free; otherwise they are the trial's size.
    """
    size = record.config.image_size
    shape = (None, None, 3) if any_size else (size, size, 3)
    photos = keras.Input(shape, dtype="uint8", name="photos")
    pixels = keras.ops.cast(photos, "float32")
    if any_size:
        pixels = keras.layers.Resizing(size, size, antialias=True, name="resized")(pixels)
    pixels = scaled(pixels, record.config.scaling_kind)
    network = whole.part((0,), (whole.graph.output,))
    [logits] = as_list(network([pixels], training=False))
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(photos, probabilities, name=record.trial.replace("/", "_"))


def averaged(models: Sequence[Any]) -> Any:
    """One model that gives the mean of the members' probabilities."""
    photos = keras.Input(models[0].input_shape[1:], dtype="uint8", name="photos")
    outputs = [model(photos, training=False) for model in models]
    mean = keras.layers.Average(name="probabilities")(outputs) if len(outputs) > 1 else outputs[0]
    return keras.Model(photos, mean, name="ensemble")


def rebuilt(
    folder: RunFolder, run: RunRecord, trials: Sequence[str], *, any_size: bool = True
) -> Any:
    """One or more finished trials as one model, see `photo_model`; several are averaged.

    Raises:
        Refusal: a trial has no weights, or they cannot be trusted.
    """
    models = []
    for trial in trials:
        record = scored_record(folder, trial)
        whole = trained_whole(folder, run, record)
        models.append(photo_model(whole, record, any_size=any_size))
    return models[0] if len(models) == 1 else averaged(models)
