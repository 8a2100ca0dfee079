"""Which trials confirm a backbone's winner, as pure functions of its finished trials.

After its search a backbone's baseline and its best two searched trials are trained again, on the
same few fresh seeds. The list of these repeats depends on the search's records alone, so neither on
timing nor on kills.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterable, Mapping

from results.ledger.records import Status, TrialRecord
from search_spaces.config import TrialConfig, TrialId
from search_spaces.settings import Settings

SEARCHED = 2
"""So many searched trials are held against the baseline."""


def fresh_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Distinct seeds, below 2^30, derived from the sweep's and none of them equal to it."""
    digests = (hashlib.sha256(f"{seed} confirm {at}".encode()).digest() for at in itertools.count())
    drawn = dict.fromkeys([seed])
    for digest in digests:
        if len(drawn) > count:
            break
        drawn[int.from_bytes(digest[:4], "big") >> 2] = None
    return tuple(drawn)[1 : count + 1]


def candidates(records: Iterable[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Of a backbone whose search is over: the baseline, then the best searched trials.

    Only trials that ended as planned; the best by validation (`TrialRecord.rank`), and no
    configuration twice. Empty where there is but one, which nothing can be compared with.
    """
    completed = [
        record
        for record in records
        if record.status == Status.COMPLETED and record.has_scores and not record.repeat
    ]
    distinct: dict[TrialConfig, TrialRecord] = {}
    for record in sorted(completed, key=lambda one: (not one.is_baseline, *one.rank)):
        distinct.setdefault(record.config, record)
    baseline = [record for record in distinct.values() if record.is_baseline]
    searched = [record for record in distinct.values() if not record.is_baseline]
    chosen = (*baseline, *searched[:SEARCHED])
    return chosen if len(chosen) > 1 else ()


def repeats(
    settings: Settings,
    backbone: str,
    finished: Mapping[TrialId, TrialRecord],
    left_out: Collection[TrialId] = (),
) -> tuple[TrialId, ...] | None:
    """A backbone's repeats, seed after seed; None while its search is not over.

    Args:
        left_out: trials without which it is over, see `results.ledger.left_out`.
    """
    search = [TrialId(backbone, number) for number in range(settings.searched(backbone) + 1)]
    if not all(trial in finished or trial in left_out for trial in search):
        return None
    chosen = candidates(finished[trial] for trial in search if trial in finished)
    return tuple(
        TrialId(backbone, candidate.number, repeat)
        for repeat in range(1, settings.confirm + 1)
        for candidate in chosen
    )


def counted_repeats(
    settings: Settings,
    backbone: str,
    finished: Mapping[TrialId, TrialRecord],
    left_out: Collection[TrialId] = (),
) -> tuple[TrialId, ...]:
    """Finished repeats of the candidates, seed after seed; while the search goes on those of the
    baseline, which will be one.

    After a resume with more trials the candidates may be others. Repeats of former ones stay in the
    ledger and do not count.
    """
    due = repeats(settings, backbone, finished, left_out)
    if due is None:
        due = tuple(TrialId(backbone, 0, repeat) for repeat in range(1, settings.confirm + 1))
    return tuple(trial for trial in due if trial in finished)


def most_repeats(settings: Settings, backbone: str) -> int:
    """How many repeats a backbone may come to; fewer if trials fail or are stopped early."""
    searched = min(SEARCHED, settings.searched(backbone))
    return settings.confirm * (1 + searched) if searched else 0


def count_repeats(
    settings: Settings,
    backbone: str,
    finished: Mapping[TrialId, TrialRecord],
    left_out: Collection[TrialId] = (),
) -> int:
    """How many repeats a backbone has: at most, while its search is not over."""
    known = repeats(settings, backbone, finished, left_out)
    return most_repeats(settings, backbone) if known is None else len(known)


def count_planned(settings: Settings, records: Iterable[TrialRecord]) -> int:
    """How many trials a run comes to, its search and the repeats, as far as its records tell."""
    finished = {record.id: record for record in records}
    counted = (count_repeats(settings, backbone, finished) for backbone in settings.backbones)
    return len(settings.planned) + sum(counted)


def is_cut(record: TrialRecord) -> bool:
    """Whether a repeat was cut by the time budget: it counts for nothing, a resume trains it again.

    A mean over seeds needs whole trials; one of the search says something after any epoch.
    """
    return record.repeat > 0 and record.status == Status.OUT_OF_TIME
