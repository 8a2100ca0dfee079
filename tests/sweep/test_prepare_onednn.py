"""The oneDNN setting that a run starts with is recorded, and its resumes have no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.files import read_json, write_json
from results.ledger.store import RunFolder
from search_spaces.refusals import UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.prepare import Prepared, gather, resume, start
from sweep.terminal.arguments import parse_arguments
from tests.sweep.helpers import machine
from trainables.progress import quiet

WORDS = ("--data", "digits", "--weights", "random", "--backbones", "vgg16", "--image-size", "32")
HERE = Hardware(2, 8000, 0, "test")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path_factory.mktemp("cache"))


def resumed(folder: RunFolder, kept: Machine) -> Prepared:
    typed = parse_arguments(["--resume", str(folder.root)])
    return resume(typed, folder, kept, progress=quiet)


def started(folder: RunFolder, kept: Machine) -> Prepared:
    """A new run of the digits."""
    materials = gather(parse_arguments(WORDS), kept, progress=quiet, warn=pytest.fail)
    return start(materials, folder, kept, HERE, words=WORDS)


def test_a_run_with_a_setting_that_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "maybe")
    with pytest.raises(UsageRefusal, match="must be 0 or 1"):
        started(RunFolder(tmp_path), kept)
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_a_version_that_chose_no_onednn_setting_is_resumed_without_one(
    tmp_path: Path, kept: Machine
) -> None:
    run = RunFolder(tmp_path)
    started(run, kept)
    document = read_json(run.run_json)
    del document["settings"]["onednn"]
    write_json(run.run_json, document)
    assert resumed(run, kept).context.onednn is None


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_a_resume_has_the_recorded_onednn_setting_whatever_is_typed(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch, onednn: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    folder = RunFolder(tmp_path)
    new = started(folder, kept)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", {"0": "1", "1": "0"}[onednn])
    assert folder.read_run().settings.onednn == new.context.onednn == onednn
    assert resumed(folder, kept).context == new.context


def test_a_run_has_onednn_where_the_environment_says_nothing(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    new = started(RunFolder(tmp_path), kept)
    assert new.run.settings.onednn == new.context.onednn == "1"
