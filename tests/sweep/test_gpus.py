"""What `nvidia-smi` lists, and what TensorFlow finds of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.gpus import megabytes_listed, megabytes_of_share, models_listed
from sweep.process.commands import gpus_of_tensorflow
from tests.sweeps import HOME, photo_folder


@pytest.mark.parametrize("text", ["", "No devices were found\n", "NVIDIA-SMI has failed\n"])
def test_no_gpu_listed_is_no_model(text: str) -> None:
    assert models_listed(text) == ()


def test_gpus_are_named_without_their_numbers_and_identities() -> None:
    text = (
        "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1f2e)\n"
        "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-3d)\n"
        "  MIG 1g.5gb Device 0: (UUID: MIG-4c)\n"
    )
    assert models_listed(text) == ("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-40GB")


@pytest.mark.parametrize(
    ("gpu_share", "totals", "megabytes"),
    [
        (0.5, (81559,), 81559 // 2 - 600),
        (0.25, (81559, 40960), 40960 // 4 - 600),
        (0.01, (8192,), 1),  # too little to train with, which the trial will say
        (1.0, (81559,), 81559 - 600),
        (2.0, (81559, 81559), 81559 - 600),
        (0.0, (81559,), None),
        (0.5, (), None),
    ],
)
def test_a_share_of_a_gpu_has_its_share_of_the_memory_less_what_cuda_takes(
    gpu_share: float, totals: tuple[int, ...], megabytes: int | None
) -> None:
    assert megabytes_of_share(gpu_share, totals) == megabytes


def test_the_memory_of_gpus_is_read_from_lines_of_megabytes() -> None:
    assert megabytes_listed("81559\n40960\n") == (81559, 40960)
    assert megabytes_listed("[N/A]\n") == megabytes_listed("") == ()


@pytest.mark.slow
def test_a_plan_for_gpus_that_tensorflow_does_not_find_is_one_for_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "99")  # none, also on a machine that has some
    assert gpus_of_tensorflow() == 0
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA Nothing (UUID: GPU-0)'\n")
    tool.chmod(0o755)
    planned = subprocess.run(
        [
            *(sys.executable, str(HOME / "run_sweep.py"), "--plan", "--weights", "random"),
            *("--data", str(photo_folder(tmp_path / "photos")), "--image-size", "32"),
            *("--backbones", "vgg16", "--cache-dir", str(tmp_path / "cache")),
            *("--cpus-per-trial", "1", "--max-concurrent", "1"),
        ],
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (planned.returncode, planned.stderr) == (0, "")
    words = " ".join(planned.stdout.split())
    assert "1 of them for this process, and TensorFlow finds none" in words
    assert "1 at a time on 1 CPU each" in words
