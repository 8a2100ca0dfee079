"""What is written beside the ledger, on a disk that fails once: thumbnails, the report, the models
and stored features.

Each is made on a failing disk and then again on a sound one, as a resume does. Pictures are drawn
once for all, models and features are made-up bytes: what writes them is the product's own.
`optuna.db`, which SQLite writes, is in `tests.crash.database`.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import results.report.page
import results.report.write
from results.figures.gallery import gallery
from results.ledger.files import TEMPORARY_PREFIX
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails, write_thumbnails
from results.ledger.verify import verify
from results.report.write import write_report
from results.scores.summary import read_summary, summarise
from results.scores.types import Summary
from search_spaces.refusals import EnvironmentRefusal
from tests.crash.driver import forked, replaced
from tests.crash.faulty_disk import KILL, KINDS, FaultyDisk
from tests.crash.row import Row
from tests.results.helpers import Trial, make_run
from tests.sweep.helpers import MEMORY
from tests.trainables.features.rows import KEY, OTHERS, ROWS, SMALLER, VALUES, compute, fill
from trainables.features.store import FeatureStore

PARTS = 10


@dataclass(frozen=True)
class Stage:
    """Attributes:
    name: what is written.
    make: writes it, into a run that has all else.
    read: reads it back as its users do; raises where it is not as it was made.
    """

    name: str
    make: Callable[[RunFolder], object]
    read: Callable[[RunFolder], object]


def stage_faults(seed: int, part: int = 0, parts: int = 1) -> Row:
    """Let every event of every stage fail in every way.

    Args:
        part: one of `parts`, from 0.
    """
    row = Row("the same for what is written beside the ledger", "faults", seed)
    row.must_not("ends that were not one line and code 4", "files that came out differently")
    row.must_not("parts of files left", "files that cannot be read", "torn files")
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, _without_keras(), _drawn_once():
        run = _run(Path(name) / "run")
        for stage in STAGES:
            events = _count(stage, run)
            reference = _files(run)
            cases = [(number, kind) for number in range(1, events + 1) for kind in KINDS]
            for number, kind in cases[part::parts]:
                _one(stage, run, FaultyDisk(str(run.root), number, kind), reference, row)
                if _files(run) != reference:
                    row.fault("files that came out differently", f"{stage.name}: {number} {kind}")
                row.count += 1
            row.notes[stage.name] = f"{events} operations"
    return row


def _run(root: Path) -> RunFolder:
    few = {"train": 6, "validation": 4, "test": 6}
    return make_run(root, [Trial("VGG16", 0, epochs=2), Trial("VGG16", 1, epochs=2)], sizes=few)


def _count(stage: Stage, run: RunFolder) -> int:
    disk = FaultyDisk(str(run.root))
    with disk.installed():
        stage.make(run)
    stage.read(run)
    return disk.events


def _one(
    stage: Stage, run: RunFolder, disk: FaultyDisk, reference: dict[str, bytes], row: Row
) -> None:
    what, told = f"{stage.name}: {disk.kind} at {disk.fails_at}", run.root.parent / "told"
    if disk.kind == KILL:

        def make() -> int:
            with disk.installed():
                stage.make(run)
            return 0

        if (code := forked(make, told).wait()) != -signal.SIGKILL:
            row.fault("ends that were not one line and code 4", f"{what}: {code}")
    else:
        try:
            with disk.installed():
                stage.make(run)
        except EnvironmentRefusal as refusal:
            if "\n" in str(refusal):
                row.fault("ends that were not one line and code 4", f"{what}: {refusal}")
        except Exception as fault:
            row.fault("ends that were not one line and code 4", f"{what}: {fault!r}")
    there = {name: content for name, content in _files(run).items() if TEMPORARY_PREFIX not in name}
    if torn := [name for name, content in there.items() if content != reference.get(name, content)]:
        row.fault("torn files", f"{what}: {torn}")
    try:
        run.clear_parts()
        stage.make(run)
        stage.read(run)
    except Exception as fault:
        row.fault("files that cannot be read", f"{what}: {fault!r}")
    if left := [path.name for path in run.root.rglob(f"{TEMPORARY_PREFIX}*")]:
        row.fault("parts of files left", f"{what}: {left}")


def _files(run: RunFolder) -> dict[str, bytes]:
    """By name; of models, which are zips with the time in them, the name alone."""
    files = (path for path in run.root.rglob("*") if path.is_file())
    timed = run.models
    return {str(path): b"" if path.parent == timed else path.read_bytes() for path in files}


# ---- the stages ------------------------------------------------------------------------------


def _make_thumbnails(run: RunFolder) -> None:
    write_thumbnails(run, {row: np.full((64, 64, 3), row, np.uint8) for row in (2, 5)})


def _read_thumbnails(run: RunFolder) -> None:
    assert {row: int(small.max()) for row, small in read_thumbnails(run).items()} == {2: 2, 5: 5}


@cache
def _summary(root: Path) -> Summary:
    return summarise(RunFolder(root))


def _make_report(run: RunFolder) -> None:
    write_report(run, _summary(run.root))


def _read_report(run: RunFolder) -> None:
    assert read_summary(run) == _summary(run.root)
    assert verify(run).faults == ()


def _make_models(run: RunFolder) -> None:
    from trainables.finished.export import export

    export(run)


def _read_models(run: RunFolder) -> None:
    assert verify(run).faults == ()


def _make_features(run: RunFolder) -> None:
    store = _store(run)
    if not all(store.has(key) for key in (KEY, SMALLER)):
        fill(store, [KEY, SMALLER], compute)


def _read_features(run: RunFolder) -> None:
    for key, values in ((KEY, VALUES), (SMALLER, OTHERS)):
        features = _store(run).open(key, ROWS)
        assert features is not None
        np.testing.assert_array_equal(features.rows, values.astype(key.dtype))
    for path in _store(run).folder.glob("*.h5"):
        path.unlink()


def _store(run: RunFolder) -> FeatureStore:
    return FeatureStore(run.ray / "features", 10**9, leave_free=0)


STAGES = (
    Stage("thumbnails", _make_thumbnails, _read_thumbnails),
    Stage("report", _make_report, _read_report),
    Stage("models", _make_models, _read_models),
    Stage("features", _make_features, _read_features),
)


@contextmanager
def _drawn_once() -> Iterator[None]:
    """Pictures and compiled templates of the first report are those of all: they take seconds, and
    nothing is written for them."""
    drawn: dict[str, Any] = {}

    def once(summary: Any) -> Any:
        if not drawn:
            groups = gallery(summary).items()
            drawn.update({key: tuple(map(_Drawn, pictures)) for key, pictures in groups})
        return drawn

    with replaced(
        (results.report.write, "gallery", once),
        (results.report.page, "environment", cache(results.report.page.environment)),
    ):
        yield


class _Drawn:
    """A `Picture` whose files are made once."""

    def __init__(self, picture: Any) -> None:
        self.name, self.title = picture.name, picture.title
        self.description = picture.description
        self._svg, self._png = picture.svg(), picture.png()

    def svg(self) -> str:
        return str(self._svg)

    def png(self) -> bytes:
        return bytes(self._png)


@contextmanager
def _without_keras() -> Iterator[None]:
    """`export` with a model that saves a zip of its own in the place of Keras'."""
    name = "trainables.finished.rebuild"
    stand_in = ModuleType(name)
    stand_in.rebuilt = lambda *_, **__: _Model()  # type: ignore[attr-defined]
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]
        sys.modules.pop("trainables.finished.export", None)


class _Model:
    def save(self, path: Path) -> None:
        import zipfile

        with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr(zipfile.ZipInfo("weights"), bytes(range(256)) * 40)
