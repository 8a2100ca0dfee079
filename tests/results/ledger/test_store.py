"""The run folder: damage is refused in one line, and one process holds it at a time."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from results.ledger.files import read_json, write_json
from results.ledger.store import RunFolder
from search_spaces import paper
from search_spaces.refusals import EnvironmentRefusal, Refusal, UsageRefusal
from tests.results.helpers import SMALL, Trial, make_run, make_run_record, make_split

TRIAL = "Xception/baseline"
_NPY_HEADER_BYTES = 128


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", (Trial("Xception", 0), Trial("Xception", 1)))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(b"\x00noise" * 50)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[content.index(b"\x93NUMPY") + _NPY_HEADER_BYTES + 8] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [_cut, _empty, _noise, _flip, Path.unlink])
@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("predictions.npz", lambda run: run.read_predictions(TRIAL)),
        ("sealed_test.npz", lambda run: run.open_sealed_test(TRIAL)),
        ("weights.npz", lambda run: run.read_weights(run.read_record(TRIAL))),
    ],
)
def test_damaged_arrays_are_refused_in_one_line(
    run: RunFolder,
    file: str,
    read: Callable[[RunFolder], object],
    damage: Callable[[Path], None],
) -> None:
    damage(run.trial(TRIAL) / file)
    with pytest.raises(EnvironmentRefusal) as caught:
        read(run)
    assert "\n" not in str(caught.value)
    assert file in str(caught.value)


def test_one_flipped_bit_in_the_weights_is_found(run: RunFolder) -> None:
    _flip(run.trial(TRIAL) / "weights.npz")
    record = run.read_record(TRIAL)
    assert record is not None
    with pytest.raises(EnvironmentRefusal, match="not the one that was recorded"):
        run.read_weights(record)


@pytest.mark.parametrize("damage", [_cut, _empty, _noise])
def test_a_damaged_record_is_refused_in_one_line(
    run: RunFolder, damage: Callable[[Path], None]
) -> None:
    damage(run.trial(TRIAL) / "trial.json")
    with pytest.raises(Refusal, match="damaged") as caught:
        run.records()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{}, {"anatomy": None}, {"files": {}}, {"files": {"a": 1}}])
def test_a_record_of_another_version_is_refused(run: RunFolder, content: dict[str, object]) -> None:
    write_json(run.trial(TRIAL) / "trial.json", content)
    with pytest.raises(EnvironmentRefusal, match=r"another version.*To train the trial again: rm"):
        run.read_record(TRIAL)


def test_a_record_of_a_version_that_kept_test_scores_in_it_is_refused_in_one_line(
    run: RunFolder,
) -> None:
    path = run.trial(TRIAL) / "trial.json"
    write_json(path, {**read_json(path), "test_accuracy": 0.9, "test_loss": 0.3})
    with pytest.raises(EnvironmentRefusal, match="another version") as caught:
        run.records()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [{}, {"command": []}])
def test_a_run_of_another_version_is_refused(run: RunFolder, content: dict[str, object]) -> None:
    write_json(run.run_json, content)
    with pytest.raises(UsageRefusal, match="another version"):
        run.read_run()


def test_files_of_versions_without_digests_are_refused_in_one_line(run: RunFolder) -> None:
    for path in (run.run_json, run.split_json, run.trial(TRIAL) / "trial.json"):
        document = json.loads(path.read_bytes())
        del document["sha256"]
        path.write_text(json.dumps(document))
    for read in (run.read_run, run.read_split, run.records):
        with pytest.raises(EnvironmentRefusal, match="an earlier version wrote it") as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("trials", "4"), ("trials", 4.0), ("seed", True), ("jit_compile", 1), ("onednn", 1)],
)
def test_a_setting_of_another_type_is_refused(run: RunFolder, name: str, value: object) -> None:
    document = read_json(run.run_json)
    document["settings"][name] = value
    write_json(run.run_json, document)
    with pytest.raises(UsageRefusal, match=re.escape(repr(value))):
        run.read_run()


def test_a_setting_that_is_unknown_or_gone_is_refused(run: RunFolder) -> None:
    document = read_json(run.run_json)
    settings = document["settings"]
    for changed in (settings | {"colour": "red"}, {**settings, "search": None}):
        write_json(run.run_json, document | {"settings": changed})
        with pytest.raises(UsageRefusal, match="another version"):
            run.read_run()


def test_the_record_of_another_trial_is_refused(run: RunFolder) -> None:
    shutil.copy(run.trial("Xception/t01") / "trial.json", run.trial(TRIAL) / "trial.json")
    with pytest.raises(EnvironmentRefusal, match="this is the record of Xception/t01"):
        run.read_record(TRIAL)


def test_the_predictions_of_another_trial_are_refused(run: RunFolder) -> None:
    name = "predictions.npz"
    shutil.copy(run.trial("Xception/t01") / name, run.trial(TRIAL) / name)
    with pytest.raises(EnvironmentRefusal, match="not the one that was recorded"):
        run.read_predictions(TRIAL)


def test_characteristics_with_a_misspelt_key_are_refused(run: RunFolder) -> None:
    write_json(run.characteristics_json, {"rows": [{"backbon": "VGG16"}]})
    with pytest.raises(EnvironmentRefusal, match="another version"):
        run.read_characteristics()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageRefusal, match="no run here"):
        RunFolder(tmp_path).read_run()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"classes": ["a"], "photos": [{}]}'])
def test_a_damaged_split_is_refused(run: RunFolder, content: str) -> None:
    run.split_json.write_text(content)
    with pytest.raises(EnvironmentRefusal) as caught:
        run.read_split()
    assert "split.json" in str(caught.value)


def test_predictions_without_one_of_their_arrays_are_refused(run: RunFolder) -> None:
    path = run.trial(TRIAL) / "predictions.npz"
    np.savez(path, validation=np.ones((1, 2)))
    record = run.read_record(TRIAL)
    assert record is not None
    run.write_record(record)  # which takes the file as it is
    with pytest.raises(EnvironmentRefusal, match=r"predictions\.npz"):
        run.read_predictions(TRIAL)


def test_a_missing_split_is_refused(run: RunFolder) -> None:
    run.split_json.unlink()
    with pytest.raises(EnvironmentRefusal, match="missing"):
        run.read_split()


def test_a_second_process_is_refused_while_one_holds_the_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    code = (
        "import pathlib, sys\n"
        "from results.ledger.store import RunFolder\n"
        "from search_spaces.refusals import UsageRefusal\n"
        "try:\n"
        "    with RunFolder(pathlib.Path(sys.argv[1])).locked(): pass\n"
        "except UsageRefusal as refusal:\n"
        "    sys.exit(str(refusal))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with folder.locked():
        refused = subprocess.run(command, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "the run is in use by process" in refused.stderr
    assert subprocess.run(command, check=False).returncode == 0


def test_a_trial_without_a_record_was_never_finished(run: RunFolder) -> None:
    (run.trial(TRIAL) / "trial.json").unlink()
    assert run.read_record(TRIAL) is None
    assert [record.trial for record in run.records()] == ["Xception/t01"]


def test_what_killed_trials_left_is_removed_but_their_suggestions(run: RunFolder) -> None:
    killed, finished = run.trial("Xception/t02"), run.trial(TRIAL)
    run.write_suggestion("Xception/t02", paper.baseline("Xception"))
    for name in ("weights.npz", ".part-abc", "history.csv"):
        (killed / name).write_text("half")
    (killed / "more").mkdir()
    (killed / "more/deep").write_text("half")
    before = sorted(finished.iterdir())
    run.clear_killed_trials()
    assert [path.name for path in killed.iterdir()] == ["suggestion.json"]
    assert sorted(finished.iterdir()) == before
    RunFolder(run.root / "nothing").clear_killed_trials()


def test_a_point_that_was_never_suggested_is_none(run: RunFolder) -> None:
    assert run.read_suggestion("Xception/t09") is None
    assert run.read_suggestion(TRIAL) == paper.baseline("Xception")


def test_predictions_and_split_come_back_as_written(tmp_path: Path) -> None:
    split = make_split(2, SMALL)
    trial = Trial("VGG16", 0)
    run = make_run(tmp_path, (trial,), split=split)
    back = run.read_split()
    assert (back.files, back.sha256, back.parts) == (split.files, split.sha256, split.parts)
    np.testing.assert_array_equal(back.labels, split.labels)
    found = run.read_predictions(trial.name)
    assert (found.train.shape, found.validation_by_epoch.shape) == ((24, 2), (3, 12, 2))
    test = run.open_sealed_test(trial.name)
    assert test.dtype == np.float32
    assert test.shape == (16, 2)


def test_a_history_has_one_row_per_epoch(run: RunFolder) -> None:
    lines = (run.trial(TRIAL) / "history.csv").read_text().splitlines()
    assert lines[0].startswith("epoch,train_loss,train_accuracy")
    assert len(lines) == 1 + 3


def test_run_and_class_names_may_be_of_any_script(tmp_path: Path) -> None:
    record = make_run_record(("gato 🐈", "собака", "[bold]"), (TRIAL,))
    folder = RunFolder(tmp_path / "läuft")
    folder.write_run(record)
    assert folder.read_run() == record
