"""What an owner of a GPU runs once: bits, speed of each precision and of XLA, and memory.

    python -m tests.benchmarks.gpu_check --out GPU_CHECK.md       (make gpu-check)

One backbone with random weights at the paper's cut and its head alone, on made-up photos. One
report file is written, with every row as it is measured, so that whoever stops early keeps the
rows so far; without a GPU one line says so, and the exit code is 2.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from results.ledger.files import write_text
from search_spaces.backbones import HEAD
from search_spaces.config import PRECISIONS, TrialConfig
from search_spaces.installed import version_of

NO_GPU = 2
Counts = tuple[int, int, int]
_COUNTS = (640, 192, 192)
"""Photos to train, to choose, to report."""
_ALL = 2**40
_FEEDING = (
    ("all on the device", True, _ALL),
    ("many batches with a call", True, 0),
    ("one batch a call", False, 0),
)
"""In words, whether a call has many batches, and bytes of the device for photos and features."""


@dataclass(frozen=True)
class Found:
    """What one way of computing gave.

    Attributes:
        way: in words.
        compiling: seconds of tracing and compiling in the first trial.
        photos_per_second: in steady epochs, training and validation.
        again: whether the same trial gave the same losses to the last bit, the second time with one
            batch a call where the way says so.
        recomputed: largest relative difference of a loss where the store has no room.
        peak_bytes: of the GPU's memory; None where TensorFlow does not say.
    """

    way: str
    compiling: float
    photos_per_second: float
    again: bool
    recomputed: float
    peak_bytes: int | None


def main(words: Sequence[str]) -> int:
    """Measure and write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gpu_check")
    parser.add_argument("--out", type=Path, default=Path("GPU_CHECK.md"))
    arguments = parser.parse_args(words)
    from trainables.networks.devices import configure, gpu_names

    configure(cpus=4, gpus=1)  # before TensorFlow is imported, which otherwise logs
    if not gpu_names():
        print("gpu-check: TensorFlow finds no GPU here; nothing was measured.", file=sys.stderr)
        return NO_GPU
    from tests.trainables.small_networks import point

    deep = point("Xception", size=150, epochs=4, batch_size=32)
    found: list[Found] = []
    for one in measured(deep, _COUNTS):
        found.append(one)
        print(f"gpu-check: {' | '.join(_cells(one))}", flush=True)
        write_text(arguments.out, page(" + ".join(gpu_names()), deep, found))
    print(f"gpu-check: wrote {arguments.out}")
    return 0


def measured(deep: TrialConfig, counts: Counts) -> Iterator[Found]:
    """Every precision with and without XLA, then each way to feed a network, and a head."""
    for jit, precision in itertools.product((False, True), PRECISIONS):
        way = f"{precision}{', XLA' if jit else ''}"
        how: dict[str, Any] = {"precision": precision, "jit_compile": jit, "device_bytes": _ALL}
        yield _measured(way, deep, counts, **how)
    for way, config in (("float32", deep), ("head", replace(deep, unfreeze=HEAD))):
        for words, loops, room in _FEEDING:
            yield _measured(f"{way}, {words}", config, counts, loops, device_bytes=room)


def _measured(
    way: str, config: TrialConfig, counts: Counts, loops: bool | None = None, **how: Any
) -> Found:
    from tests.trainables.small_networks import NO_ROOM, PLENTY, training_data
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    networks = NetworkCache()

    def trained(folder: str, room: int) -> Any:
        sized: dict[str, Any] = {"size": config.image_size, "counts": counts, "max_bytes": room}
        data = training_data(Path(folder), points={}, **sized)
        return train(config, replace(data, **how), lambda _: None, networks=networks)

    _peak_bytes(forget=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as empty:
        first = trained(folder, PLENTY)
        for network in networks._networks.values():
            network.loops = network.loops if loops is None else loops
        second, peak = trained(folder, PLENTY), _peak_bytes()
        recomputed = trained(empty, NO_ROOM)
    losses = [[one.train_loss for one in each.epochs] for each in (first, second, recomputed)]
    steady = statistics.median(one.seconds for one in second.epochs[1:])
    return Found(
        way=way,
        compiling=first.cost.seconds_tracing,
        photos_per_second=sum(counts[:2]) / steady,
        again=losses[0] == losses[1],
        recomputed=max(abs(a - b) / a for a, b in zip(losses[0], losses[2], strict=True)),
        peak_bytes=peak,
    )


def _peak_bytes(*, forget: bool = False) -> int | None:
    import tensorflow as tf

    if not tf.config.get_visible_devices("GPU"):
        return None
    if forget:
        tf.config.experimental.reset_memory_stats("GPU:0")
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def page(device: str, deep: TrialConfig, found: Sequence[Found]) -> str:
    """The report, in Markdown."""
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("tensorflow", "keras"))
    head = "way | photos/s | compiling, s | same bits again | stored to recomputed | peak, MB"
    lines = [head, " | ".join(["---"] * 6), *(" | ".join(_cells(one)) for one in found)]
    table = "\n".join(f"| {line} |" for line in lines)
    return (
        f"# GPU check\n\n{deep.backbone} from {deep.unfreeze} on {device}; {versions}.\n\n{table}\n"
    )


def _cells(one: Found) -> tuple[str, ...]:
    return (
        one.way,
        f"{one.photos_per_second:,.0f}",
        f"{one.compiling:.1f}",
        "yes" if one.again else "NO",
        f"{one.recomputed:.1g}",
        "not told" if one.peak_bytes is None else f"{one.peak_bytes / 2**20:,.0f}",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
