"""`python -m results verify`: one flipped bit in any covered file is found, and says what it costs.

Readers find it as well, before they use anything; JSON files are refused wherever they are cut.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from results.__main__ import DAMAGED, main
from results.ledger.files import read_json, write_json, write_text
from results.ledger.manifest import write_manifest
from results.ledger.runs import MeasuredCharacteristics
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails, write_thumbnails
from results.ledger.verify import verify
from results.scores.evidence import read_evidence
from results.scores.summary import read_summary, summarise
from search_spaces.refusals import EnvironmentRefusal, Refusal, UsageRefusal
from tests.results.helpers import Trial, make_run, shares

FLIPS, SEED = 200, 2026
TRIAL = "VGG16/t01"
ROW = MeasuredCharacteristics("VGG16", 75, "cpu", 32, 1.0, 1.0, 1, 1, 1, 1, 1.0, 1.0)


def _whole_run(root: Path) -> RunFolder:
    """A run with a file of every kind."""
    trials = (Trial("VGG16", 0), Trial("VGG16", 1), Trial("Xception", 0, "failed"))
    few = {"train": 6, "validation": 4, "test": 16}
    folder = make_run(root, trials, sizes=few, importances={"VGG16": shares(optimizer=1.0)})
    folder.write_characteristics([ROW])
    write_thumbnails(folder, {3: np.full((64, 64, 3), 7, np.uint8)})
    write_json(folder.summary_json, to_json(summarise(folder)))
    write_text(folder.report_html, "<p>a report</p>")
    table = folder.report / "tables/trials.csv"
    write_text(table, "trial\n")
    write_manifest(folder.report_json, [folder.report_html, table])
    folder.models.mkdir()
    (folder.models / "VGG16.keras").write_bytes(b"a model" * 100)
    write_text(folder.model_card, "# Models\n")
    write_manifest(folder.models_json, [folder.models / "VGG16.keras", folder.model_card])
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return _whole_run(tmp_path_factory.mktemp("written") / "run")


@pytest.fixture
def run(written: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(written.root, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def _read_all(folder: RunFolder) -> None:
    """Read whatever anything reads back from a run."""
    evidence = read_evidence(folder)
    folder.read_importances()
    folder.read_characteristics()
    read_thumbnails(folder)
    read_summary(folder)
    for record in evidence.records:
        folder.read_suggestion(record.trial)
        if record.has_scores:
            evidence.predictions(record.trial)
            folder.open_sealed_test(record.trial)
            folder.read_weights(record)


def _flip(path: Path, bits: random.Random) -> bytes:
    """Flip one bit; return what the file was."""
    before = path.read_bytes()
    content = bytearray(before)
    content[bits.randrange(len(content))] ^= 1 << bits.randrange(8)
    path.write_bytes(content)
    return before


def test_every_single_flipped_bit_is_found_by_verify_and_by_readers(run: RunFolder) -> None:
    bits = random.Random(SEED)
    files = sorted(path for path in run.root.rglob("*") if path.is_file())
    unread = {run.report_json, run.models_json}
    for at in range(FLIPS):
        path = files[at % len(files)]
        before = _flip(path, bits)
        faults = verify(run).faults
        assert [fault.where for fault in faults] == [str(path)], path
        read_back = path.suffix in (".json", ".npz") and path not in unread
        if read_back:
            with pytest.raises(EnvironmentRefusal) as caught:
                _read_all(run)
            assert str(path) in str(caught.value)
        path.write_bytes(before)
    assert verify(run).faults == ()
    _read_all(run)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("run.json", RunFolder.read_run),
        ("split.json", RunFolder.read_split),
        ("importances.json", RunFolder.read_importances),
        ("characteristics.json", RunFolder.read_characteristics),
        ("thumbnails.json", read_thumbnails),
        (f"trials/{TRIAL}/trial.json", lambda folder: folder.read_record(TRIAL)),
        (f"trials/{TRIAL}/suggestion.json", lambda folder: folder.read_suggestion(TRIAL)),
    ],
)
def test_a_json_file_cut_at_any_byte_is_refused_in_one_line(
    run: RunFolder, name: str, read: Callable[[RunFolder], object]
) -> None:
    path = run.root / name
    for length in reversed(range(path.stat().st_size)):
        os.truncate(path, length)
        with pytest.raises(EnvironmentRefusal) as caught:
            read(run)
        assert "\n" not in str(caught.value)
        assert caught.value.fix


def test_a_summary_or_list_cut_anywhere_is_refused(run: RunFolder) -> None:
    for path in (run.summary_json, run.report_json, run.models_json):
        for length in reversed(range(0, path.stat().st_size, 101)):
            os.truncate(path, length)
            with pytest.raises(EnvironmentRefusal, match="damaged"):
                read_json(path)


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("run.json", "cannot go on without it"),
        ("split.json", "cannot go on without it"),
        ("thumbnails.npz", "--resume"),
        ("thumbnails.json", "--resume"),
        ("models/VGG16.keras", "python -m trainables export"),
        ("models/README.md", "python -m trainables export"),
        ("models/manifest.json", "python -m trainables export"),
        ("report/manifest.json", "python -m results"),
        ("report/report.html", "python -m results"),
        ("report/tables/trials.csv", "python -m results"),
        (f"trials/{TRIAL}/weights.npz", f"rm -r .*{TRIAL} && python run_sweep.py --resume"),
        (f"trials/{TRIAL}/predictions.npz", f"rm -r .*{TRIAL} && python run_sweep.py --resume"),
        (f"trials/{TRIAL}/suggestion.json", f"rm -r .*{TRIAL} && python run_sweep.py --resume"),
        (f"trials/{TRIAL}/history.csv", "Nothing reads it back"),
    ],
)
def test_a_missing_file_is_named_with_what_it_costs(run: RunFolder, name: str, cost: str) -> None:
    (run.root / name).unlink()
    [fault] = verify(run).faults
    assert fault.where == str(run.root / name)
    with pytest.raises(Refusal, match=cost):
        raise fault


def test_an_edited_summary_is_refused_with_the_way_to_a_new_one(run: RunFolder) -> None:
    text = run.summary_json.read_text()
    run.summary_json.write_text(text.replace('"photos": 16', '"photos": 17'))
    assert run.summary_json.read_text() != text
    with pytest.raises(EnvironmentRefusal, match="python -m results"):
        read_summary(run)


def test_a_file_that_the_trial_did_not_write_is_named(run: RunFolder) -> None:
    stray = run.trial(TRIAL) / "weights (copy).npz"
    stray.write_bytes(b"")
    assert [fault.where for fault in verify(run).faults] == [str(stray)]


def test_what_a_killed_trial_left_is_no_fault_but_its_suggestion_is_read(run: RunFolder) -> None:
    (run.trial(TRIAL) / "trial.json").unlink()
    assert verify(run).faults == ()
    (run.trial(TRIAL) / "suggestion.json").write_text("{")
    assert len(verify(run).faults) == 1


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageRefusal, match="no run here"):
        verify(RunFolder(tmp_path))


def test_the_command_ends_with_3_for_damage_and_with_0_for_none(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(run.root)]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    assert f"{verify(run).files} files, all as written" in out
    (run.trial(TRIAL) / "weights.npz").unlink()
    run.split_json.unlink()
    assert main(["verify", str(run.root)]) == DAMAGED == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert [name in err for name in ("weights.npz", "split.json", "error: 2 of")] == [True] * 3
    assert len(err.splitlines()) == 3
