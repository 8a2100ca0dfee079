"""Measures what the layers of backbones cost on this machine, for `results.ledger.profiles`.

    python -m trainables.features.profiling --image-size 150 --cpus 2 --gpus 0 VGG16=FILE

One file is written per backbone, as soon as it is measured. The process has one oneDNN setting, the
one that `TF_ENABLE_ONEDNN_OPTS` had when TensorFlow was imported; compare two with two processes.

Layers run one by one, without a trace: tracing a network takes up to half a minute, this takes a
second or two. Nothing is fused here, so the sums are more than a traced network takes.
Of the repeats the fastest counts, because whatever disturbs a measurement only makes it longer.
Random weights do, since the speed does not depend on them, and so does a head for two classes.
"""

from __future__ import annotations

import argparse
import mmap
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from results.ledger.files import TEMPORARY_PREFIX, disk_faults_named, write_json
from results.ledger.profiles import PointCost, Profile
from search_spaces.backbones import backbone_named
from search_spaces.refusals import Refusal, UsageRefusal
from trainables.networks.cuts import PHOTO, Cut, cut_at, nearest_sources
from trainables.networks.device_names import ONEDNN

if TYPE_CHECKING:
    from trainables.networks.backbones import Whole

_BATCH_CPU = 16
_BATCH_GPU = 256
"""Large, because starting a layer from Python takes longer than a GPU takes for a small batch."""
_BYTES_OF_A_LAYER = 512 * 1024 * 1024
"""Of the largest output of a batch; a few of that size are alive at a time."""
_REPEATS = 3
_SECONDS_OF_A_LAYER = 0.1
"""A layer that takes longer is not repeated."""
_CLASSES = 2
_ROW_BYTES = 128 * 1024
_ROWS = 512
_ROWS_AT_ONCE = 32


@dataclass(frozen=True)
class Fetching:
    """Seconds per byte from a mapped file to the device."""

    warm: float
    cold: float


def measure(backbone: str, image_size: int, *, onednn: str, gpu: bool, fetch: Fetching) -> Profile:
    """Build a backbone with its head and time its layers.

    Args:
        onednn: the setting that TensorFlow was imported with.
        gpu: whether the layers run on one.
        fetch: measured on the same device.
    """
    from trainables.networks.backbones import build
    from trainables.networks.weights import RANDOM, Weights

    weights = Weights(RANDOM, {}, 0, {backbone: RANDOM})
    whole = build(backbone, image_size=image_size, classes=_CLASSES, weights=weights)
    seconds = _seconds_by_node(whole, _batch(whole, gpu=gpu))
    entry = backbone_named(backbone)
    names = dict.fromkeys((*entry.points, entry.baseline_unfreeze))
    return Profile(
        backbone=backbone,
        image_size=image_size,
        onednn=onednn,
        seconds_by_node=seconds,
        points={
            name: _point_cost(whole, cut_at(whole.graph, whole.first(name)), seconds)
            for name in names
        },
        seconds_whole=sum(seconds),
        seconds_per_byte_warm=fetch.warm,
        seconds_per_byte_cold=fetch.cold,
    )


def fetching(folder: Path) -> Fetching:
    """Time fetching stored rows in random order, from memory and, where it can be, from the disk.

    The file has no name, so that nothing is left of it whatever happens.

    Raises:
        EnvironmentRefusal: the disk is full or cannot be written.
    """
    with disk_faults_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=TEMPORARY_PREFIX) as file:
            rng = np.random.default_rng(0)
            for _ in range(_ROWS):
                file.write(rng.random(_ROW_BYTES // 4, np.float32).tobytes())
            file.flush()
            os.fsync(file.fileno())  # the system forgets only what is on the disk
            _seconds_per_byte(file)
            warm = _seconds_per_byte(file)
            cold = _seconds_per_byte(file) if _forgotten(file) else warm
    return Fetching(warm, cold)


def _batch(whole: Whole, *, gpu: bool) -> int:
    """Photos at once: fewer where their largest output would take too much memory."""
    fit = _BYTES_OF_A_LAYER // max(whole.graph.row_bytes)
    return max(1, min(_BATCH_GPU if gpu else _BATCH_CPU, fit))


def _seconds_by_node(whole: Whole, batch: int) -> tuple[float, ...]:
    """Of each layer for one photo, after a pass that only warms up; 0 for the photo's input."""
    for _ in _timed_layers(whole, batch, repeats=1):
        pass
    return (0.0, *(one / batch for one in _timed_layers(whole, batch, repeats=_REPEATS)))


def _timed_layers(whole: Whole, batch: int, *, repeats: int) -> Iterator[float]:
    """Run the layers behind the photo in order; an output is dropped after its last reader."""
    import tensorflow as tf

    graph = whole.graph
    readers = Counter(parent for parents in graph.parents for parent in set(parents))
    shape = (batch, whole.image_size, whole.image_size, 3)
    outputs: dict[int, Any] = {PHOTO: tf.random.stateless_uniform(shape, seed=(0, 0))}
    for node, layer in enumerate(whole.layers[1:], start=1):
        parents = graph.parents[node]
        given: Any = [outputs[parent] for parent in parents]
        if not isinstance(layer.input, list | tuple):
            [given] = given
        seconds, outputs[node] = _fastest(layer, given, repeats)
        yield seconds
        for parent in set(parents):
            readers[parent] -= 1
            if not readers[parent]:
                del outputs[parent]


def _fastest(layer: Any, given: Any, repeats: int) -> tuple[float, Any]:
    """Seconds of the fastest of some calls in inference mode, and the output.

    `call` and not `__call__`, whose checks a traced network makes only once.
    """
    from tensorflow.test.experimental import sync_devices

    fastest, spent, output = float("inf"), 0.0, None
    for _ in range(repeats):
        del output  # so that its memory can be used again, as in a trace
        sync_devices()
        started = time.perf_counter()
        output = layer.call(given)
        sync_devices()
        seconds = time.perf_counter() - started
        fastest, spent = min(fastest, seconds), spent + seconds
        if spent > _SECONDS_OF_A_LAYER:
            break
    return fastest, output


def _point_cost(whole: Whole, cut: Cut, seconds: Sequence[float]) -> PointCost:
    """Of the layers that lead to the cut; the photos among what crosses are bytes, not floats."""
    _, before = nearest_sources(whole.graph, cut.required, ())
    photo = whole.graph.row_bytes[PHOTO] // 4
    return PointCost(
        seconds=sum(seconds[node] for node in before),
        row_bytes=sum(
            photo if node == PHOTO else whole.graph.row_bytes[node] for node in cut.required
        ),
    )


def _seconds_per_byte(file: IO[bytes]) -> float:
    """Of every row once, in random order, as training reads them: mapped, copied, on the device."""
    import tensorflow as tf
    from tensorflow.test.experimental import sync_devices

    order = np.random.default_rng(1).permutation(_ROWS)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        rows = np.frombuffer(mapped, np.float32).reshape(_ROWS, -1)
        sync_devices()
        started = time.perf_counter()
        for at in range(0, _ROWS, _ROWS_AT_ONCE):
            tf.identity(tf.convert_to_tensor(rows[order[at : at + _ROWS_AT_ONCE]]))
        sync_devices()
        seconds = time.perf_counter() - started
        del rows  # or the mapping could not be closed
    return seconds / (_ROWS * _ROW_BYTES)


def _forgotten(file: IO[bytes]) -> bool:
    """Ask the system to forget the file's content in memory; tells whether it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return False
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def main(words: Sequence[str]) -> int:
    """Measure backbones into files; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m trainables.features.profiling")
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--cpus", type=int, required=True)
    parser.add_argument("--gpus", type=float, required=True)
    parser.add_argument("targets", nargs="+", metavar="BACKBONE=FILE")
    asked = parser.parse_args(words)
    try:
        onednn = os.environ.get(ONEDNN, "")
        if onednn not in ("0", "1"):
            raise UsageRefusal(
                f"what is measured needs a oneDNN setting of 0 or 1, got {onednn!r}",
                where=ONEDNN,
                fix=f"Set {ONEDNN}=1.",
            )
        _measure_all(asked, onednn)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    return 0


def _measure_all(asked: argparse.Namespace, onednn: str) -> None:
    from trainables.networks.devices import configure

    configure(cpus=asked.cpus, gpus=asked.gpus)

    from trainables.networks.device_names import gpu_names

    gpu, fetch = bool(gpu_names()), None
    for name, _, path in (target.partition("=") for target in asked.targets):
        file = Path(path)
        fetch = fetch or fetching(file.parent)
        found = measure(name, asked.image_size, onednn=onednn, gpu=gpu, fetch=fetch)
        write_json(file, found.to_dict())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
