"""Bits that flip in what was written, and state files that are cut: found, or of no consequence.

Flips: `verify` names the file, and whoever reads it refuses. Cuts: a resume works and comes to the
same, or refuses in one line.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from results.ledger.files import read_json
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails
from results.ledger.verify import verify
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, Refusal
from tests.crash.place import TINY, Place, content, differences, place
from tests.crash.row import Row
from tests.results.whole_run import TRIAL, flip, read_all, whole_run
from tests.sweep.helpers import MEMORY
from trainables.photos.dataset import Dataset, open_dataset

READERS: dict[str, Callable[[RunFolder], object]] = {
    "run.json": RunFolder.read_run,
    "split.json": RunFolder.read_split,
    "importances.json": RunFolder.read_importances,
    "characteristics.json": RunFolder.read_characteristics,
    "thumbnails.json": read_thumbnails,
    f"trials/{TRIAL}/trial.json": lambda folder: folder.read_record(TRIAL),
    f"trials/{TRIAL}/suggestion.json": lambda folder: folder.read_suggestion(TRIAL),
    "report/summary.json": lambda folder: read_json(folder.summary_json),
    "report/manifest.json": lambda folder: read_json(folder.report_json),
    "models/manifest.json": lambda folder: read_json(folder.models_json),
}
"""What reads each JSON file of a run."""


def flips(seed: int, count: int) -> Row:
    """Flip so many single bits, one at a time, in the files of a whole run."""
    row = Row("one random bit flipped in a file of a run", "flips", seed)
    row.must_not("not found by verify", "not found before use")
    bits = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        run = whole_run(Path(name) / "run")
        files = sorted(path for path in run.root.rglob("*") if path.is_file())
        unread = {run.report_json, run.models_json}
        for number in range(count):
            path = files[number % len(files)]
            before = flip(path, bits)
            if [fault.where for fault in verify(run).faults] != [str(path)]:
                row.fault("not found by verify", str(path))
            if path.suffix in (".json", ".npz") and path not in unread:
                _must_refuse(run, path, row)
            path.write_bytes(before)
            row.count += 1
        row.notes["files"] = str(len(files))
    return row


def _must_refuse(run: RunFolder, path: Path, row: Row) -> None:
    try:
        read_all(run)
    except EnvironmentRefusal as refusal:
        if str(path) in str(refusal):
            return
    row.fault("not found before use", str(path))


def dataset_flips(seed: int, count: int) -> Row:
    """Flip so many bits in a dataset file of the cache: refused, or read as it was."""
    row = Row("one random bit flipped in a dataset of the cache", "flips", seed)
    row.must_not("read as something else", "ends that were no refusal")
    bits, without_effect = random.Random(seed), 0
    with place(TINY) as where:
        where.finish(where.run("written"), at_once=1)
        [path] = (where.root / "written/cache/datasets").glob("*.h5")
        expected = _all_of(open_dataset(path))
        for _ in range(count):
            before = flip(path, bits)
            try:
                if _all_of(open_dataset(path)) != expected:
                    row.fault("read as something else", str(path))
                without_effect += 1
            except DataRefusal:
                pass
            except Exception as fault:
                row.fault("ends that were no refusal", repr(fault))
            path.write_bytes(before)
            row.count += 1
    row.sums["in bytes that nothing reads"] = without_effect
    return row


def _all_of(dataset: Dataset) -> tuple[object, ...]:
    pixels = np.asarray(dataset.photos()).tobytes()
    columns = (dataset.files, dataset.sha256, dataset.pixel_sha256, dataset.given_parts)
    return (pixels, dataset.record, dataset.labels.tobytes(), *columns)


def cuts(seed: int, file: int) -> Row:
    """Cut one of `READERS`' files at every byte, and read it."""
    row = Row("a JSON file of a run cut at a byte", "cuts", seed)
    row.must_not("not refused in one line")
    with tempfile.TemporaryDirectory(dir=MEMORY) as root:
        run = whole_run(Path(root) / "run")
        name, read = list(READERS.items())[file]
        path = run.root / name
        for length in reversed(range(path.stat().st_size)):
            os.truncate(path, length)
            try:
                read(run)
                row.fault("not refused in one line", f"{name} at {length} is read")
            except Refusal as refusal:
                if "\n" in str(refusal) or not str(refusal):
                    row.fault("not refused in one line", f"{name} at {length}: {refusal}")
            row.count += 1
    return row


def resumed_cuts(seed: int, count: int) -> Row:
    """Cut any file of a half finished sweep or its cache, and resume it."""
    row = Row("any file of a half finished sweep or its cache cut, and resumed", "cuts", seed)
    row.must_not("sweeps that came out differently", "ends that were neither well nor one line")
    choices, refused = random.Random(seed), 0
    with place(TINY) as where:
        reference = where.run("reference")
        where.finish(reference, at_once=1)
        expected = content(reference)
        shutil.rmtree(reference.trial("VGG16/t01"))
        run = where.run("cut")
        for _ in range(count):
            shutil.copytree(reference.root.parent, run.root.parent)
            refused += _resumed_cut(where, run, expected, choices, row)
            where.forget(run)
            row.count += 1
    row.sums["refused"] = refused
    return row


def _resumed_cut(
    where: Place, run: RunFolder, expected: dict[str, bytes], choices: random.Random, row: Row
) -> bool:
    """Whether the resume refused."""
    files = sorted(path for path in run.root.parent.rglob("*") if path.is_file())
    path = choices.choice([path for path in files if path.stat().st_size])
    length = choices.randrange(path.stat().st_size)
    os.truncate(path, length)
    process = where.start(run, at_once=1)
    code, told = process.wait(), process.stderr()
    name = f"{path.relative_to(run.root.parent)} at {length}"
    if code in (2, 3, 4) and told.count("\n") == 1 and "unexpected" not in told:
        return True
    if (code, told) != (0, ""):
        row.fault("ends that were neither well nor one line", f"{name}: {code}, {told}")
    damaged = {str(path.relative_to(run.root))} if path.is_relative_to(run.root) else set()
    if changed := set(differences(run, expected)) - damaged:
        row.fault("sweeps that came out differently", f"{name}: {', '.join(sorted(changed)[:3])}")
    return False
