"""What a backbone's finished trials have come to, as sums: no trial is gone through twice.

    tally = Tally(course)
    tally.add(record)
    tally.points["head"].value      seconds of an epoch of trials that train the head alone

What trials are expected to take (`schedule.paces`, `schedule.kinds`, `terminal.eta`) is asked for
with every trial and twice a second, after ten thousand trials too.

One thread adds while another draws, so whatever is replaced is replaced whole, and readers copy
what grows before they go through it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from results.ledger.anatomy import Work
from results.ledger.records import Status, TrialRecord
from results.ledger.repeats import SEARCHED
from search_spaces.backbones import HEAD, Scaling
from search_spaces.config import TrialConfig
from sweep.schedule.course import Course, Kind


@dataclass(frozen=True)
class Mean:
    """A sum, and of how many it is: trials, multiply-adds, parameters."""

    total: float = 0.0
    count: float = 0.0

    def __add__(self, other: Mean) -> Mean:
        return Mean(self.total + other.total, self.count + other.count)

    @property
    def value(self) -> float | None:
        """None where nothing was counted."""
        return self.total / self.count if self.count else None


@dataclass
class Tally:
    """One backbone's finished trials. What is said to be of trained ones leaves out those without
    an epoch.

    Attributes:
        counts: trials by kind.
        has_baseline: whether the baseline is one of them.
        visited: suggested trials by unfreeze point.
        seconds: of a trained trial by kind, its features stored and its network traced.
        shares: of its epochs that a trained trial trained, by kind.
        points: seconds of an epoch by unfreeze point, the shallowest first.
        filled: scalings that a trained trial had.
        features: seconds that computing features and waiting for them took.
        multiply_adds: seconds of each, of a forward pass that filled the store.
        updates: seconds of each parameter in each step, of trained heads. Epochs that trace are
            left out.
        work, photos, steps: of an epoch: what training works on by unfreeze point, photos and
            steps; empty and 0 until a record has them for all points.
        longest: epochs of the trained trial of the search that trained most; `in_full`: seconds of
            those that trained as many.
        contenders: of these `results.ledger.repeats.candidates` chooses as of all trials.
        best: of the search, by `TrialRecord.rank`.
        repeated: repeats by the number of the trial that they repeat.
    """

    course: Course
    counts: Counter[Kind] = field(default_factory=Counter)
    has_baseline: bool = False
    visited: Counter[str] = field(default_factory=Counter)
    seconds: dict[Kind, Mean] = field(default_factory=lambda: dict.fromkeys(Kind, Mean()))
    shares: dict[Kind, Mean] = field(default_factory=lambda: dict.fromkeys(Kind, Mean()))
    points: dict[str, Mean] = field(init=False)
    filled: frozenset[Scaling] = frozenset()
    features: float = 0.0
    multiply_adds: Mean = Mean()
    updates: Mean = Mean()
    work: Mapping[str, Work] = field(default_factory=dict)
    photos: float = 0.0
    steps: int = 0
    longest: int = 0
    in_full: Mean = Mean()
    contenders: tuple[TrialRecord, ...] = ()
    best: TrialRecord | None = None
    repeated: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.points = dict.fromkeys(self.course.points, Mean())

    @property
    def finished(self) -> int:
        return self.counts.total()

    @property
    def searched(self) -> int:
        """Finished trials of the search, the baseline included."""
        return self.finished - self.counts[Kind.REPEAT]

    def add(self, record: TrialRecord) -> None:
        """Take up a finished trial."""
        kind = self.course.kind(record.id)
        if record.epochs:
            self._add_seconds(kind, record)
            self._add_work(record)
        if kind is Kind.REPEAT:
            self.repeated[record.number] += 1
        else:
            self._compare(record)
        if kind is Kind.SUGGESTED:
            self.visited[record.config.unfreeze] += 1
        self.has_baseline |= record.is_baseline
        self.counts[kind] += 1

    def _add_seconds(self, kind: Kind, record: TrialRecord) -> None:
        epochs, cost, point = len(record.epochs), record.cost, record.config.unfreeze
        whole = Mean(record.seconds_traced, 1)
        self.seconds[kind] += whole
        self.shares[kind] += Mean(epochs / record.config.epochs, 1)
        self.points[point] = self.points.get(point, Mean()) + Mean(record.seconds_per_epoch, 1)
        self.filled |= {record.config.scaling}
        self.features += cost.seconds_features
        self.multiply_adds += Mean(cost.seconds_prefix, cost.multiply_adds_prefix)
        if kind is not Kind.REPEAT and epochs >= self.longest:
            self.in_full = whole + (self.in_full if epochs == self.longest else Mean())
            self.longest = epochs

    def _add_work(self, record: TrialRecord) -> None:
        if record.anatomy is None:
            return
        photos = record.cost.photos_trained / len(record.epochs)
        steps = math.ceil(photos / record.config.batch_size)
        if not self.work and record.anatomy.by_point.keys() >= set(self.course.points):
            self.photos, self.steps, self.work = photos, steps, record.anatomy.by_point
        later = record.epochs[1:]
        if record.config.unfreeze == HEAD and later:
            updated = len(later) * steps * record.anatomy.parameters_trained
            self.updates += Mean(sum(epoch.seconds for epoch in later), updated)

    def _compare(self, record: TrialRecord) -> None:
        if record.has_scores and (self.best is None or record.rank < self.best.rank):
            self.best = record
        if record.status != Status.COMPLETED or not record.has_scores:
            return
        distinct: dict[tuple[bool, TrialConfig], TrialRecord] = {}
        for one in sorted((*self.contenders, record), key=lambda one: one.rank):
            distinct.setdefault((one.is_baseline, one.config), one)
        baseline = [contender for contender in distinct.values() if contender.is_baseline]
        searched = [contender for contender in distinct.values() if not contender.is_baseline]
        # One more than are chosen: its configuration may turn out to be the baseline's.
        self.contenders = (*baseline, *searched[: SEARCHED + 1])


def tallied(courses: Mapping[str, Course], records: Iterable[TrialRecord]) -> dict[str, Tally]:
    """By backbone, finished trials of these backbones."""
    tallies = {name: Tally(course) for name, course in courses.items()}
    for record in records:
        if tally := tallies.get(record.backbone):
            tally.add(record)
    return tallies
