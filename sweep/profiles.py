"""What layers cost on this machine, measured once under the oneDNN setting that the run has.

oneDNN is on unless the environment says otherwise. Which setting is faster cannot be told from
forward passes of single layers: on an AVX2 processor these are equal to a percent, while a gradient
step of ResNet50 takes 0.43 s with oneDNN and 2.40 s without.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from results.ledger.profiles import Profile
from search_spaces.refusals import EnvironmentRefusal
from search_spaces.settings import Settings
from sweep.hardware import Machine, gpu_models
from sweep.process.environment import HOME, typed_onednn, with_onednn
from sweep.process.worker import processor_name

if TYPE_CHECKING:
    from trainables.progress import Progress

DEFAULT_ONEDNN = "1"
STAGE = "measuring layers, once per machine"

_SCHEMA = 1
_SECONDS_BETWEEN_LOOKS = 0.1
_KEEP_FREED_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}
"""For glibc: handing memory back and taking it again takes longer than many a layer."""

Measure = Callable[[str, Mapping[str, Path]], None]
"""(oneDNN setting, file by backbone): measures and writes each file."""


@dataclass(frozen=True)
class Choice:
    """A oneDNN setting and what it was chosen by.

    Attributes:
        onednn: `0` or `1`.
        profiles: under this setting, by backbone; empty where nothing was measured.
        seconds: of the backbones' layers for one photo, per setting that was measured.
    """

    onednn: str
    profiles: Mapping[str, Profile]
    seconds: Mapping[str, float]


def choose(settings: Settings, machine: Machine, *, progress: Progress, log: Path) -> Choice:
    """Measure what is not known of a run's backbones, with oneDNN unless the environment says no.

    On a cluster nothing is measured: what this machine's layers cost says little of its nodes.

    Args:
        log: gets what the measuring processes print.

    Raises:
        UsageRefusal: the environment's setting is neither 0 nor 1.
        EnvironmentRefusal: the measuring process failed.
    """
    if machine.address is not None:
        return unmeasured()
    files = _files(settings, machine, _device(machine))

    def measure(onednn: str, missing: Mapping[str, Path]) -> None:
        words = [
            *("--image-size", str(settings.image_size)),
            *("--cpus", str(machine.cpus_per_trial), "--gpus", str(machine.gpus_per_trial)),
            *(f"{name}={path}" for name, path in missing.items()),
        ]
        _run(words, onednn, log, look=lambda: progress(STAGE, _written(files), _total(files)))

    return chosen(files, measure)


def unmeasured() -> Choice:
    """The environment's setting, or oneDNN, with nothing known.

    Raises:
        UsageRefusal: the environment's setting is neither 0 nor 1.
    """
    return Choice(typed_onednn(os.environ) or DEFAULT_ONEDNN, {}, {})


def chosen(files: Mapping[str, Mapping[str, Path]], measure: Measure) -> Choice:
    """Have measured what has no readable file, and choose the setting with the smaller sum.

    Args:
        files: by setting and backbone.
        measure: called for a setting that lacks some.
    """
    found = {}
    for onednn, paths in files.items():
        missing = {name: path for name, path in paths.items() if _read(path) is None}
        if missing:
            for path in missing.values():
                path.unlink(missing_ok=True)  # a damaged one is not counted as written
            measure(onednn, missing)
        found[onednn] = _known(paths)
    seconds = {onednn: _whole(profiles) for onednn, profiles in found.items()}
    best = min(seconds, key=lambda onednn: seconds[onednn])
    return Choice(best, found[best], seconds)


def known_profiles(settings: Settings, machine: Machine) -> dict[str, Profile]:
    """What is known without measuring, of the setting that is known best, and then the faster.

    Raises:
        UsageRefusal: the environment's setting is neither 0 nor 1.
    """
    if machine.address is not None:
        return {}
    files = _files(settings, machine, _device(machine))
    known = [_known(paths) for paths in files.values()]
    return max(known, key=lambda profiles: (len(profiles), -_whole(profiles)))


def profile_key(
    backbone: str, image_size: int, *, onednn: str, cpus: int, device: Sequence[str]
) -> str:
    """Of all that a measurement depends on, for its file's name.

    Args:
        cpus: TensorFlow's threads.
        device: the processors' models and the versions of the libraries.
    """
    parts = [_SCHEMA, backbone, image_size, onednn, cpus, *device]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _files(
    settings: Settings, machine: Machine, device: Sequence[str]
) -> dict[str, dict[str, Path]]:
    def file(name: str, onednn: str) -> Path:
        size, cpus = settings.image_size, machine.cpus_per_trial
        key = profile_key(name, size, onednn=onednn, cpus=cpus, device=device)
        return machine.cache_dir / "profiles" / f"{key}.json"

    return {
        onednn: {name: file(name, onednn) for name in settings.backbones}
        for onednn in (typed_onednn(os.environ) or DEFAULT_ONEDNN,)
    }


def _device(machine: Machine) -> list[str]:
    gpus = gpu_models() if machine.gpus_per_trial else ()
    versions = (importlib.metadata.version(name) for name in ("tensorflow", "keras"))
    return [" + ".join(gpus) or "cpu", processor_name(), *versions]


def _run(words: Sequence[str], onednn: str, log: Path, *, look: Callable[[], None]) -> None:
    """Run one measuring process, looking now and then how far it is; it ends with this one's wait.

    Raises:
        EnvironmentRefusal: it failed.
    """
    with log.open("a") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "trainables.features.profiling", *words],
            cwd=HOME,
            env={**with_onednn(onednn), **_KEEP_FREED_MEMORY},
            stdout=sink,
            stderr=sink,
        )
        try:
            while process.poll() is None:
                look()
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    look()
    if process.returncode:
        raise EnvironmentRefusal(
            f"measuring the layers must end with exit code 0, got {process.returncode}",
            where=str(log),
            fix="The log says why; start the run again, what was measured is kept.",
        )


def _read(path: Path) -> Profile | None:
    """A profile that was kept; None if there is none, or none that can be read."""
    try:
        return Profile.from_dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _known(paths: Mapping[str, Path]) -> dict[str, Profile]:
    read = {name: _read(path) for name, path in paths.items()}
    return {name: profile for name, profile in read.items() if profile is not None}


def _whole(profiles: Mapping[str, Profile]) -> float:
    return sum(one.seconds_whole for one in profiles.values())


def _written(files: Mapping[str, Mapping[str, Path]]) -> int:
    return sum(path.is_file() for paths in files.values() for path in paths.values())


def _total(files: Mapping[str, Mapping[str, Path]]) -> int:
    return sum(len(paths) for paths in files.values())
