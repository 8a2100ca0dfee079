"""Methods held against each other: gains, input scales, ensembles, and every paired test."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

from results.ledger.records import TrialRecord
from results.scores import ensemble, metrics
from results.scores.ensemble import Candidate
from results.scores.evidence import Evidence, best_of, candidate, scored
from results.scores.method_types import (
    EnsembleRow,
    EnsembleSummary,
    Gain,
    Method,
    Pair,
    ScalingRow,
)
from results.scores.methods import averaged, scores
from results.scores.metrics import Correct
from search_spaces import paper
from search_spaces.config import TrialConfig

ENSEMBLE = "ensemble"
"""The best two's name beside trial names."""


def gain(evidence: Evidence, baseline: Method, best: Method | None) -> Gain | None:
    """Best minus baseline, or None unless both have scores."""
    if best is None or best.validation_accuracy is None or best.test_accuracy is None:
        return None
    if baseline.validation_accuracy is None or baseline.test_accuracy is None:
        return None
    same = best.trial == baseline.trial
    return Gain(
        validation=best.validation_accuracy - baseline.validation_accuracy,
        test=best.test_accuracy - baseline.test_accuracy,
        pair=None if same else trial_pair(evidence, "gain", best.trial, baseline.trial),
    )


def trial_pair(evidence: Evidence, why: str, first: str, second: str) -> Pair:
    """McNemar's test between two trials."""
    return Pair(why, first, second, metrics.mcnemar(evidence.right(first), evidence.right(second)))


def winner_pairs(evidence: Evidence) -> tuple[Pair, ...]:
    """Every two backbones' best trials."""
    names = [record.trial for record in evidence.winners()]
    return tuple(trial_pair(evidence, "winners", *two) for two in combinations(names, 2))


def ensemble_pairs(evidence: Evidence, best_two: EnsembleSummary | None) -> tuple[Pair, ...]:
    """The ensemble against each of its members."""
    if best_two is None:
        return ()
    mine = _ensemble_right(evidence, best_two.members)
    return tuple(
        Pair(ENSEMBLE, ENSEMBLE, trial, metrics.mcnemar(mine, evidence.right(trial)))
        for trial in best_two.members
    )


def scaling_rows(evidence: Evidence) -> tuple[ScalingRow, ...]:
    """X/255 next to the backbone's own scaling, for each backbone that has trials of both.

    The baseline's twin (the same but for the scaling) is compared where it was trained; otherwise
    the best trial by validation under each scaling, which is observational.
    """
    found = (_scaling_row(evidence, backbone) for backbone in evidence.backbones)
    return tuple(row for row in found if row is not None)


def ensemble_rows(evidence: Evidence) -> tuple[EnsembleRow, ...]:
    """Every rule for an ensemble, from stored probabilities; empty with fewer than two backbones.

    The library of the greedy selection is every trial with scores; the other rules choose among
    the backbones' best trials by validation. One row tells the paper's own two, as documented.
    """
    winners = [candidate(record) for record in evidence.winners()]
    if len(winners) < 2:
        return ()
    documented = _documented_two(evidence)
    rules: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
        ("best two by validation", False, ensemble.best_two(winners)),
        ("best two by test (the paper's rule)", True, ensemble.best_two_by_test(winners)),
        ("the best of every backbone", False, tuple(winner.trial for winner in winners)),
        ("greedy selection on validation", False, _greedy(evidence)),
        ("the paper's two, as documented", False, documented),
    )
    return tuple(_row(evidence, *rule) for rule in rules if rule[2])


def differing(first: TrialConfig, second: TrialConfig) -> tuple[str, ...]:
    """Fields in which two configurations differ, in the order of `TrialConfig`."""
    other = second.to_dict()
    return tuple(name for name, value in first.to_dict().items() if other[name] != value)


def _ensemble_right(evidence: Evidence, members: Iterable[str]) -> Correct:
    return metrics.right(averaged(evidence, tuple(members), "test"), evidence.labels("test"))


def _scaling_row(evidence: Evidence, backbone: str) -> ScalingRow | None:
    usable = scored(evidence.of(backbone))
    unit, native = _twins(usable) or tuple(
        best_of(record for record in usable if record.config.scaling == scaling)
        for scaling in ("unit", "native")
    )
    if unit is None or native is None:
        return None
    ours, theirs = candidate(unit), candidate(native)
    return ScalingRow(
        backbone=backbone,
        unit_trial=ours.trial,
        unit_validation_accuracy=ours.validation_accuracy,
        unit_test_accuracy=ours.test_accuracy,
        native_trial=theirs.trial,
        native_validation_accuracy=theirs.validation_accuracy,
        native_test_accuracy=theirs.test_accuracy,
        also_differs=tuple(
            name for name in differing(unit.config, native.config) if name != "scaling"
        ),
        pair=trial_pair(evidence, "scaling", native.trial, unit.trial),
    )


def _twins(usable: Iterable[TrialRecord]) -> tuple[TrialRecord, TrialRecord] | None:
    """The baseline under X/255 and a trial that differs from it in the scaling alone."""
    known = tuple(usable)
    baseline = next((record for record in known if record.is_baseline), None)
    if baseline is None or baseline.config.scaling != "unit":
        return None
    for record in known:
        if differing(baseline.config, record.config) == ("scaling",):
            return baseline, record
    return None


def _greedy(evidence: Evidence) -> tuple[str, ...]:
    library = [record.trial for record in scored(evidence.records)]
    arrays = [evidence.predictions(trial).validation for trial in library]
    chosen = ensemble.greedy(arrays, evidence.labels("validation"))
    return tuple(library[index] for index in chosen)


def _documented_two(evidence: Evidence) -> tuple[str, ...]:
    found = [evidence.baseline(name) for name in paper.ENSEMBLE_MEMBERS]
    usable: list[Candidate] = [candidate(one) for one in scored(filter(None, found))]
    return tuple(one.trial for one in usable) if len(usable) == len(found) else ()


def _row(evidence: Evidence, rule: str, uses_test: bool, members: tuple[str, ...]) -> EnsembleRow:
    validation = averaged(evidence, members, "validation")
    found = scores(evidence, validation, averaged(evidence, members, "test"))
    return EnsembleRow(
        rule=rule,
        uses_test=uses_test,
        members=members,
        validation_accuracy=metrics.accuracy(validation, evidence.labels("validation")),
        validation_loss=found.validation_loss,
        test_accuracy=found.correct / found.photos,
        test_loss=found.test_loss,
        correct=found.correct,
        photos=found.photos,
        interval=found.interval,
    )
