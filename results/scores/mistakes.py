"""Where it fails: the worst mistakes on test, and labels that are likely wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from results.scores.evidence import Evidence, averaged
from results.scores.method_types import ENSEMBLE
from results.scores.metrics import right
from results.scores.types import Mistake, Mistakes, Summary, Suspect

WORST = 24
SUSPECTS = 24
WORST_OF_EACH = 6
"""Mistakes of every backbone's best trial."""

SHOWN = 80
"""Photos kept for the report, at most."""

CONFIDENT = 0.9
"""A winner contradicts a label if it gives another class at least this probability."""

FEWEST_WITNESSES = 2
"""Backbones that must agree on the other class before a label is called suspect."""


def find_mistakes(evidence: Evidence, members: Sequence[str]) -> Mistakes:
    """Look at the ensemble's mistakes if there is one, else at the best trial's by validation.

    Args:
        members: trial names of the ensemble; empty if there is none.
    """
    winners = sorted(evidence.winners(), key=lambda record: record.rank)
    if not winners:
        return Mistakes(method="", wrong=0, worst=(), suspects=())
    wrong = _wrong(evidence, members or [winners[0].trial])
    return Mistakes(
        method=ENSEMBLE if members else winners[0].trial,
        wrong=len(wrong),
        worst=wrong[:WORST],
        suspects=_suspects(evidence, [winner.trial for winner in winners])[:SUSPECTS],
        winners={
            winner.trial: _wrong(evidence, [winner.trial])[:WORST_OF_EACH] for winner in winners
        },
    )


def rows_to_show(summary: Summary) -> list[int]:
    """Dataset rows of the photos that the report shows, each once, the most telling first."""
    mistakes = summary.mistakes
    photos = [mistake.photo for mistake in mistakes.worst]
    photos += [suspect.photo for suspect in mistakes.suspects]
    photos += [mistake.photo for worst in mistakes.winners.values() for mistake in worst]
    return list(dict.fromkeys(photos))[:SHOWN]


def _wrong(evidence: Evidence, members: Sequence[str]) -> tuple[Mistake, ...]:
    """Every wrongly classified test photo, the surest mistake first, then by row."""
    probabilities, labels = averaged(evidence, members, "test"), evidence.labels("test")
    rows = evidence.split.indices("test")
    mistakes = [
        Mistake(
            file=evidence.split.files[rows[index]],
            photo=int(rows[index]),
            true=evidence.classes[labels[index]],
            predicted=evidence.classes[probabilities[index].argmax()],
            probability=float(probabilities[index].max()),
        )
        for index in np.flatnonzero(~right(probabilities, labels))
    ]
    return tuple(sorted(mistakes, key=lambda mistake: (-mistake.probability, mistake.photo)))


def _suspects(evidence: Evidence, winners: Sequence[str]) -> tuple[Suspect, ...]:
    """Validation and test photos, the most witnesses first, then the surest, then by row."""
    suspects = [
        *_contradicted(evidence, winners, "validation"),
        *_contradicted(evidence, winners, "test"),
    ]
    suspects.sort(key=lambda photo: (-len(photo.trials), -photo.probability, photo.photo))
    return tuple(suspects)


def _contradicted(evidence: Evidence, winners: Sequence[str], part: str) -> Iterator[Suspect]:
    """One split's photos whose label enough winners confidently contradict with one class."""
    rows, labels = evidence.split.indices(part), evidence.labels(part)
    # [M, n, C] by winner, photo of the split and class
    probabilities = np.stack([evidence.probabilities(trial, part) for trial in winners])
    predicted = probabilities.argmax(axis=2)  # [M, n]
    contradicts = (probabilities.max(axis=2) >= CONFIDENT) & (predicted != labels)  # [M, n]
    for index in np.flatnonzero(contradicts.sum(axis=0) >= FEWEST_WITNESSES):
        votes = predicted[contradicts[:, index], index].tolist()
        suggested = max(sorted(set(votes)), key=votes.count)  # of equal counts the lower label
        witnesses = np.flatnonzero(contradicts[:, index] & (predicted[:, index] == suggested))
        if len(witnesses) >= FEWEST_WITNESSES:
            yield Suspect(
                file=evidence.split.files[rows[index]],
                photo=int(rows[index]),
                split=part,
                label=evidence.classes[labels[index]],
                suggested=evidence.classes[suggested],
                probability=float(probabilities[witnesses, index, suggested].mean()),
                trials=tuple(winners[witness] for witness in witnesses.tolist()),
            )
