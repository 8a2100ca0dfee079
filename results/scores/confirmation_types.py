"""What is shown of winners that were trained again on fresh seeds. Accuracies are fractions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from results.scores.metrics import Interval
from search_spaces.config import TrialConfig


class Told(StrEnum):
    """What fresh seeds say of a backbone's winner against its documented baseline, on test.

    Better and worse: Holm's adjusted p is below 5 %.
    """

    BETTER = "better"
    NOT_SHOWN = "not shown to be better"
    WORSE = "worse"


@dataclass(frozen=True)
class Spread:
    """Over seeds: the mean, and the standard deviation of a single seed."""

    mean: float
    deviation: float


@dataclass(frozen=True)
class SeedTest:
    """Two methods on the same test photos, each trained on several seeds; first minus second.

    Attributes:
        difference: of the mean accuracies.
        interval: at 95 %, of this one comparison.
        p: two-sided, of "both are equally good".
        photos: test photos that would tell a difference of this size; None if no number would.
    """

    difference: float
    interval: Interval
    p: float
    photos: int | None


@dataclass(frozen=True)
class ConfirmedTrial:
    """A candidate on the fresh seeds.

    Attributes:
        completed: of its repeats.
        validation: None unless all repeats completed.
        test: of the baseline and the winner alone; the others' test answers stay sealed.
    """

    trial: str
    config: TrialConfig
    completed: int
    validation: Spread | None
    test: Spread | None


@dataclass(frozen=True)
class Confirmation:
    """A backbone's baseline and best two, trained again on fresh seeds.

    Attributes:
        seeds: how many each candidate is trained on.
        planned, finished: repeats; `planned` is the most there can be while the search goes on.
        trials: the candidates, the baseline first; empty while the search goes on.
        winner: the best mean on validation; empty while there is none.
        test: winner minus baseline; None where they are the same, or cannot be compared.
        adjusted_p: Holm's, over the backbones of the run that have a `test`.
        outcome: None where nothing can be said; `reason` says why, in words.
    """

    seeds: int
    planned: int
    finished: int
    trials: tuple[ConfirmedTrial, ...]
    winner: str
    test: SeedTest | None
    adjusted_p: float | None
    outcome: Told | None
    reason: str

    def of(self, trial: str) -> ConfirmedTrial | None:
        """A candidate's figures, or None of any other trial."""
        return next((one for one in self.trials if one.trial == trial), None)
