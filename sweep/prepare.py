"""Once a run: settles what is asked for, opens photos and weights, and writes `run.json` first.

A new run and a resumed one end in the same `Prepared`, so that everything after does not care.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from results.ledger.files import refuse_file_in_the_way
from results.ledger.run_record import RunRecord
from results.ledger.runs import SPLITS, DataRecord, Split
from results.ledger.store import RunFolder
from search_spaces.metrics import ACCURACY, LOG_LOSS, metric_words
from search_spaces.presets import DEMONSTRATION, PAPER
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, UsageRefusal
from search_spaces.settings import UNWEIGHTED, RunSettings, Settings
from sweep.hardware import Hardware, Machine
from sweep.process.context import RunContext
from sweep.process.environment import run_onednn
from sweep.process.worker import find_weights, open_photos
from sweep.terminal.arguments import refuse_contradictions, settings_from

if TYPE_CHECKING:
    from trainables.networks.weights import Weights
    from trainables.photos.dataset import Dataset
    from trainables.progress import Progress

_LIBRARIES = ("tensorflow", "keras", "ray", "optuna", "numpy", "h5py", "pillow", "scikit-learn")
_IMBALANCED = 3
"""A class with more than so many times the training photos of another is worth a warning."""
_DECIDE_NUMBERS = ("tensorflow", "keras", "optuna", "numpy", "pillow")


@dataclass(frozen=True)
class Materials:
    """What a run is made of: settings, the photos and weights that they name, and the seconds
    that opening these took."""

    settings: Settings
    weights: Weights
    dataset: Dataset
    split: Split
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to train: what `run.json` holds, and what all its trials share."""

    run: RunRecord
    context: RunContext


def run_folder(arguments: argparse.Namespace) -> RunFolder:
    """Where the run is or will be.

    Raises:
        UsageRefusal: a file is in the way.
    """
    chosen = arguments.resume or arguments.run_dir
    if chosen is None:
        chosen = Path("runs") / datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    root: Path = chosen.expanduser().absolute()
    refuse_file_in_the_way(root, "--run-dir or --resume")
    return RunFolder(root)


def gather(
    arguments: argparse.Namespace,
    machine: Machine,
    *,
    progress: Progress,
    warn: Callable[[str], None],
) -> Materials:
    """Settle settings, weights and photos of a new run.

    With neither photos nor weights named these are the paper's, and where they are not cached and
    cannot be reached, the demonstration's; what is named is obeyed or refused.

    Args:
        warn: told why the demonstration stands in, which photos contradict each other, and where
            classes are far from equal.

    Raises:
        Refusal: whatever does not fit.
    """
    if arguments.data is not None or arguments.weights is not None:
        preset = DEMONSTRATION if arguments.data == DEMONSTRATION.data else PAPER
        materials = _materials(settings_from(arguments, preset), machine, progress)
        record = materials.dataset.record
        unequal = imbalance(materials.split, len(record.classes), materials.settings.class_weights)
        unseen = unseen_classes(materials.split, record.classes, materials.settings.metric)
        for line in (*conflicts(record), *unequal, *unseen):
            warn(line)
        return materials
    try:
        return _materials(settings_from(arguments, PAPER), machine, progress)
    except EnvironmentRefusal as refusal:
        warn(f"The paper's photos and weights are out of reach: {refusal}")
    return _materials(settings_from(arguments, DEMONSTRATION), machine, progress)


def conflicts(data: DataRecord) -> list[str]:
    """A line about photos that are there under more than one label; none if there are none."""
    if not data.conflicts:
        return []
    groups = len(data.conflicts)
    return [
        f"Left out, since the same photo has two labels: {data.conflicts[0]}"
        + (f", and {groups - 1} more such groups (run.json lists them)" if groups > 1 else "")
    ]


def imbalance(split: Split, classes: int, class_weights: str) -> list[str]:
    """A line if the largest class has many times the training photos of the smallest.

    None if the classes are weighted already.
    """
    counts = np.bincount(split.labels[split.indices("train")], minlength=classes)
    most, fewest = int(counts.max()), int(counts.min())
    if most <= _IMBALANCED * fewest or class_weights != UNWEIGHTED:
        return []
    return [
        f"Classes have from {fewest:,} to {most:,} training photos: accuracy may hide the rare "
        "ones; --class-weights balanced makes them count as much."
    ]


def unseen_classes(split: Split, classes: Sequence[str], metric: str) -> list[str]:
    """A line if a mean over classes must leave some out, since validation has no photo of them.

    Raises:
        DataRefusal: validation or test photos are all of one class, of which there is no AUC.
    """
    present = {part: np.unique(split.labels[split.indices(part)]) for part in SPLITS[1:]}
    for part, labels in present.items():
        if metric == "auc" and len(labels) < 2:
            raise DataRefusal(
                f"AUC needs {part} photos of at least two classes, got {len(labels)}",
                where="--metric",
                fix="Choose another metric, or other photos.",
            )
    seen = present["validation"]
    if metric in (ACCURACY, LOG_LOSS) or len(seen) == len(classes):
        return []
    unseen = [name for label, name in enumerate(classes) if label not in seen]
    more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
    return [f"{metric_words(metric)} leaves out {unseen[0]}{more}: no validation photo of it."]


def start(
    materials: Materials,
    folder: RunFolder,
    machine: Machine,
    hardware: Hardware,
    *,
    words: Sequence[str],
) -> Prepared:
    """Write a new run's split and, after it, its `run.json`; an old run there is removed first.

    Args:
        words: the command line as typed.

    Raises:
        UsageRefusal: the environment's oneDNN setting is neither 0 nor 1.
    """
    onednn = run_onednn(os.environ)
    settings, record = materials.settings, materials.dataset.record
    folder.clear()
    folder.write_split(materials.split, record.classes)
    run = RunRecord(
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        command=tuple(words),
        settings=RunSettings(
            **vars(settings),
            seconds_prepare=materials.seconds,
            cache_dir=str(machine.cache_dir),
            max_cache=machine.max_cache,
            onednn=onednn,
        ),
        planned=settings.planned,
        seed=settings.seed,
        lag=machine.max_concurrent,
        demonstration=DEMONSTRATION.data == settings.data
        or DEMONSTRATION.weights == settings.weights,
        data=record,
        weights=settings.weights,
        weights_sha256=dict(materials.weights.digests),
        weights_source=dict(materials.weights.sources),
        versions=versions(),
        hardware={
            **hardware.to_dict(),
            "cpus_per_trial": machine.cpus_per_trial,
            "gpus_per_trial": machine.gpus_per_trial,
        },
    )
    folder.write_run(run)
    return Prepared(run, _context(run, materials, folder, machine))


def resume(
    arguments: argparse.Namespace, folder: RunFolder, machine: Machine, *, progress: Progress
) -> Prepared:
    """Open a run again, after checking that nothing that decides its numbers has changed.

    Raises:
        UsageRefusal: settings, photos, weights or versions differ; the line names each.
    """
    run = folder.read_run()
    refuse_contradictions(arguments, run.settings)
    materials = _materials(run.settings, machine, progress)
    changed = _changes(run, materials)
    if changed:
        raise UsageRefusal(
            f"a resumed run needs what it was started with; changed: {', '.join(changed)}",
            where=str(folder.root),
            fix="Put them back, or start another run.",
        )
    folder.clear_killed_trials()
    return Prepared(run, _context(run, materials, folder, machine))


def refuse_taken(arguments: argparse.Namespace, folder: RunFolder) -> None:
    """Check that a new run may have the folder; with `--overwrite`, in the place of an old run.

    Raises:
        UsageRefusal: it holds another run, or something that is no run.
    """
    if not folder.root.is_dir():
        return
    if folder.exists() and not arguments.overwrite:
        raise UsageRefusal(
            "this folder holds a run already",
            where=str(folder.root),
            fix="Use --resume or --overwrite, or choose another --run-dir.",
        )
    foreign = folder.foreign_files()
    if foreign:
        raise UsageRefusal(
            f"this folder holds something that is no run: {', '.join(foreign[:3])}",
            where=str(folder.root),
            fix="Choose an empty --run-dir.",
        )


def versions() -> dict[str, str]:
    """Of Python and the libraries, without importing them."""
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {"python": platform.python_version(), **libraries}


def _materials(settings: Settings, machine: Machine, progress: Progress) -> Materials:
    started = time.perf_counter()
    weights = find_weights(settings, machine, progress)
    dataset, split = open_photos(settings, machine, progress)
    return Materials(settings, weights, dataset, split, time.perf_counter() - started)


def _context(
    run: RunRecord, materials: Materials, folder: RunFolder, machine: Machine
) -> RunContext:
    return RunContext(
        run=folder.root,
        dataset=materials.dataset.path,
        weights=materials.weights,
        settings=run.settings,
        machine=machine,
        onednn=run.settings.onednn,
    )


def _changes(run: RunRecord, materials: Materials) -> list[str]:
    digests, installed = materials.weights.digests, versions()
    return [
        *(["photos"] if materials.dataset.record.digest != run.data.digest else []),
        *(
            f"weights of {name}"
            for name in digests
            if digests[name] != run.weights_sha256.get(name)
        ),
        *(
            f"{name} from {run.versions.get(name)} to {installed[name]}"
            for name in _DECIDE_NUMBERS
            if installed[name] != run.versions.get(name)
        ),
    ]
