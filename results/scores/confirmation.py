"""Winners held against their baselines on fresh seeds: photos and seeds both count, and so does how
many backbones are looked at.

The search's own trials choose the candidates and are not looked at again, so a lucky search result
gains nothing here. Validation on the fresh seeds names the winner, test says whether it is better.
Each of two searched candidates may look better by chance in 2.5 % of runs, so a false "better" has
at most 5 %.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from results.ledger.records import TrialRecord
from results.scores.confirmation_types import Confirmation, ConfirmedTrial, SeedTest, Told
from results.scores.evidence import Evidence
from results.scores.metrics import LEVEL, Correct
from results.scores.seed_tests import holm, over_seeds, spread


def confirmations(evidence: Evidence) -> dict[str, Confirmation]:
    """By backbone, where the run was to confirm anything."""
    names = [name for name in evidence.run.settings.backbones if _is_planned(evidence, name)]
    found = {name: _confirmation(evidence, name) for name in names}
    tested = {name: one.test for name, one in found.items() if one.test is not None}
    adjusted = holm([test.p for test in tested.values()])
    for (name, test), p in zip(tested.items(), adjusted, strict=True):
        outcome, reason = _told(test, p)
        found[name] = replace(found[name], adjusted_p=p, outcome=outcome, reason=reason)
    return found


def _is_planned(evidence: Evidence, backbone: str) -> bool:
    settings = evidence.run.settings
    return settings.confirm > 0 and settings.searched(backbone) > 0


def _confirmation(evidence: Evidence, backbone: str) -> Confirmation:
    """All but what follows from the other backbones' p-values."""
    fresh, baseline = evidence.fresh, evidence.baseline(backbone)
    winner = fresh.winner(backbone)
    named = [one for one in (baseline, winner) if winner and one and fresh.is_whole(one)]
    right = {one.trial: _right(evidence, one) for one in named}
    test = None
    if baseline and winner and baseline != winner and baseline.trial in right:
        test = over_seeds(right[winner.trial], right[baseline.trial])
    outcome, reason = _untested(evidence, backbone)
    return Confirmation(
        seeds=fresh.settings.confirm,
        planned=fresh.planned(backbone),
        finished=fresh.done(backbone),
        trials=tuple(
            _confirmed(evidence, one, right.get(one.trial)) for one in fresh.candidates(backbone)
        ),
        winner=winner.trial if winner else "",
        test=test,
        adjusted_p=None,
        outcome=outcome,
        reason=reason,
    )


def _untested(evidence: Evidence, backbone: str) -> tuple[Told | None, str]:
    """The verdict and its reason where winner and baseline are not held against each other."""
    fresh, baseline = evidence.fresh, evidence.baseline(backbone)
    planned, done = fresh.planned(backbone), fresh.done(backbone)
    if not planned:
        return None, "fewer than two trials ran to their end"
    if done < planned:
        return None, f"{done} of {planned} repeats are finished"
    winner = fresh.winner(backbone)
    if winner is None:
        return None, "no candidate completed on every seed"
    if winner == baseline:
        return Told.NOT_SHOWN, "the baseline has the best mean on validation"
    return None, "the baseline did not complete on every seed"


def _right(evidence: Evidence, candidate: TrialRecord) -> Correct:
    """Which test photos a candidate has right on each fresh seed: [K, n] bool."""
    return np.stack([evidence.right(one.trial) for one in evidence.fresh.completed(candidate)])


def _confirmed(evidence: Evidence, candidate: TrialRecord, right: Correct | None) -> ConfirmedTrial:
    own = evidence.fresh.completed(candidate)
    whole = evidence.fresh.is_whole(candidate)
    return ConfirmedTrial(
        trial=candidate.trial,
        config=candidate.config,
        completed=len(own),
        validation=spread([one.validation_accuracy or 0.0 for one in own]) if whole else None,
        test=None if right is None else spread(right.mean(axis=1).tolist()),
    )


def _told(test: SeedTest, adjusted_p: float) -> tuple[Told, str]:
    if adjusted_p >= 1 - LEVEL:
        return Told.NOT_SHOWN, "other photos or seeds could give this difference by chance"
    if test.difference > 0:
        return Told.BETTER, "more test photos are right than other photos and seeds explain"
    return Told.WORSE, "fewer test photos are right than other photos and seeds explain"
