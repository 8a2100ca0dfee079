"""The whole way through with real Keras, Ray and Optuna: a sweep, and everything made of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from results.ledger.files import read_json
from results.ledger.rates import read_rates
from results.ledger.store import RunFolder
from results.ledger.verify import verify
from tests.sweeps import (
    HOME,
    outcomes,
    photo_folder,
    record_times,
    resume,
    small,
    sweep,
    with_table_1,
)

pytestmark = pytest.mark.slow

TRIALS = [
    f"{name}/{trial}"
    for name in ("EfficientNetB0", "VGG16")
    for trial in ("baseline", "t01", "t02")
]

DEFAULT = ""
"""Nothing in the environment: oneDNN is on."""

ALONE = ("--max-concurrent", "1")
"""One trial after another; `test_interruptions` has two at a time."""


@dataclass(frozen=True)
class Finished:
    photos: Path
    cache: Path
    run: Path
    out: str

    @property
    def folder(self) -> RunFolder:
        return RunFolder(self.run)

    @property
    def other_onednn(self) -> str:
        """The other oneDNN setting."""
        return "0" if self.folder.read_run().settings.onednn == "1" else "1"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, table_1: Path) -> Finished:
    root = tmp_path_factory.mktemp("sweep")
    photos, cache = photo_folder(root / "photos"), with_table_1(root / "cache", table_1)
    code, out, err = sweep(*small(photos, cache, root / "run"), *ALONE, onednn=DEFAULT)
    assert (code, err) == (0, "")
    return Finished(photos, cache, root / "run", out)


def test_every_planned_trial_has_its_record_and_artefacts(finished: Finished) -> None:
    records = finished.folder.records()
    assert sorted(record.trial for record in records) == TRIALS
    for record in records:
        assert record.status in ("completed", "stopped_early")
        assert finished.folder.read_weights(record)
        assert finished.folder.read_predictions(record.trial).train.shape == (24, 2)
        assert finished.folder.open_sealed_test(record.trial).shape == (8, 2)


def test_onednn_is_on_and_the_rates_of_each_backbone_are_kept(finished: Finished) -> None:
    assert finished.folder.read_run().settings.onednn == "1"
    kept = [read_rates(path) for path in (finished.cache / "rates").iterdir()]
    assert len(kept) == 2
    assert all(rates is not None and rates.seconds_pass > 0 for rates in kept)


def test_every_file_is_as_it_was_written_and_covered(finished: Finished) -> None:
    verdict = verify(finished.folder)
    assert verdict.faults == ()
    covered = [finished.folder.trials, finished.folder.models, finished.folder.report]
    files = [path for place in covered for path in place.rglob("*") if path.is_file()]
    assert verdict.files >= len(files)


def test_the_log_of_a_sweep_without_faults_has_no_word_of_rays(finished: Finished) -> None:
    assert " ray." not in finished.folder.log.read_text()


def test_the_summary_says_what_the_ledger_says(finished: Finished) -> None:
    summary = read_json(finished.folder.summary_json)
    assert summary["complete"]
    assert summary["demonstration"]
    assert summary["data"]["counts"] == {"train": 24, "validation": 8, "test": 8}
    assert summary["trials"]["planned"] == 6
    best = {one["name"]: one["best"] for one in summary["backbones"]}
    for name, method in best.items():
        scores = [
            record.validation_accuracy or 0.0
            for record in finished.folder.records()
            if record.backbone == name
        ]
        assert method["validation_accuracy"] == max(scores)
    assert len(summary["ensemble"]["members"]) == 2
    assert set(summary["seconds"]) == {"prepare", "features", "waiting", "training", "other"}


def test_each_photo_went_through_each_prefix_once(finished: Finished) -> None:
    for backbone in ("VGG16", "EfficientNetB0"):
        own = [one for one in finished.folder.records() if one.backbone == backbone]
        kinds = {one.config.scaling for one in own}
        assert sum(one.cost.photos_prefix for one in own) <= 40 * len(kinds)


def test_optuna_opens_the_studies_with_no_trial_running(finished: Finished) -> None:
    import optuna

    storage = f"sqlite:///{finished.folder.optuna_db}"
    for name in ("VGG16", "EfficientNetB0"):
        study = optuna.load_study(study_name=name, storage=storage)
        states = {trial.state.name for trial in study.trials}
        assert len(study.trials) == 3
        assert states <= {"COMPLETE", "PRUNED"}
    study._storage.remove_session()


def test_tensorboard_has_every_trial_and_the_ensemble(finished: Finished) -> None:
    found = {
        str(path.parent.relative_to(finished.folder.tensorboard))
        for path in finished.folder.tensorboard.rglob("events.out.*")
    }
    assert found == {*TRIALS, "ensemble", "."}


def test_the_exported_ensemble_reproduces_the_stored_probabilities(finished: Finished) -> None:
    import keras

    from trainables.photos.named import prepare

    folder = finished.folder
    with zipfile.ZipFile(folder.models / "ensemble.keras") as archive:
        assert json.loads(archive.read("classes.json")) == ["dark", "light"]
    model = keras.models.load_model(folder.models / "ensemble.keras")
    run = folder.read_run()
    dataset = prepare(str(finished.photos), image_size=32, cache_dir=finished.cache, seed=run.seed)
    photos = dataset.photos()[folder.read_split().indices("test")]
    members = read_json(folder.summary_json)["ensemble"]["members"]
    stored = np.mean([folder.open_sealed_test(name) for name in members], axis=0)
    np.testing.assert_allclose(model.predict_on_batch(photos), stored, atol=1e-4)


def test_the_card_tells_a_stranger_with_plain_keras_how_to_ask_the_model(
    finished: Finished, tmp_path: Path
) -> None:
    """The five lines of the card, as they stand, where nothing of ours can be imported."""
    card = finished.folder.model_card.read_text()
    [lines] = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    for model in finished.folder.models.glob("*.keras"):
        shutil.copy(model, tmp_path)
    shutil.copy(finished.photos / "dark" / "0.png", tmp_path / "photo.jpg")
    ours = "import sys; assert not {'results', 'trainables', 'sweep'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"{lines}\n{ours}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout in ("dark\n", "light\n")


def test_the_winner_answers_about_photos_and_skips_what_is_none(finished: Finished) -> None:
    broken = finished.run.parent / "broken.jpg"
    broken.write_bytes(b"no photo")
    table = finished.run.parent / "answers.csv"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "trainables", "predict", str(finished.run)),
            *(str(finished.photos / "dark"), str(broken), "--csv", str(table)),
        ],
        cwd=HOME,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, len(done.stdout.splitlines())) == (3, 20)
    assert "broken.jpg" in done.stderr
    assert "Traceback" not in done.stderr
    assert table.read_text().splitlines()[0] == "file,class,probability,dark,light"


def test_the_winner_answers_about_a_list_from_standard_input_in_json(finished: Finished) -> None:
    asked = f"{finished.photos}/light/*.png\n{finished.photos}/none.png\n"
    done = subprocess.run(
        [sys.executable, "-m", "trainables", "predict", str(finished.run), "-", "--json"],
        cwd=HOME,
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 21
    assert answers[-1] == {"file": f"{finished.photos}/none.png", "error": "there is no such file"}
    assert all(set(one["probabilities"]) == {"dark", "light"} for one in answers[:-1])


def test_a_trial_is_reproduced_from_its_record_with_the_runs_own_onednn_setting(
    finished: Finished,
) -> None:
    code, out, err = sweep(
        "--reproduce", str(finished.run), "VGG16/t01", onednn=finished.other_onednn
    )
    assert (code, err) == (0, "")
    assert "reproduced bit for bit" in out


def test_a_resumed_run_that_is_complete_trains_nothing(finished: Finished) -> None:
    before, times = outcomes(finished.run), record_times(finished.run)
    code, _, err = resume(finished.run, finished.cache, onednn=finished.other_onednn)
    assert (code, err) == (0, "")
    assert outcomes(finished.run) == before
    assert record_times(finished.run) == times


def test_another_run_on_the_same_photos_pushes_none_through_frozen_layers(
    finished: Finished, tmp_path: Path
) -> None:
    words = [*small(finished.photos, finished.cache, tmp_path / "again"), *ALONE]
    code, out, err = sweep(*words, "--plan", onednn=DEFAULT)
    assert (code, err) == (0, "")
    assert "estimated from what earlier runs measured here" in " ".join(out.split())
    code, _, err = sweep(*words, onednn=DEFAULT)
    assert (code, err) == (0, "")
    records = RunFolder(tmp_path / "again").records()
    assert sum(record.cost.photos_prefix for record in records) == 0
    assert outcomes(tmp_path / "again") == outcomes(finished.run)
