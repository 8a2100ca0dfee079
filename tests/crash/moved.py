"""A run that is resumed under other circumstances goes on to the same end, or refuses and says why.

Each case is a sweep that was killed half way, what was done to it, and what the resume must do.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from results.ledger.store import RunFolder
from tests.crash.driver import start
from tests.crash.place import SMALL, Place, content, differences, place, record_states
from tests.crash.row import Row
from tests.crash.runner import Local

_PATIENCE_SECONDS = 60.0

Change = Callable[[Place, RunFolder], tuple[RunFolder, list[str]]]
"""Changes something; returns the folder to resume, and more words for the command line."""


@dataclass(frozen=True)
class Case:
    """Attributes:
    name: what was done.
    change: does it.
    refusal: a part of the line that refuses; empty where the run must go on to the same end.
    """

    name: str
    change: Change
    refusal: str = ""


def circumstances(seed: int) -> Row:
    """Resume a half finished sweep in every case."""
    row = Row("a run resumed elsewhere, or with something changed", "cases", seed)
    row.must_not("cases that went wrong")
    with place(SMALL) as where:
        where.finish(where.run("reference"))
        expected = content(where.run("reference"))
    for case in CASES:
        with place(SMALL) as where:
            _one(where, case, expected, row)
        row.count += 1
    return row


def _one(where: Place, case: Case, reference: dict[str, bytes], row: Row) -> None:
    run, words = case.change(where, _half_finished(where))
    before = _bytes(run) if case.refusal else {}
    process = start(["--resume", str(run.root), *words], Local(where.journal), where.told)
    code, told = process.wait(), process.stderr()
    if case.refusal:
        plain = code in (2, 3, 4) and told.count("\n") == 1 and "unexpected" not in told
        if not plain or case.refusal not in told:
            row.fault("cases that went wrong", f"{case.name}: {code}, {told}")
        if _bytes(run) != before:
            row.fault("cases that went wrong", f"{case.name}: the refusal changed the run")
    elif (code, told) != (0, ""):
        row.fault("cases that went wrong", f"{case.name}: {code}, {told}")
    elif changed := differences(run, reference):
        row.fault("cases that went wrong", f"{case.name}: {', '.join(changed[:3])} differ")


def _half_finished(where: Place) -> RunFolder:
    run = where.run("killed")
    process = where.start(run)
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(record_states(run)) < 3 and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.wait()
    return run


def _bytes(run: RunFolder) -> dict[Path, bytes]:
    """What must stay: the run's own files but its log, and those of finished trials."""
    records = [path.parent for path in run.trials.glob("*/*/trial.json")]
    files = [*run.root.glob("*.json"), *(path for folder in records for path in folder.iterdir())]
    return {path: path.read_bytes() for path in files}


def _moved(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    there = where.root / "elsewhere" / "a folder, moved"
    there.parent.mkdir()
    run.root.rename(there)
    return RunFolder(there), []


def _moved_by_a_link(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    link = where.root / "link"
    link.symlink_to(run.root)
    return RunFolder(link), []


def _other_cache(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    return run, ["--cache-dir", str(where.root / "other-cache")]


def _no_cache(_: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    shutil.rmtree(run.root.parent / "cache")
    return run, ["--cache-dir", str(run.root.parent / "cache")]


def _photos_touched(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    for photo in (where.root / "photos").rglob("*.png"):
        photo.touch()
    return run, []


def _photo_changed(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    photo = where.root / "photos/dark/3.png"
    pixels = np.asarray(Image.open(photo)).copy()
    pixels[5, 5] ^= 64
    Image.fromarray(pixels).save(photo)
    return run, []


def _photo_gone(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    (where.root / "photos/dark/3.png").unlink()
    return run, []


def _photos_gone(where: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
    shutil.rmtree(where.root / "photos")
    return run, []


def _other_version(library: str) -> Change:
    def change(_: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
        record = run.read_run()
        run.write_run(replace(record, versions={**record.versions, library: "0.0.1"}))
        return run, []

    return change


def _with(*words: str) -> Change:
    return lambda _, run: (run, list(words))


def _hidden(name: str) -> Change:
    def change(_: Place, run: RunFolder) -> tuple[RunFolder, list[str]]:
        (run.root / name).unlink()
        return run, []

    return change


CASES = (
    Case("the run's folder moved", _moved),
    Case("the run's folder named by a link", _moved_by_a_link),
    Case("another cache", _other_cache),
    Case("the cache gone", _no_cache),
    Case("photos with other times", _photos_touched),
    Case("another number of trials at a time", _with("--max-concurrent", "3")),
    Case("a photo changed", _photo_changed, "changed: photos"),
    Case("a photo gone", _photo_gone, "changed: photos"),
    Case("all photos gone", _photos_gone, "there are no photos at"),
    *(
        Case(f"another {library}", _other_version(library), f"{library} from 0.0.1 to")
        for library in ("tensorflow", "keras", "optuna", "numpy", "pillow")
    ),
    Case("another seed", _with("--seed", "7"), "seed was 42 and is 7"),
    Case("other epochs", _with("--epochs", "9"), "epochs was 4 and is 9"),
    Case("other backbones", _with("--backbones", "vgg16"), "backbones was"),
    Case("other photos", _with("--data", "digits"), "data was"),
    Case("run.json gone", _hidden("run.json"), "there is no run here"),
    Case("split.json gone", _hidden("split.json"), "split.json"),
)
