"""The machine's GPUs as `nvidia-smi` lists them, and how much memory of one a process may take."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

_CONTEXT_MEGABYTES = 600
"""Of a GPU's memory, what CUDA and its libraries take in every process besides TensorFlow's own."""


def count_gpus() -> int:
    """Count what `nvidia-smi` lists, less what CUDA_VISIBLE_DEVICES hides."""
    count = len(gpu_models())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return count
    return min(count, len([gpu for gpu in visible.split(",") if gpu.strip() not in ("", "-1")]))


def gpu_models() -> tuple[str, ...]:
    """The model of every GPU that `nvidia-smi` lists, hidden ones too; empty without the tool."""
    return models_listed(nvidia_smi("-L", seconds=20))


def nvidia_smi(*words: str, seconds: float) -> str:
    """What the tool prints; empty without it, if it fails, or if it takes longer than `seconds`."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        printed = subprocess.run(
            [tool, *words], capture_output=True, text=True, timeout=seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return printed.stdout


def models_listed(text: str) -> tuple[str, ...]:
    """Read models from lines such as `GPU 0: NVIDIA H100 (UUID: GPU-1f...)`."""
    lines = (line for line in text.splitlines() if line.startswith("GPU "))
    return tuple(line.partition(": ")[2].partition(" (UUID")[0] for line in lines)


def megabytes_listed(text: str) -> tuple[int, ...]:
    """Read the memory of GPUs, a line each; what is no number of megabytes is passed over."""
    return tuple(int(line) for line in text.split() if line.isdecimal())


def megabytes_of_share(gpu_share: float, totals: Sequence[int]) -> int | None:
    """What one of several processes on a GPU may take of its memory.

    Args:
        gpu_share: of one GPU; from 1 on the process has each for itself.
        totals: megabytes of each that the process may see.

    Returns:
        None where none is known.
    """
    if gpu_share <= 0 or not totals:
        return None
    return max(1, int(min(totals) * min(gpu_share, 1.0)) - _CONTEXT_MEGABYTES)


def own_gpu_megabytes(gpu_share: float) -> int | None:
    """The same of the GPUs that this process may see, as `nvidia-smi` tells their memory."""
    if gpu_share <= 0:
        return None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    which = ("-i", visible) if visible else ()
    query = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")
    return megabytes_of_share(gpu_share, megabytes_listed(nvidia_smi(*query, *which, seconds=20)))
