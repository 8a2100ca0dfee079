"""What the machine has, without TensorFlow: processors, memory, GPUs; and how trials share it."""

from __future__ import annotations

import argparse
import math
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from results.ledger.files import folder_bytes, free_megabytes, refuse_file_in_the_way
from search_spaces.presets import cache_dir_known_as, default_cache_dir
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import RunSettings
from sweep.gpus import count_gpus

_MEGABYTE = 1024 * 1024
_TRIAL_MEGABYTES = 5000
"""Memory of a worker that has built all six backbones, measured at 75 pixels, rounded up."""
_MOST_PER_CPU = 8
"""Trials at a time that may be asked for on each processor; more is a slip of the hand."""
MOST_CONCURRENT = 8
"""More workers than this read the feature files faster than one disk gives them."""


@dataclass(frozen=True)
class Hardware:
    """Attributes: usable processors; memory in MB; GPUs; a name."""

    cpus: int
    memory_megabytes: int
    gpus: int
    name: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Machine:
    """How much of the machine is used, and where things are kept.

    Attributes:
        max_concurrent: trials at a time.
        cpus_per_trial: also TensorFlow's threads.
        gpus_per_trial: 0, a fraction, or a whole number.
        trainer_bytes: memory above which a training process is replaced between trials.
        address: of a Ray cluster, or None for this machine.
        cache_dir: datasets, features and downloads.
        max_cache: bytes of features.
        time_budget: seconds, or None.
        max_disk: bytes of the run's folder, or None.
    """

    max_concurrent: int
    cpus_per_trial: int
    gpus_per_trial: float
    trainer_bytes: int
    address: str | None
    cache_dir: Path
    max_cache: int
    time_budget: float | None
    max_disk: int | None


def detect() -> Hardware:
    """Look at this machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Hardware(
        cpus=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        memory_megabytes=pages // _MEGABYTE,
        gpus=count_gpus(),
        name=f"{platform.system()} {platform.machine()}",
    )


def usable(
    hardware: Hardware, gpus_found: Callable[[], int | None], warn: Callable[[str], None]
) -> Hardware:
    """The machine with no more GPUs than TensorFlow finds; asked only where there are any.

    Args:
        gpus_found: how many it finds; None where it cannot be asked.
        warn: told what it does not find.
    """
    found = gpus_found() if hardware.gpus else None
    if found is None or found >= hardware.gpus:
        return hardware
    warn(
        f"nvidia-smi lists GPUs, {hardware.gpus} of them for this process, and TensorFlow finds "
        f"{found or 'none'}: CUDA's libraries are missing or do not fit the driver. "
        "pip install 'tensorflow[and-cuda]' brings those that it wants."
    )
    return replace(hardware, gpus=found)


def share(
    arguments: argparse.Namespace,
    hardware: Hardware,
    *,
    most_trials: int,
    resumed: RunSettings | None = None,
) -> Machine:
    """Divide the machine among trials; what was typed comes first.

    Args:
        most_trials: how many there can be at all; fewer trials get more processors each.
        resumed: a run that goes on with the cache that it began with, where that still is.

    Raises:
        UsageRefusal: more is asked for than there is.
    """
    gpus = gpus_per_trial(arguments, hardware.gpus)
    _refuse_too_much(arguments, hardware, gpus)
    concurrent = arguments.max_concurrent or _concurrency(arguments, hardware, gpus)
    concurrent = min(concurrent, most_trials)
    if gpus and not arguments.address:
        _refuse_crowded_gpus(concurrent, gpus, hardware.gpus)
    cache_dir, max_cache = _cache(arguments, resumed)
    return Machine(
        max_concurrent=concurrent,
        cpus_per_trial=arguments.cpus_per_trial or max(1, hardware.cpus // concurrent),
        gpus_per_trial=gpus,
        trainer_bytes=hardware.memory_megabytes * _MEGABYTE // concurrent * 2 // 5,
        address=arguments.address,
        cache_dir=cache_dir,
        max_cache=max_cache,
        time_budget=arguments.time_budget,
        max_disk=arguments.max_disk,
    )


def gpus_per_trial(arguments: argparse.Namespace, gpus: int) -> float:
    """What a trial has of `gpus`: what was typed, else one, or a fraction where more trials than
    GPUs were asked for.

    A trial is never spread over two GPUs, so the fraction follows from the fullest GPU: three
    trials on two GPUs have a half each. Rounded down, since what is rounded up would not fit.
    """
    typed: float | None = arguments.gpus_per_trial
    if typed is not None or not gpus:
        return typed or 0.0
    trials_per_gpu = math.ceil((arguments.max_concurrent or 1) / gpus)
    return math.floor(1000 / trials_per_gpu) / 1000


def trials_that_fit(gpus: int, gpus_per_trial: float) -> int:
    """How many trials have room on `gpus` GPUs: a fraction of one lies within a single GPU."""
    if gpus_per_trial < 1:
        return gpus * _trials_per_gpu(gpus_per_trial)
    return int(gpus / gpus_per_trial)


def gpus_needed(trials: int, gpus_per_trial: float) -> int:
    """The fewest GPUs on which `trials` trials have room."""
    if 0 < gpus_per_trial < 1:
        return math.ceil(trials / _trials_per_gpu(gpus_per_trial))
    return math.ceil(trials * gpus_per_trial)


def _trials_per_gpu(share: float) -> int:
    return math.floor(1 / share + 1e-9)  # 1 / share can come out just below a whole number


def _refuse_crowded_gpus(trials: int, gpus_per_trial: float, gpus: int) -> None:
    fitting = trials_that_fit(gpus, gpus_per_trial)
    if trials > fitting:
        raise UsageRefusal(
            f"{trials} trials at a time with {gpus_per_trial:g} GPUs each do not fit on {gpus}",
            where="--max-concurrent",
            fix=f"Give at most {fitting}, or a smaller --gpus-per-trial.",
        )


def _refuse_too_much(arguments: argparse.Namespace, hardware: Hardware, gpus: float) -> None:
    if arguments.address:
        return
    most = hardware.cpus * _MOST_PER_CPU
    if (arguments.max_concurrent or 1) > most:
        raise UsageRefusal(
            f"{arguments.max_concurrent:,} trials at a time are too many for {hardware.cpus} "
            "processors",
            where="--max-concurrent",
            fix=f"Give at most {most}.",
        )
    for flag, needed, available, noun in (
        ("--gpus-per-trial", gpus, hardware.gpus, "GPUs"),
        ("--cpus-per-trial", arguments.cpus_per_trial or 1, hardware.cpus, "processors"),
    ):
        if needed > available:
            raise UsageRefusal(
                f"a trial would need {needed:g} {noun}, this machine has {available}",
                where=flag,
                fix=f"Give at most {available}.",
            )


def _concurrency(arguments: argparse.Namespace, hardware: Hardware, gpus: float) -> int:
    by_cpu = hardware.cpus // (arguments.cpus_per_trial or 1)
    by_memory = hardware.memory_megabytes // _TRIAL_MEGABYTES
    by_gpu = trials_that_fit(hardware.gpus, gpus) if gpus else by_cpu
    return max(1, min(by_cpu, by_memory, by_gpu, MOST_CONCURRENT))


def _cache(arguments: argparse.Namespace, resumed: RunSettings | None) -> tuple[Path, int]:
    """The cache folder, and how many bytes of features it may hold."""
    if arguments.cache_dir is None and resumed and resumed.cache_dir:
        folder = cache_dir_known_as(resumed.cache_dir)
    else:
        folder = (arguments.cache_dir or default_cache_dir()).expanduser().absolute()
        refuse_file_in_the_way(folder, "--cache-dir")
    same_folder = resumed is not None and str(folder) == resumed.cache_dir
    before = resumed.max_cache if resumed and same_folder else None
    return folder, arguments.max_cache or before or _half_of_the_disk(folder)


def on_node(machine: Machine, hardware: Hardware, cache_dir: Path) -> Machine:
    """The same shares on a node of a cluster, with its own memory and its own cache."""
    fitting = max(1, hardware.cpus // machine.cpus_per_trial)
    return replace(
        machine,
        trainer_bytes=hardware.memory_megabytes * _MEGABYTE // fitting * 2 // 5,
        cache_dir=cache_dir,
        max_cache=min(machine.max_cache, _half_of_the_disk(cache_dir)),
    )


def _half_of_the_disk(folder: Path) -> int:
    """Half of what the cache could have: what it holds counts, or it would shrink by every run."""
    return (free_megabytes(folder) * _MEGABYTE + folder_bytes(folder / "features")) // 2
