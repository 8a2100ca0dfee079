"""Sets TensorFlow up for one process: threads, GPU memory, quiet logs."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainables.networks.device_names import ONEDNN


def configure(*, cpus: int, gpus: float, onednn: str | None = None) -> None:
    """Match TensorFlow to what the process was given; call before TensorFlow is imported.

    Args:
        cpus: threads for one operation; operations run one after the other.
        gpus: share of a GPU; 0 hides all GPUs, since Ray at 0 GPUs does not. A share takes memory
            as it grows instead of all of it, so that several processes fit on one device.
        onednn: a run's own setting, `0` or `1`, whatever the environment has; None leaves it.
    """
    if onednn is not None:
        os.environ[ONEDNN] = onednn
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_discarded():
        import tensorflow as tf

        tf.config.list_physical_devices()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.threading.set_intra_op_parallelism_threads(cpus)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if gpus == 0:
        tf.config.set_visible_devices([], "GPU")
    for device in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)


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
