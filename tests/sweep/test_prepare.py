"""Before the first trial: whose folder it is, and whether a resume is what was started."""

from __future__ import annotations

import dataclasses
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from results.ledger.files import read_json, write_json
from results.ledger.run_record import RunRecord
from results.ledger.runs import WeightsSource
from results.ledger.store import RunFolder
from search_spaces.installed import versions
from search_spaces.presets import DEMONSTRATION, DIGITS_PER_CLASS
from search_spaces.refusals import EnvironmentRefusal, Refusal, UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.prepare import (
    gather,
    refuse_taken,
    resume,
    run_folder,
    start,
)
from sweep.terminal.arguments import parse_arguments, settings_from
from tests.sweep.helpers import machine, record
from trainables.progress import quiet

WORDS = ("--data", "digits", "--weights", "random", "--backbones", "vgg16", "--image-size", "32")
HERE = Hardware(2, 8000, 0, "test")


def refuse_taken_for(folder: RunFolder, *words: str) -> None:
    refuse_taken(parse_arguments(["--run-dir", str(folder.root), *words]), folder)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def run(tmp_path: Path, kept: Machine) -> RunFolder:
    """A run of the digits that was started and has no trial yet."""
    folder = RunFolder(tmp_path / "run")
    materials = gather(parse_arguments(WORDS), kept, progress=quiet, warn=pytest.fail)
    start(materials, folder, kept, HERE, words=WORDS)
    return folder


def resumed(folder: RunFolder, kept: Machine, *words: str) -> object:
    typed = parse_arguments(["--resume", str(folder.root), *words])
    return resume(typed, folder, kept, progress=quiet)


@pytest.mark.parametrize("flag", ["--run-dir", "--resume"])
@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_where_a_run_should_be_is_refused(tmp_path: Path, flag: str, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageRefusal) as refused:
        run_folder(parse_arguments([flag, str(tmp_path / "file" / below)]))
    assert refused.value.where == str(tmp_path / "file")


@pytest.mark.parametrize("words", [(), ("--overwrite",)])
def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials/notes.txt").write_text("mine")
    with pytest.raises(UsageRefusal, match=r"no run: thesis\.tex"):
        refuse_taken_for(RunFolder(tmp_path), *words)
    assert names(tmp_path) == ["thesis.tex", "trials", "trials/notes.txt"]


def test_a_folder_with_a_run_is_refused_and_left_alone(run: RunFolder) -> None:
    before = names(run.root)
    with pytest.raises(UsageRefusal, match="holds a run already") as refused:
        refuse_taken_for(run)
    assert "--overwrite" in refused.value.fix
    assert names(run.root) == before


def test_overwriting_a_run_removes_only_what_is_a_runs(run: RunFolder) -> None:
    run.write_record(record("VGG16", 0))
    for name in ("optuna.db", "optuna.db-journal", "log.txt"):
        (run.root / name).write_text("ours")
    (run.root / "thesis.tex").write_text("mine")
    before = names(run.root)
    with pytest.raises(UsageRefusal, match=r"no run: thesis\.tex"):
        refuse_taken_for(run, "--overwrite")
    assert names(run.root) == before
    (run.root / "thesis.tex").rename(run.root / ".thesis.tex")
    refuse_taken_for(run, "--overwrite")
    run.clear()
    assert names(run.root) == [".thesis.tex", "log.txt"]


def test_a_typo_in_the_photos_costs_no_old_run(run: RunFolder, kept: Machine) -> None:
    run.write_record(record("VGG16", 0))
    before = names(run.root)
    typed = parse_arguments(["--run-dir", str(run.root), "--overwrite", "--data", "/no/where"])
    refuse_taken(typed, run)
    with pytest.raises(Refusal):
        gather(typed, kept, progress=quiet, warn=pytest.fail)
    assert names(run.root) == before


def test_a_folder_in_which_nothing_was_started_is_discarded(tmp_path: Path, run: RunFolder) -> None:
    empty = RunFolder(tmp_path / "empty")
    with empty.locked():
        empty.log.write_text("refused")
        empty.discard_unstarted()
    assert not empty.root.exists()
    before = names(run.root)
    run.discard_unstarted()
    assert names(run.root) == before


def test_overwriting_follows_no_link_out_of_the_run(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mine").write_text("mine")
    run.tensorboard.symlink_to(tmp_path / "elsewhere")
    refuse_taken_for(run, "--overwrite")
    run.clear()
    assert names(run.root) == []
    assert names(tmp_path / "elsewhere") == ["mine"]


@pytest.mark.parametrize("inside", [(), (".lock", ".part-x"), ("log.txt",), ("split.json",)])
def test_an_empty_folder_and_the_rest_of_a_start_that_failed_are_no_run(
    tmp_path: Path, inside: tuple[str, ...]
) -> None:
    for name in inside:
        (tmp_path / name).write_text("")
    refuse_taken_for(RunFolder(tmp_path))
    refuse_taken_for(RunFolder(tmp_path / "new"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda run: {"data": dataclasses.replace(run.data, digest="0" * 64)}, ["photos"]),
        (lambda _: {"weights_sha256": {"VGG16": "0" * 64}}, ["weights of VGG16"]),
        (lambda _: {"weights_sha256": {}}, ["weights of VGG16"]),
        (lambda run: {"versions": {**run.versions, "keras": "3.0"}}, ["keras from 3.0 to "]),
        (
            lambda _: {"versions": {"optuna": "4.0"}, "weights_sha256": {}},
            ["optuna from 4.0 to ", "tensorflow from None to ", "weights of VGG16"],
        ),
    ],
    ids=["photos", "weights", "no weights", "a library", "everything"],
)
def test_a_resume_with_other_photos_weights_or_libraries_is_refused_by_name(
    run: RunFolder,
    kept: Machine,
    change: Callable[[RunRecord], dict[str, Any]],
    named: list[str],
) -> None:
    before = run.read_run()
    run.write_run(dataclasses.replace(before, **change(before)))
    with pytest.raises(UsageRefusal) as refused:
        resumed(run, kept)
    assert [name for name in named if name not in str(refused.value)] == []
    assert str(run.root) in str(refused.value)


def test_a_resume_with_other_arguments_is_refused_before_any_photo_is_opened(
    run: RunFolder, tmp_path: Path
) -> None:
    with pytest.raises(UsageRefusal, match="seed was 42 and is 1"):
        resumed(run, machine(tmp_path / "empty"), "--seed", "1")
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        ("", EnvironmentRefusal),
        ("[]", EnvironmentRefusal),
        ('{"settings": {}}', EnvironmentRefusal),
        (None, UsageRefusal),
    ],
)
def test_a_resume_of_what_is_no_run_is_refused(
    run: RunFolder, kept: Machine, content: str | None, refusal: type[Refusal]
) -> None:
    if content is None:
        run.run_json.unlink()
    else:
        run.run_json.write_text(content)
    with pytest.raises(refusal):
        resumed(run, kept)


def test_a_resume_of_a_run_without_a_setting_is_refused(run: RunFolder, kept: Machine) -> None:
    document = read_json(run.run_json)
    del document["settings"]["cache_dtype"]
    write_json(run.run_json, document)
    with pytest.raises(UsageRefusal, match="no cache_dtype"):
        resumed(run, kept)


def test_a_run_starts_with_all_that_a_resume_needs(run: RunFolder, kept: Machine) -> None:
    written = run.read_run()
    assert written.weights_source == {"VGG16": WeightsSource.RANDOM}
    assert written.planned == settings_from(parse_arguments(WORDS), DEMONSTRATION).planned
    assert (written.lag, written.seed, written.command) == (2, 42, WORDS)
    assert written.demonstration
    assert written.versions == versions()
    assert sum(run.read_split().counts().values()) == written.data.photos == 10 * DIGITS_PER_CLASS
    assert resumed(run, kept, "--max-concurrent", "9")


def test_only_what_is_out_of_reach_ends_in_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where nobody listens
    here = machine(tmp_path)
    told: list[str] = []
    typed = parse_arguments(["--backbones", "vgg16", "--image-size", "32"])
    materials = gather(typed, here, progress=quiet, warn=told.append)
    assert materials.settings.data == DEMONSTRATION.data
    assert "out of reach: no connection" in told[0]
    [lock] = (tmp_path / "weights").glob("*.h5.lock")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(EnvironmentRefusal, match="another process"):
            gather(typed, here, progress=quiet, warn=pytest.fail)


def test_a_faster_machine_resumes_with_the_same_lag(run: RunFolder, kept: Machine) -> None:
    before = run.read_run()
    resumed(run, dataclasses.replace(kept, max_concurrent=8))
    assert run.read_run() == before
