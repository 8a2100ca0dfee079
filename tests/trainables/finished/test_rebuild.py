"""A trial of any precision as a network again: in this process, and loaded from its file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.records import TrialRecord
from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from search_spaces.config import FLOAT32, PRECISIONS, TrialId
from search_spaces.heads import PAPER_HEAD, POOLED_HEAD
from sweep.schedule.assignment import Assignment
from tests.results.helpers import Trial, make_run
from tests.trainables.small_networks import SEED, point, training_data

pytestmark = pytest.mark.slow

TRIAL = "VGG16/baseline"
CONFIG = point("VGG16", size=32, unfreeze="block5_conv1")


def a_run(
    folder: Path, networks: Any, precision: str, head: str
) -> tuple[RunFolder, RunRecord, TrialRecord]:
    """A run of one trial, trained on forty photos."""
    from trainables.training.train import train

    data = replace(training_data(folder, size=32, points={}), precision=precision)
    config = replace(CONFIG, head=head)
    result = train(config, data, report=lambda _: None, networks=networks)
    run = make_run(folder / "run", [Trial("VGG16", 0)])
    digest = run.write_artefacts(TRIAL, result.predictions, result.test, result.weights)
    record = Assignment(TrialId.parse(TRIAL).number, config, {}).finished(result, digest)
    run.write_record(record)
    told = replace(
        run.read_run(),
        weights="random",
        seed=SEED,
        weights_sha256=data.weights.digests,
        settings=replace(run.read_run().settings, cache_dir=str(folder), precision=precision),
    )
    return run, told, record


@pytest.mark.parametrize(
    ("precision", "head"),
    [*((precision, PAPER_HEAD) for precision in PRECISIONS), (FLOAT32, POOLED_HEAD)],
)
def test_a_rebuilt_and_a_loaded_model_predict_what_the_trial_did(
    networks: Any, tmp_path: Path, precision: str, head: str
) -> None:
    import keras

    from trainables.finished.export import save
    from trainables.finished.rebuild import photo_model, trained_whole

    run, told, record = a_run(tmp_path, networks, precision, head)
    model = photo_model(trained_whole(run, told, record), record)
    save(model, tmp_path / "VGG16.keras", ("dark", "bright"))
    loaded = keras.models.load_model(tmp_path / "VGG16.keras")

    data = training_data(tmp_path, size=32, points={})
    photos = data.photos[data.split.indices("test")]
    expected = run.open_sealed_test(TRIAL)
    atol = 1e-5 if precision == FLOAT32 else 1e-2
    for one in (model, loaded):
        probabilities = one.predict_on_batch(photos)
        assert probabilities.dtype == FLOAT32
        np.testing.assert_allclose(probabilities, expected, atol=atol)
    computing = {layer.compute_dtype for layer in loaded.layers[-2].layers}
    assert precision.removeprefix("mixed_") in computing


def test_a_model_for_tensorflow_lite_gives_equal_answers(networks: Any, tmp_path: Path) -> None:
    import tensorflow as tf

    from trainables.finished.export import save_tflite
    from trainables.finished.rebuild import averaged, photo_model, trained_whole

    run, told, record = a_run(tmp_path, networks, FLOAT32, PAPER_HEAD)
    one = photo_model(trained_whole(run, told, record), record, any_size=False)
    save_tflite(averaged([one, one]), tmp_path / "two.tflite", ("dark", "bright"))

    data = training_data(tmp_path, size=32, points={})
    photos = data.photos[data.split.indices("test")]
    with pytest.warns(UserWarning, match="Interpreter is deprecated"):
        interpreter = tf.lite.Interpreter(str(tmp_path / "two.tflite"))
    [asked], [answered] = interpreter.get_input_details(), interpreter.get_output_details()
    assert asked["dtype"] == np.uint8
    interpreter.resize_tensor_input(asked["index"], photos.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(asked["index"], photos)
    interpreter.invoke()
    answers = interpreter.get_tensor(answered["index"])
    np.testing.assert_allclose(answers, run.open_sealed_test(TRIAL), atol=1e-4)
    with zipfile.ZipFile(tmp_path / "two.tflite") as archive:
        assert json.loads(archive.read("classes.json")) == ["dark", "bright"]
