"""Table 1 measured: named devices, a cache per device, and counts that match the published ones."""

from __future__ import annotations

import functools
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.ledger.files import write_json
from results.ledger.runs import MeasuredCharacteristics
from search_spaces import paper
from search_spaces.backbones import PAPER_NAMES
from tests.results.helpers import Trial, make_run
from trainables.finished.characteristics import _versions, measure_run, of_backbones
from trainables.networks.devices import cpu_name, device_name

CPU_INFO = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon(R) 6 @ 2.5GHz\n"


@pytest.mark.parametrize("text", ["", "model name\t:\n", "Hardware : BCM2835\n"])
def test_a_processor_without_a_model_name_is_named_by_python(tmp_path: Path, text: str) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    expected = platform.processor() or platform.machine()
    assert cpu_name(tmp_path / "cpuinfo") == cpu_name(tmp_path / "missing") == expected != ""


def test_a_processor_is_named_by_its_model(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(2 * CPU_INFO)
    assert cpu_name(tmp_path / "cpuinfo") == "Xeon(R) 6 @ 2.5GHz"


def test_another_device_or_version_is_measured_again_and_the_same_is_not(tmp_path: Path) -> None:
    asked: list[str] = []

    def measured(backbone: str, image_size: int, device: str) -> MeasuredCharacteristics:
        asked.append(device)
        return MeasuredCharacteristics(
            backbone, image_size, device, 32, 1.0, 1.0, 1, 1, 1, 1, 1.0, 1.0
        )

    def row(device: str, version: str) -> MeasuredCharacteristics:
        [measurement] = of_backbones(
            ["VGG16"],
            image_size=75,
            device=device,
            versions=[version],
            folder=tmp_path,
            measured=measured,
        )
        return measurement

    assert row("Xeon, 2 CPU threads", "1").device == "Xeon, 2 CPU threads"
    assert row("EPYC, 2 CPU threads", "1").device == "EPYC, 2 CPU threads"
    row("EPYC, 2 CPU threads", "2")
    again = row("Xeon, 2 CPU threads", "1")
    assert asked == ["Xeon, 2 CPU threads", "EPYC, 2 CPU threads", "EPYC, 2 CPU threads"]
    assert again.device == "Xeon, 2 CPU threads"


def test_tensorflow_is_loaded_for_what_was_not_measured_or_has_a_gpu_and_for_nothing_else(
    tmp_path: Path,
) -> None:
    run = make_run(tmp_path / "run", [Trial("VGG16", 0)]).read_run()
    here: dict[str, Any] = {"backbones": ("VGG16",), "cache_dir": str(tmp_path), "onednn": "1"}
    run = replace(run, settings=replace(run.settings, **here), hardware={"cpus": 2, "gpus": 0})
    size, folder = run.data.image_size, tmp_path / "characteristics"
    row = MeasuredCharacteristics("VGG16", size, "cpu", 32, 1.0, 1.0, 1, 1, 1, 1, 1.0, 1.0)

    def load() -> None:
        raise ImportError("TensorFlow")

    with pytest.raises(ImportError):
        measure_run(run, load)
    where: dict[str, Any] = {"image_size": size, "device": device_name(2, gpus=0), "folder": folder}
    of_backbones(["VGG16"], versions=_versions("1"), measured=lambda *_: row, **where)
    assert measure_run(run, load) == [row]
    with pytest.raises(ImportError):
        measure_run(replace(run, hardware={"cpus": 2, "gpus": 1}), load)


@pytest.mark.parametrize("content", [{"backbon": "VGG16"}, {}])
def test_damaged_or_misspelt_characteristics_are_measured_again_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: dict[str, str]
) -> None:
    row = MeasuredCharacteristics("VGG16", 75, "cpu", 32, 1.0, 1.0, 1, 1, 1, 1, 1.0, 1.0)

    def rows() -> list[MeasuredCharacteristics]:
        return of_backbones(
            ["VGG16"],
            image_size=75,
            device="cpu",
            versions=["1"],
            folder=tmp_path,
            measured=lambda *_: row,
        )

    assert rows() == [row]
    [kept] = tmp_path.iterdir()
    before = kept.read_bytes()
    write_json(kept, content)
    assert rows() == [row]
    assert "measured again" in caplog.text
    assert kept.read_bytes() == before


@functools.cache
def counted_at_the_default_size(backbone: str) -> tuple[int, int]:
    """Parameters and depth; VGG16 has half a gigabyte of them there."""
    from trainables.finished.characteristics import counted

    return counted(backbone)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", PAPER_NAMES)
def test_parameters_and_depth_are_those_that_keras_publishes(backbone: str) -> None:
    published = paper.TABLE_1[backbone]
    parameters, depth = counted_at_the_default_size(backbone)
    assert round(parameters / 1e6, 1) == published.parameters_millions
    if backbone in ("VGG16", "ResNet50", "Xception"):
        assert depth == published.depth


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["EfficientNetB0", "VGG16"])
def test_counts_of_a_model_at_the_runs_size_are_the_published_ones(backbone: str) -> None:
    import keras

    from trainables.finished.characteristics import counted

    make = getattr(keras.applications, backbone)
    small = make(weights=None, input_shape=(48, 48, 3), classes=1000)
    assert counted(backbone, small) == counted_at_the_default_size(backbone)


@pytest.mark.slow
def test_times_are_of_the_runs_image_size_and_counts_of_the_published_one() -> None:
    from trainables.finished.characteristics import measure

    row = measure("VGG16", 48, "here")
    assert (row.image_size, row.parameters, row.depth) == (48, 138_357_544, 16)
    assert round(row.megabytes) == paper.TABLE_1["VGG16"].megabytes
    assert (row.parameters_without_top, row.depth_without_top) == (14_714_688, 13)
    assert 0 < row.milliseconds_per_step < 60_000
