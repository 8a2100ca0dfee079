"""The oneDNN setting that a run starts with is recorded, and its resumes have no other."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from results.ledger.profiles import PointCost, Profile
from results.ledger.store import RunFolder
from search_spaces.refusals import UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.prepare import Prepared, gather, resume, start
from sweep.profiles import Choice
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


def measured(folder: RunFolder, kept: Machine, onednn: str) -> Prepared:
    """A run of the digits whose layers were measured."""
    cost = {"head": PointCost(0.1, 2048)}
    profile = Profile("VGG16", 32, onednn, (0.0, 0.2), cost, 0.2, 1e-10, 1e-9)
    choice = Choice(onednn, {"VGG16": profile}, {"0": 0.2, "1": 0.3})
    materials = gather(parse_arguments(WORDS), kept, progress=quiet, warn=pytest.fail)
    return start(materials, folder, kept, HERE, words=WORDS, choice=choice)


def test_a_run_with_a_setting_that_cannot_be_is_refused_before_anything_is_written(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "maybe")
    materials = gather(parse_arguments(WORDS), kept, progress=quiet, warn=pytest.fail)
    with pytest.raises(UsageRefusal, match="must be 0 or 1"):
        start(materials, RunFolder(tmp_path), kept, HERE, words=WORDS)
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_a_version_that_chose_no_onednn_setting_is_resumed_without_one(
    tmp_path: Path, kept: Machine
) -> None:
    run = RunFolder(tmp_path)
    measured(run, kept, "0")
    before = run.read_run()
    values = {key: one for key, one in before.settings.items() if not key.startswith("onednn")}
    run.write_run(dataclasses.replace(before, settings=values))
    run.profiles_json.unlink()
    job = resumed(run, kept).job
    assert (job.onednn, job.profiles) == (None, {})


@pytest.mark.parametrize("onednn", ["0", "1"])
def test_a_resume_has_the_recorded_onednn_setting_and_profiles_whatever_is_typed(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch, onednn: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", {"0": "1", "1": "0"}[onednn])
    folder = RunFolder(tmp_path)
    started = measured(folder, kept, onednn)
    settings = folder.read_run().settings
    assert (settings["onednn"], settings["onednn_seconds"]) == (onednn, {"0": 0.2, "1": 0.3})
    assert started.job.onednn == started.job.profiles["VGG16"].onednn == onednn
    assert resumed(folder, kept).job == started.job


@pytest.mark.parametrize("typed", ["0", "1"])
def test_a_run_of_which_nothing_was_measured_records_the_environments_setting(
    tmp_path: Path, kept: Machine, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", typed)
    materials = gather(parse_arguments(WORDS), kept, progress=quiet, warn=pytest.fail)
    started = start(materials, RunFolder(tmp_path), kept, HERE, words=WORDS)
    assert (started.run.settings["onednn"], started.run.settings["onednn_seconds"]) == (typed, {})
    assert (started.job.onednn, started.job.profiles) == (typed, {})
