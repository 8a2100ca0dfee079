"""What is measured and what is known already, and which oneDNN setting that makes the run's."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from results.ledger.files import write_json
from results.ledger.profiles import PointCost, Profile
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.environment import typed_onednn, with_onednn
from sweep.profiles import (
    STAGE,
    Measure,
    choose,
    chosen,
    known_profiles,
    profile_key,
)
from tests.sweep.helpers import machine, settings

Files = dict[str, dict[str, Path]]
Told = list[tuple[str, list[str]]]
NO_FOLDERS = Path("/sys/kernel")
WORDS = ("--backbones", "vgg16", "--image-size", "32")


def profile(backbone: str, onednn: str, seconds: float) -> Profile:
    points = {"head": PointCost(seconds / 2, 2048)}
    return Profile(backbone, 32, onednn, (0.0, seconds), points, seconds, 1e-10, 1e-9)


def measuring(seconds: Mapping[str, Mapping[str, float]], told: Told) -> Measure:
    """Write made-up seconds, by setting and backbone, and note what was asked for."""

    def measure(onednn: str, missing: Mapping[str, Path]) -> None:
        told.append((onednn, list(missing)))
        for name, path in missing.items():
            write_json(path, profile(name, onednn, seconds[onednn][name]).to_dict())

    return measure


def never(onednn: str, missing: Mapping[str, Path]) -> None:
    pytest.fail(f"measured {missing} again with {onednn}")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return {
        onednn: {name: tmp_path / f"{name}-{onednn}.json" for name in ("VGG16", "Xception")}
        for onednn in ("1", "0")
    }


@pytest.mark.slow
@pytest.mark.skipif(not NO_FOLDERS.is_dir(), reason="needs a place that takes no folder")
def test_a_measuring_that_fails_is_one_line_that_names_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    nowhere = machine(NO_FOLDERS / "transfer-sweep")
    with pytest.raises(EnvironmentRefusal, match="exit code 0, got 4") as refused:
        choose(settings(*WORDS), nowhere, progress=lambda *_: None, log=log)
    assert refused.value.where == str(log)
    assert log.read_text().startswith("error: cannot write")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("with_it", "without", "expected"),
    [(2.0, 1.0, "0"), (1.0, 2.0, "1"), (1.0, 1.0, "1")],
    ids=["slower", "faster", "equal"],
)
def test_the_setting_with_the_smaller_sum_over_all_backbones_is_chosen(
    files: Files, with_it: float, without: float, expected: str
) -> None:
    seconds = {
        "1": {"VGG16": with_it, "Xception": 0.5},
        "0": {"VGG16": without, "Xception": 0.5},
    }
    told: Told = []
    choice = chosen(files, measuring(seconds, told))
    assert choice.onednn == expected
    assert choice.seconds == {"1": with_it + 0.5, "0": without + 0.5}
    assert {one.onednn for one in choice.profiles.values()} == {expected}
    assert list(choice.profiles) == ["VGG16", "Xception"]
    assert told == [("1", ["VGG16", "Xception"]), ("0", ["VGG16", "Xception"])]


def test_what_is_known_is_not_measured_again(files: Files) -> None:
    seconds = {one: {"VGG16": 1.0, "Xception": 2.0} for one in files}
    first = chosen(files, measuring(seconds, []))
    assert chosen(files, never) == first
    files["0"]["Xception"].unlink()
    told: Told = []
    assert chosen(files, measuring(seconds, told)) == first
    assert told == [("0", ["Xception"])]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"backbone": "VGG16"}', "half of a fi"])
def test_a_damaged_profile_is_measured_again(files: Files, content: str) -> None:
    seconds = {one: {"VGG16": 1.0, "Xception": 2.0} for one in files}
    first = chosen(files, measuring(seconds, []))
    files["1"]["VGG16"].write_text(content)
    told: Told = []
    assert chosen(files, measuring(seconds, told)) == first
    assert told == [("1", ["VGG16"])]


@pytest.mark.parametrize(
    "other",
    [
        lambda: profile_key("Xception", 150, onednn="1", cpus=2, device=("cpu", "Xeon", "2.21")),
        lambda: profile_key("VGG16", 151, onednn="1", cpus=2, device=("cpu", "Xeon", "2.21")),
        lambda: profile_key("VGG16", 150, onednn="0", cpus=2, device=("cpu", "Xeon", "2.21")),
        lambda: profile_key("VGG16", 150, onednn="1", cpus=4, device=("cpu", "Xeon", "2.21")),
        lambda: profile_key("VGG16", 150, onednn="1", cpus=2, device=("H100", "Xeon", "2.21")),
        lambda: profile_key("VGG16", 150, onednn="1", cpus=2, device=("cpu", "EPYC", "2.21")),
        lambda: profile_key("VGG16", 150, onednn="1", cpus=2, device=("cpu", "Xeon", "2.22")),
    ],
    ids=["backbone", "size", "oneDNN", "threads", "GPU", "processor", "version"],
)
def test_whatever_a_measurement_depends_on_changes_its_key(other: Callable[[], str]) -> None:
    same = ("cpu", "Xeon", "2.21")
    key = profile_key("VGG16", 150, onednn="1", cpus=2, device=same)
    assert key == profile_key("VGG16", 150, onednn="1", cpus=2, device=list(same)) != other()


def test_nothing_is_measured_for_a_cluster(tmp_path: Path) -> None:
    cluster = machine(tmp_path / "cache", address="10.0.0.1:6379")

    def progress(*_: object) -> None:
        pytest.fail("measured")

    choice = choose(settings(*WORDS), cluster, progress=progress, log=tmp_path / "log.txt")
    assert (choice.profiles, choice.seconds) == ({}, {})
    assert choice.onednn in ("0", "1")
    assert known_profiles(settings(*WORDS), cluster) == {}


def test_a_plan_measures_nothing(tmp_path: Path) -> None:
    assert known_profiles(settings(*WORDS), machine(tmp_path / "cache")) == {}
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_layers_are_measured_once_with_onednn_and_that_is_what_a_plan_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert typed_onednn(with_onednn(None)) is None
    shown: list[tuple[str, int, int | None]] = []
    share, wanted, log = machine(tmp_path / "cache"), settings(*WORDS), tmp_path / "log.txt"

    def progress(*state: object) -> None:
        shown.append(state)  # type: ignore[arg-type]

    choice = choose(wanted, share, progress=progress, log=log)
    assert choice.onednn == "1"
    assert (shown[0], shown[-1]) == ((STAGE, 0, 1), (STAGE, 1, 1))
    assert known_profiles(wanted, share) == dict(choice.profiles)
    shown.clear()
    assert choose(wanted, share, progress=progress, log=log) == choice
    assert shown == []
    kept = [json.loads(one.read_bytes()) for one in (tmp_path / "cache/profiles").iterdir()]
    assert [one["onednn"] for one in kept] == ["1"]
    assert known_profiles(wanted, dataclasses.replace(share, cpus_per_trial=7)) == {}
