"""The points of the table, its rows, and the two CSV files that hold them.

`trials.csv` has a row per trained trial: counts of validation photos that were named right, losses
and seconds of each epoch, separated by spaces. A row with fewer epochs than the others diverged.
`costs.csv` says what else a trial costs on either side, see `Cost`.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from search_spaces import paper
from search_spaces.backbones import HEAD, SCALINGS, Scaling, backbone_named
from search_spaces.config import OPTIMIZERS, TrialConfig

BACKBONE = "Xception"
IMAGE, PHOTOS, EPOCHS, SEED = 96, 600, 6, 42
VALIDATION = PHOTOS // 5
SEEDS = (1, 2)
FRESH, HEAD_START = "fresh", "head"
"""What the head of a trial begins as: random, or the best trained head of the trial's scaling."""

CUTS = backbone_named(BACKBONE).points
RATES = {
    CUTS[0]: (1e-6, 1e-5, 5e-5, 1e-4, 3e-4, 1e-3, 2e-3, 5e-3, 1e-2),
    CUTS[1]: (1e-6, 1e-5, 5e-5, 2e-4, 1e-3, 1e-2),
    CUTS[2]: (1e-6, 1e-5, 5e-5, 2e-4, 1e-3, 1e-2),
    CUTS[3]: (1e-5, 1e-4, 1e-3),
    CUTS[4]: (1e-5, 1e-4, 1e-3),
}
"""Most where trials are cheap; every cut has all optimizers and both scalings."""


@dataclass(frozen=True)
class Point:
    """A place of the table: a configuration, its kind of start and its seed."""

    unfreeze: str
    scaling: str
    optimizer: str
    learning_rate: float
    start: str
    seed: int

    @property
    def config(self) -> TrialConfig:
        """What is trained; with a trained head it names trial 1, which `train` only asks for."""
        base = paper.baseline(BACKBONE, epochs=EPOCHS, image_size=IMAGE, seed=self.seed)
        return replace(
            base,
            unfreeze=self.unfreeze,
            scaling=Scaling(self.scaling),
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            head_from=int(self.start == HEAD_START),
        )


def all_points() -> tuple[Point, ...]:
    """Every place, in the order in which they are trained: heads first, then deeper and deeper.

    Deep trials have a trained head to start from as well, on one seed.
    """
    return tuple(
        Point(cut, scaling.value, optimizer, rate, start, seed)
        for cut in CUTS
        for start in ((FRESH,) if cut == HEAD else (FRESH, HEAD_START))
        for rate in RATES[cut]
        for seed in (SEEDS if start == FRESH else SEEDS[:1])
        for optimizer in OPTIMIZERS
        for scaling in SCALINGS
    )


@dataclass(frozen=True)
class Row:
    """A trained trial.

    Attributes:
        right: of each epoch, validation photos named right.
        losses: of each epoch, on validation.
        seconds: of each epoch, its validation included.
        rest: seconds of the trial that belong to no epoch and to no frozen pass.
        tracing: seconds of all that were spent on tracing.
    """

    point: Point
    right: tuple[int, ...]
    losses: tuple[float, ...]
    seconds: tuple[float, ...]
    rest: float
    tracing: float

    @property
    def accuracies(self) -> tuple[float, ...]:
        return tuple(one / VALIDATION for one in self.right)


@dataclass(frozen=True)
class Cost:
    """What one kind of trial costs on one side besides, or instead of, the rows' own seconds.

    Attributes:
        side: `plain` or `ours`.
        process: seconds until a worker process can train: imports.
        frozen: of ours, the one pass over all photos that stores the scaling's features.
        build: per trial.
        tracing: plain's, per trial; ours, once per worker and cut.
        epoch: of plain, a steady one with its validation, the frozen layers included.
        end: per trial, predictions after the last epoch.
    """

    side: str
    unfreeze: str
    scaling: str
    process: float
    frozen: float
    build: float
    tracing: float
    epoch: float
    end: float


_POINT = tuple(field.name for field in fields(Point))
_TRIALS = (*_POINT, "right", "losses", "seconds", "rest", "tracing")
_COSTS = tuple(field.name for field in fields(Cost))


def read_rows(path: Path) -> list[Row]:
    """The table's rows; none if there is no file."""
    return [
        Row(
            _point(one),
            tuple(int(word) for word in one["right"].split()),
            tuple(float(word) for word in one["losses"].split()),
            tuple(float(word) for word in one["seconds"].split()),
            float(one["rest"]),
            float(one["tracing"]),
        )
        for one in _read(path)
    ]


def _point(one: dict[str, str]) -> Point:
    words = {name: one[name] for name in ("unfreeze", "scaling", "optimizer", "start")}
    return Point(**words, learning_rate=float(one["learning_rate"]), seed=int(one["seed"]))


def append_row(path: Path, row: Row) -> None:
    """Add a row, whole, whoever else is adding one."""
    point = asdict(row.point)
    _append(
        path,
        _TRIALS,
        [
            *(f"{value:g}" if name == "learning_rate" else value for name, value in point.items()),
            " ".join(map(str, row.right)),
            " ".join(f"{one:.3f}" for one in row.losses),
            " ".join(f"{one:.3f}" for one in row.seconds),
            f"{row.rest:.2f}",
            f"{row.tracing:.2f}",
        ],
    )


def read_costs(path: Path) -> list[Cost]:
    """What `append_cost` wrote; none if there is no file."""
    return [
        Cost(
            one["side"],
            one["unfreeze"],
            one["scaling"],
            **{name: float(one[name]) for name in _COSTS[3:]},
        )
        for one in _read(path)
    ]


def append_cost(path: Path, cost: Cost) -> None:
    values = [value if isinstance(value, str) else f"{value:.2f}" for value in vars(cost).values()]
    _append(path, _COSTS, values)


def _read(path: Path) -> Iterator[dict[str, str]]:
    if path.exists():
        yield from csv.DictReader(path.read_text().splitlines())


def _append(path: Path, names: Sequence[str], values: Sequence[object]) -> None:
    with path.open("a", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not os.fstat(file.fileno()).st_size:
            writer.writerow(names)
        writer.writerow(values)
        file.write(text.getvalue())
