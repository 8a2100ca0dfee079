"""What a run's repeats on fresh seeds say: its candidates, which of them are whole, and the winner.

Validation alone is looked at here; see `results.scores.confirmation` for the test photos.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from results.ledger.records import Status, TrialRecord
from results.ledger.repeats import candidates, count_repeats, counted_repeats, repeats
from search_spaces.config import TrialId
from search_spaces.settings import Settings


@dataclass(frozen=True)
class FreshSeeds:
    """The repeats of a run.

    Attributes:
        finished: all records of the run, but repeats that the time budget cut.
        left_out: trials of the search that the time budget left out.
    """

    settings: Settings
    finished: Mapping[TrialId, TrialRecord]
    left_out: frozenset[TrialId] = frozenset()

    def planned(self, backbone: str) -> int:
        """How many repeats a backbone has; while its search goes on, the most it may have."""
        return count_repeats(self.settings, backbone, self.finished, self.left_out)

    def counted(self, backbone: str) -> tuple[TrialRecord, ...]:
        """Finished repeats that count, see `results.ledger.repeats.counted_repeats`."""
        counted = counted_repeats(self.settings, backbone, self.finished, self.left_out)
        return tuple(self.finished[trial] for trial in counted)

    def done(self, backbone: str) -> int:
        """How many repeats of the candidates are finished."""
        return len(self.counted(backbone))

    def candidates(self, backbone: str) -> tuple[TrialRecord, ...]:
        """What is trained again, the baseline first; empty while the search goes on."""
        if repeats(self.settings, backbone, self.finished, self.left_out) is None:
            return ()
        return candidates(one for one in self.finished.values() if one.backbone == backbone)

    def completed(self, candidate: TrialRecord) -> tuple[TrialRecord, ...]:
        """A candidate's repeats that completed, by seed."""
        ids = (
            TrialId(candidate.backbone, candidate.number, repeat)
            for repeat in range(1, self.settings.confirm + 1)
        )
        found = (self.finished.get(trial) for trial in ids)
        return tuple(one for one in found if one is not None and one.status == Status.COMPLETED)

    def is_whole(self, candidate: TrialRecord) -> bool:
        """Whether a candidate completed on every seed."""
        return len(self.completed(candidate)) == self.settings.confirm

    def winner(self, backbone: str) -> TrialRecord | None:
        """The whole candidate with the best mean on validation: by score, loss, then number.

        None until every repeat of the backbone is finished.
        """
        if not self.settings.confirm or self.done(backbone) < self.planned(backbone):
            return None
        whole = [one for one in self.candidates(backbone) if self.is_whole(one)]
        return min(whole, key=self._mean, default=None)

    def _mean(self, candidate: TrialRecord) -> tuple[float, float, int]:
        ranks = [one.rank for one in self.completed(candidate)]
        return fmean(rank[0] for rank in ranks), fmean(rank[1] for rank in ranks), candidate.number
