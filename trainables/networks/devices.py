"""Sets TensorFlow up for one process (threads, GPU memory, quiet logs) and names its processors.

    python -m trainables.networks.devices

prints the GPUs that TensorFlow finds, a line each.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
CPU_INPUT_BYTES = 64 * 2**20
"""Of memory, what a trial's photos and features may take besides the files that are mapped."""
_MOST_INPUT_BYTES = 4 * 2**30
"""The same of a GPU; the host has twice as much of its own memory in use while it sends them."""
_MEGABYTE = 2**20
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


@dataclass(frozen=True)
class DeviceMemory:
    """What a process does with its part of a GPU's memory; on a CPU nothing is counted.

    Attributes:
        for_inputs: bytes of photos and features that may stay there during a trial.
        most_kept: bytes in use at the start of a trial above which other networks make room.
        used: how many are in use.
    """

    for_inputs: int = CPU_INPUT_BYTES
    most_kept: int = sys.maxsize
    used: Callable[[], int] = lambda: 0


def device_memory(gpu_megabytes: int | None) -> DeviceMemory:
    """An eighth of a GPU's memory for inputs, half for networks; a trial needs the rest itself.

    Args:
        gpu_megabytes: that the process may take; None where TensorFlow has no GPU, or nobody knows.
    """
    if gpu_megabytes is None:
        return DeviceMemory()
    most = gpu_megabytes * _MEGABYTE
    return DeviceMemory(min(most // 8, _MOST_INPUT_BYTES), most // 2, _gpu_bytes_used)


def _gpu_bytes_used() -> int:
    import tensorflow as tf

    return int(tf.config.experimental.get_memory_info("GPU:0")["current"])


def configure(
    *,
    cpus: int,
    gpus: float,
    onednn: str | None = None,
    gpu_megabytes: int | None = None,
    jit_compile: bool = False,
) -> None:
    """Match TensorFlow to what the process was given; call before TensorFlow is imported.

    On a GPU every operation is one that gives the same bits again: on an H100 that cost nothing,
    and without it a float32 trial that was repeated came out differently.

    Args:
        cpus: threads for one operation; operations run one after the other.
        gpus: share of a GPU; 0 hides all GPUs, since Ray at 0 GPUs does not. A share takes memory
            as it grows instead of all of it, so that several processes fit on one device.
        gpu_megabytes: of each GPU's memory, the most that this process may take where it has a
            share; None for all that is free.
        jit_compile: XLA compiles what is trained: it gave the same bits without being asked, and
            has no gradient of MaxPooling that is known to.
        onednn: a run's own setting, `0` or `1`, whatever the environment has; None leaves it.
    """
    if onednn is not None:
        os.environ[ONEDNN] = onednn
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # as nvidia-smi counts them
    if gpus:
        _load_cusolver()
    with _stderr_discarded():
        import tensorflow as tf

        tf.config.list_physical_devices()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.threading.set_intra_op_parallelism_threads(cpus)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if gpus == 0:
        tf.config.set_visible_devices([], "GPU")
    visible = tf.config.get_visible_devices("GPU")
    if visible and not jit_compile:
        tf.config.experimental.enable_op_determinism()
    for device in visible:
        if gpus >= 1 or gpu_megabytes is None:
            tf.config.experimental.set_memory_growth(device, True)
            continue
        # TensorFlow refuses growth for a device with a limit, but not the variable for it.
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=gpu_megabytes)
        tf.config.set_logical_device_configuration(device, [limit])


def gpu_names() -> tuple[str, ...]:
    """The model of every GPU that TensorFlow may use in this process."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    return tuple(
        str(details(device).get("device_name", "an unnamed GPU"))
        for device in tf.config.get_visible_devices("GPU")
    )


def cpu_name(info: Path = CPU_INFO) -> str:
    """The processor's model, as Linux says it; elsewhere as Python says it."""
    try:
        lines = info.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in named if name), platform.processor() or platform.machine())


def device_name(threads: int, gpus: float) -> str:
    """In words: the GPUs that are used, or the processor and how many threads of it.

    Args:
        gpus: as `configure` had it; for 0 TensorFlow, which takes seconds to load, is not asked.
    """
    names = gpu_names() if gpus else ()
    return " + ".join(names) or f"{cpu_name()}, {threads} CPU threads"


def onednn_setting() -> str:
    """Whether TensorFlow uses oneDNN here: `0`, `1`, or `default` where nothing is set."""
    return os.environ.get(ONEDNN, "default")


def _load_cusolver() -> None:
    """Load cuSOLVER of NVIDIA's package, if it is there, so that TensorFlow finds it loaded.

    Of CUDA's libraries it is the one that TensorFlow 2.21 does not look for in its package, and
    without it TensorFlow has no GPU.
    """
    with suppress(ModuleNotFoundError, OSError):  # then TensorFlow finds what it finds
        package = importlib.util.find_spec("nvidia.cusolver")
        for folder in package.submodule_search_locations or () if package else ():
            for library in Path(folder).glob("lib/libcusolver.so.*"):
                ctypes.CDLL(str(library))


@contextmanager
def _stderr_discarded() -> Iterator[None]:
    """Discard what C++ writes while TensorFlow loads: it ignores every setting; errors raise."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


if __name__ == "__main__":
    configure(cpus=1, gpus=1)
    sys.stdout.writelines(f"{name}\n" for name in gpu_names())
