"""What a process does with its part of a GPU's memory, and what it loads for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sweeps import HOME
from trainables.networks.devices import CPU_INPUT_BYTES, device_memory


def test_where_no_memory_of_a_gpu_is_known_little_stays_there_and_nothing_is_counted() -> None:
    memory = device_memory(None)
    assert (memory.for_inputs, memory.most_kept) == (CPU_INPUT_BYTES, sys.maxsize)
    assert memory.used() == 0


def test_of_a_gpu_inputs_take_an_eighth_and_networks_half() -> None:
    memory = device_memory(16_000)
    assert (memory.for_inputs, memory.most_kept) == (2_000 * 2**20, 8_000 * 2**20)


def test_inputs_take_no_more_of_a_large_gpu_than_a_host_can_send() -> None:
    assert device_memory(80_000).for_inputs == 4 * 2**30


LOADED = """
import os, sys
from trainables.networks.devices import configure
configure(cpus=1, gpus=float(sys.argv[1]))
print(sum("libcusolver.so.11" in line for line in open("/proc/self/maps")) > 0)
print(os.environ["CUDA_DEVICE_ORDER"])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="CUDA and /proc are Linux'")
@pytest.mark.parametrize(("gpus", "loaded"), [("0.5", "True"), ("0", "False")])
def test_cusolver_of_nvidias_package_is_loaded_for_a_share_of_a_gpu(
    tmp_path: Path, gpus: str, loaded: str
) -> None:
    import scipy

    libraries = (Path(scipy.__file__).parents[1] / "scipy.libs").glob("*.so*")
    library = min(libraries, key=lambda path: path.stat().st_size)  # it needs no other of them
    package = tmp_path / "nvidia" / "cusolver" / "lib"
    package.mkdir(parents=True)
    (package / "libcusolver.so.11").write_bytes(library.read_bytes())  # any will do
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, gpus],
        cwd=HOME,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == [loaded, "PCI_BUS_ID"]
