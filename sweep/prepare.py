"""Once a run: settles what is asked for, opens photos and weights, and writes `run.json` first.

A new run and a resumed one end in the same `Prepared`, so that everything after does not care.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from results.ledger.dropping import clear_dropped
from results.ledger.files import refuse_file_in_the_way
from results.ledger.run_record import RunRecord
from results.ledger.runs import DataRecord, Split
from results.ledger.store import RunFolder
from search_spaces.installed import versions
from search_spaces.presets import DEMONSTRATION, PAPER
from search_spaces.refusals import Unreachable, UsageRefusal
from search_spaces.settings import RunSettings, Settings
from sweep.hardware import Hardware, Machine
from sweep.photo_warnings import photo_warnings
from sweep.process.context import RunContext
from sweep.process.environment import run_onednn
from sweep.process.leftovers import NOTE, end_leftovers
from sweep.process.worker import find_weights, open_photos, split_photos
from sweep.schedule.confirmation import discard_cut_repeats
from sweep.schedule.warm_start import earlier_trials
from sweep.terminal.arguments import preset_of, refuse_contradictions, settings_from

if TYPE_CHECKING:
    from trainables.networks.weights import Weights
    from trainables.photos.dataset import Dataset
    from trainables.progress import Progress

_DECIDE_NUMBERS = ("tensorflow", "keras", "optuna", "numpy", "pillow")


@dataclass(frozen=True)
class Materials:
    """What settings name, opened: photos and weights."""

    weights: Weights
    dataset: Dataset


@dataclass(frozen=True)
class NewMaterials(Materials):
    """What a new run is made of.

    Attributes:
        split: of the photos.
        record: of the photos, with what splitting them found.
        seconds: that opening and splitting took.
    """

    settings: Settings
    split: Split
    record: DataRecord
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
) -> NewMaterials:
    """Settle settings, weights and photos of a new run.

    With neither photos nor weights named these are the paper's, and where they are not cached and
    cannot be reached, the demonstration's. What is named is obeyed or refused. A full disk or a
    damaged file is refused as well: it says nothing about which photos are wanted.

    Args:
        warn: told why the demonstration stands in, which photos contradict each other, and where
            classes are far from equal.

    Raises:
        Refusal: whatever does not fit.
    """
    preset = preset_of(arguments)
    try:
        materials = _new_materials(settings_from(arguments, preset or PAPER), machine, progress)
    except Unreachable as refusal:
        if preset is not None:
            raise
        warn(f"The paper's photos and weights are out of reach: {refusal}")
        materials = _new_materials(settings_from(arguments, DEMONSTRATION), machine, progress)
    for line in photo_warnings(materials.record, materials.split, materials.settings):
        warn(line)
    return materials


def start(
    materials: NewMaterials,
    folder: RunFolder,
    machine: Machine,
    hardware: Hardware,
    *,
    words: Sequence[str],
) -> Prepared:
    """Write a new run's split and what guides its search, then its `run.json`; an old run there is
    removed first.

    Args:
        words: the command line as typed.

    Raises:
        UsageRefusal: the environment's oneDNN setting is neither 0 nor 1, or a run that is to guide
            the search is none.
        EnvironmentRefusal: such a run is damaged.
    """
    onednn = run_onednn(os.environ)
    settings, record = materials.settings, materials.record
    earlier = earlier_trials(settings)  # before the old run goes, which may be one of these
    _end_killed(folder)
    folder.clear()
    folder.write_split(materials.split, record.classes)
    if settings.warm_start:
        folder.write_warm_start(earlier)
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
    recorded = folder.read_run()
    refuse_contradictions(arguments, recorded.settings)
    run = recorded.with_more_trials(arguments.trials)
    materials = _materials(run.settings, machine, progress)
    changed = _changes(run, materials)
    if changed:
        raise UsageRefusal(
            f"a resumed run needs what it was started with; changed: {', '.join(changed)}",
            where=str(folder.root),
            fix="Put them back, or start another run.",
        )
    _end_killed(folder)
    folder.clear_killed_trials()
    discard_cut_repeats(folder)
    clear_dropped(folder)
    folder.left_out_json.unlink(missing_ok=True)
    if run != recorded:
        folder.write_run(run)
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


def _end_killed(folder: RunFolder) -> None:
    """See to it that nobody else writes into the folder, and that no part of a file is left."""
    end_leftovers(folder.root / NOTE)
    folder.wait_for_trainers()
    folder.clear_parts()


def _materials(settings: Settings, machine: Machine, progress: Progress) -> Materials:
    weights = find_weights(settings, machine, progress)
    return Materials(weights, open_photos(settings, machine, progress))


def _new_materials(settings: Settings, machine: Machine, progress: Progress) -> NewMaterials:
    started = time.perf_counter()
    opened = _materials(settings, machine, progress)
    split, record = split_photos(opened.dataset, settings, progress)
    seconds = time.perf_counter() - started
    return NewMaterials(
        **vars(opened), settings=settings, split=split, record=record, seconds=seconds
    )


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
        holder=folder.holder(),
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
