"""The GPU path as far as it goes without one: Ray is told of a GPU, and trials share it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from tests.sweeps import HOME, photo_folder

pytestmark = pytest.mark.slow

SWEEP = """
import sys
from pathlib import Path

from sweep.process.environment import set_for_ray

set_for_ray(None)
root = Path(sys.argv[1])

from sweep.terminal.arguments import parse_arguments
from sweep.hardware import Hardware, share
from sweep.schedule.pool import Pool
from sweep.prepare import gather, run_folder, start
from sweep.tune.runner import run_trials
from trainables.progress import quiet

words = ["--backbones", "vgg16", "--baseline-only", "--data", str(root / "photos"),
         "--weights", "random", "--image-size", "32", "--epochs", "1", "--batch-size", "8",
         "--cache-dir", str(root / "cache"), "--run-dir", str(root / "run"),
         "--gpus-per-trial", "0.5"]
arguments = parse_arguments(words)
hardware = Hardware(cpus=2, memory_megabytes=24000, gpus=1, name="a machine that claims a GPU")
machine = share(arguments, hardware, most_trials=2)
assert machine.gpus_per_trial == 0.5 and machine.max_concurrent == 2, machine
folder = run_folder(arguments)
folder.root.mkdir()
materials = gather(arguments, machine, progress=quiet, warn=print)
prepared = start(materials, folder, machine, hardware, words=words)
pool = Pool(folder, prepared.context.settings, prepared.run.lag)
run_trials(pool, prepared.context, on_running=lambda _: None, on_finished=lambda _: None, say=print)
"""


def test_a_trial_that_was_given_half_a_gpu_trains(tmp_path: Path) -> None:
    photo_folder(tmp_path / "photos")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 16384\n")
    tool.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, str(tmp_path)],
        cwd=HOME,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    [record] = RunFolder(tmp_path / "run").records()
    assert record.status == "completed"
