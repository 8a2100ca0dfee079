"""Notices that every trial fails for one and the same reason, which no further trial would mend."""

from __future__ import annotations

import re
from collections.abc import Iterable

from results.ledger.records import Status, TrialRecord
from search_spaces.refusals import EnvironmentRefusal

MOST_IN_A_ROW = 5


class Failures:
    """The failures of a sweep in which nothing has succeeded yet.

    A trial that diverged counts as a success: it was trained, and its configuration is the reason.

    Args:
        finished: trials of earlier starts, of which only successes count.
    """

    def __init__(self, finished: Iterable[TrialRecord] = ()) -> None:
        self._succeeded = any(_succeeded(record) for record in finished)
        self._in_a_row: list[TrialRecord] = []

    def add(self, record: TrialRecord) -> None:
        """Take up a trial that has just finished.

        Raises:
            EnvironmentRefusal: it is the last of `MOST_IN_A_ROW` that failed alike, without any
                success before them.
        """
        self._succeeded |= _succeeded(record)
        if self._succeeded:
            return
        if self._in_a_row and _kind(self._in_a_row[0].error) != _kind(record.error):
            self._in_a_row.clear()
        self._in_a_row.append(record)
        if len(self._in_a_row) >= MOST_IN_A_ROW:
            first = self._in_a_row[0]
            raise EnvironmentRefusal(
                f"{len(self._in_a_row)} trials in a row failed alike and none has succeeded, "
                f"the first with: {first.error[:200]}",
                where=first.trial,
                fix="The run's trials/ and log.txt say more; mend the cause and start another run.",
            )


def _succeeded(record: TrialRecord) -> bool:
    return record.status != Status.FAILED or record.diverged


def _kind(error: str) -> str:
    """An error without what differs from trial to trial: the exception's name, or its words."""
    return re.sub(r"\d+", "0", error.partition(":")[0])
