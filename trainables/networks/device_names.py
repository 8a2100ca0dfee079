"""What the processors of this machine are called, for keys and tables."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


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


def device_name(threads: int) -> str:
    """In words: the GPUs that are used, or the processor and how many threads of it."""
    return " + ".join(gpu_names()) or f"{cpu_name()}, {threads} CPU threads"


def onednn_setting() -> str:
    """Whether TensorFlow uses oneDNN here: `0`, `1`, or `default` where nothing is set."""
    return os.environ.get(ONEDNN, "default")
