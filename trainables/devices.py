"""Sets TensorFlow up for one worker process: threads, GPU memory, quiet logs."""

from __future__ import annotations

import logging
import os


def configure(*, cpus: int, gpus: float) -> None:
    """Match TensorFlow to what the process was given; call before its first operation.

    Args:
        cpus: threads for one operation; between operations one more hides the reading of data.
        gpus: share of a GPU; 0 hides all GPUs, since Ray at 0 GPUs does not. A share takes memory
            as it grows instead of all of it, so that several processes fit on one device.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    tf.config.threading.set_intra_op_parallelism_threads(cpus)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if gpus == 0:
        tf.config.set_visible_devices([], "GPU")
    for device in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(device, True)
