"""`make gpu-check`: a machine without a GPU says so; what it measures and writes holds on any."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.gpu_check import NO_GPU, Found, measured, page
from tests.benchmarks.workplace import HOME
from tests.trainables.small_networks import point


@pytest.mark.slow
def test_a_machine_without_a_gpu_says_so_in_one_line_and_writes_nothing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.gpu_check", "--out", str(tmp_path / "out.md")],
        cwd=HOME,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (NO_GPU, "")
    assert ran.stderr == "gpu-check: TensorFlow finds no GPU here; nothing was measured.\n"
    assert not list(tmp_path.iterdir())


def test_the_page_has_a_row_for_each_way_and_shouts_where_bits_differ() -> None:
    found = [Found("float32", 1.25, 5000.0, True, 0.0, 3 * 2**20)]
    found.append(Found("mixed_float16", 2.0, 9000.0, False, 1e-3, None))
    text = page("an A100", point("Xception", size=150), found)
    assert "Xception from block14_sepconv1 on an A100" in text
    assert "| float32 | 5,000 | 1.2 | yes | 0 | 3 |" in text
    assert "| mixed_float16 | 9,000 | 2.0 | NO | 0.001 | not told |" in text


@pytest.mark.slow
def test_every_way_is_measured_and_has_the_bits_of_single_steps() -> None:
    # Sixteen photos, two steps an epoch: XLA compiles anew for every size of a batch.
    config = point("VGG16", size=32, unfreeze="block5_conv3", batch_size=4)
    found = list(measured(config, (8, 4, 4)))
    assert len({one.way for one in found}) == len(found) == 12
    assert all(one.photos_per_second > 0 and one.compiling > 0 for one in found)
    assert all(one.again for one in found)
