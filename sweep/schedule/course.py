"""What is known of a backbone's search before it starts: which trials are short, which whole.

From it the live table expects seconds (`sweep.terminal.eta`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from search_spaces.backbones import backbone_named
from search_spaces.config import TrialId
from search_spaces.settings import Settings
from sweep.schedule.early_stopping import rungs
from sweep.schedule.order import order_of


class Kind(Enum):
    """What a trial is: a probe (the head alone, first), whole (the baseline and its twin, which no
    rule stops), suggested (any point, and early stopping may cut it), or a repeat of the baseline
    or of the best two searched trials."""

    PROBE = auto()
    WHOLE = auto()
    SUGGESTED = auto()
    REPEAT = auto()


@dataclass(frozen=True)
class Course:
    """How a backbone's search is expected to go.

    Attributes:
        searched: how many trials the search has besides the baseline.
        probes: trials of the head alone that come first: numbers 1 and up.
        whole: numbers of the other trials that are never stopped early.
        epochs: of a trial that is not stopped.
        share: of its epochs, what a suggested trial is expected to train; 1 without early stopping.
        points: where trials may be unfrozen, the head first; empty if nothing is known.
        usual: the baseline's among them.
        visited: those that the search chooses from.
        known: seconds of an epoch by point, as earlier runs on this machine measured them.
    """

    searched: int = 0
    probes: int = 0
    whole: tuple[int, ...] = ()
    epochs: int = 0
    share: float = 1.0
    points: tuple[str, ...] = ()
    usual: str = ""
    visited: tuple[str, ...] = ()
    known: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(settings: Settings, backbone: str, known: Mapping[str, float] | None = None) -> Course:
        order, points = order_of(settings, backbone), settings.points[backbone]
        usual = backbone_named(backbone).baseline_unfreeze
        if settings.trials and "unfreeze" in settings.search:
            choices = settings.ranges.get("unfreeze", points)
            visited = tuple(point for point in points if point in choices)
        else:
            visited = (usual,)
        return Course(
            searched=settings.searched(backbone),
            probes=order.probes,
            whole=(0, order.numbers[-1]) if order.twin else (0,),
            epochs=settings.epochs,
            share=_share(settings.epochs) if settings.early_stopping else 1.0,
            points=points,
            usual=usual,
            visited=visited,
            known=known or {},
        )

    def kind(self, trial: TrialId) -> Kind:
        if trial.repeat:
            return Kind.REPEAT
        if trial.number in self.whole:
            return Kind.WHOLE
        return Kind.PROBE if 1 <= trial.number <= self.probes else Kind.SUGGESTED


def _share(epochs: int) -> float:
    """The share of its epochs that a trial trains if half of the trials pass each rung. It is more
    than one in `ETA`: bars come from earlier trials, which are worse, heads alone among them."""
    trained, going_on, before = 0.0, 1.0, 0
    for rung in (*rungs(epochs), epochs):
        trained += going_on * (rung - before)
        going_on, before = going_on / 2, rung
    return trained / epochs
