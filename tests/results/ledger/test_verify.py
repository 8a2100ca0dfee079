"""`python -m results verify`: one flipped bit in any covered file is found, and says what it costs.

Readers find it as well, before they use anything; JSON files are refused wherever they are cut.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from results.__main__ import DAMAGED, main
from results.ledger.files import read_json, write_json
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails
from results.ledger.verify import verify
from results.scores.summary import read_summary
from search_spaces.refusals import EnvironmentRefusal, Refusal, UsageRefusal
from tests.results.whole_run import TRIAL, flip, read_all, whole_run

FLIPS, SEED = 200, 2026


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return whole_run(tmp_path_factory.mktemp("written") / "run")


@pytest.fixture
def run(written: RunFolder, tmp_path: Path) -> RunFolder:
    shutil.copytree(written.root, tmp_path / "run")
    return RunFolder(tmp_path / "run")


def test_every_single_flipped_bit_is_found_by_verify_and_by_readers(run: RunFolder) -> None:
    bits = random.Random(SEED)
    files = sorted(path for path in run.root.rglob("*") if path.is_file())
    unread = {run.report_json, run.models_json}
    for at in range(FLIPS):
        path = files[at % len(files)]
        before = flip(path, bits)
        faults = verify(run).faults
        assert [fault.where for fault in faults] == [str(path)], path
        read_back = path.suffix in (".json", ".npz") and path not in unread
        if read_back:
            with pytest.raises(EnvironmentRefusal) as caught:
                read_all(run)
            assert str(path) in str(caught.value)
        path.write_bytes(before)
    assert verify(run).faults == ()
    read_all(run)


def test_every_file_that_there_is_counts_once(run: RunFolder) -> None:
    def there() -> int:
        return sum(path.is_file() for path in run.root.rglob("*"))

    assert verify(run).files == there()
    run.left_out_json.unlink()
    assert verify(run).files == there()
    (run.trial(TRIAL) / "notes.txt").touch()  # which the trial did not write
    assert verify(run).files == there()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("run.json", RunFolder.read_run),
        ("split.json", RunFolder.read_split),
        ("importances.json", RunFolder.read_importances),
        ("warm_start.json", RunFolder.read_warm_start),
        ("left_out.json", RunFolder.read_left_out),
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


def test_a_list_of_trials_left_out_that_names_something_else_is_refused_with_its_path(
    run: RunFolder,
) -> None:
    write_json(run.left_out_json, {"trials": ["VGG16/t01", "VGG16/first"]})
    with pytest.raises(EnvironmentRefusal, match=r"list of trials .*left_out\.json.*Remove"):
        run.read_left_out()


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


@pytest.mark.parametrize("name", ["", "a" * 5000])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageRefusal, match="no run here"):
        verify(RunFolder(tmp_path / name))


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
