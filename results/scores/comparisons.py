"""Methods held against each other: gains, input scales, ensembles, and every paired test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations

from results.ledger.records import Status, TrialRecord
from results.scores import choosing, ensemble, metrics
from results.scores.evidence import Evidence, averaged, best_of, scored, scores
from results.scores.method_types import (
    ENSEMBLE,
    EnsembleRow,
    EnsembleSummary,
    Gain,
    Method,
    Pair,
    Purpose,
    ScalingRow,
)
from search_spaces import paper
from search_spaces.backbones import Scaling
from search_spaces.config import TrialConfig

LIBRARY = 200
"""Trials that the greedy selection chooses from, and whose answers it holds in memory."""


def gain(evidence: Evidence, baseline: Method, best: Method | None) -> Gain | None:
    """Best minus baseline, or None unless both have scores."""
    if best is None or best.validation_accuracy is None or best.test_accuracy is None:
        return None
    if baseline.validation_accuracy is None or baseline.test_accuracy is None:
        return None
    return Gain(
        validation=best.validation_accuracy - baseline.validation_accuracy,
        test=best.test_accuracy - baseline.test_accuracy,
        pair=None
        if best.trial == baseline.trial
        else trial_pair(evidence, Purpose.GAIN, best.trial, baseline.trial),
    )


def trial_pair(evidence: Evidence, why: Purpose, first: str, second: str) -> Pair:
    """McNemar's test between two trials."""
    return Pair(why, first, second, metrics.mcnemar(evidence.right(first), evidence.right(second)))


def winner_pairs(evidence: Evidence) -> tuple[Pair, ...]:
    """Every two backbones' best trials."""
    trials = [record.trial for record in evidence.winners()]
    return tuple(
        trial_pair(evidence, Purpose.WINNERS, *two_trials) for two_trials in combinations(trials, 2)
    )


def ensemble_pairs(evidence: Evidence, best_two: EnsembleSummary | None) -> tuple[Pair, ...]:
    """The ensemble against each of its members."""
    if best_two is None:
        return ()
    right = metrics.right(averaged(evidence, best_two.members, "test"), evidence.labels("test"))
    return tuple(
        Pair(Purpose.ENSEMBLE, ENSEMBLE, trial, metrics.mcnemar(right, evidence.right(trial)))
        for trial in best_two.members
    )


def scaling_rows(evidence: Evidence) -> tuple[ScalingRow, ...]:
    """X/255 next to the backbone's own scaling, for each backbone that has trials of both.

    Two trials that differ in the scaling alone are compared where there are any, the baseline and
    its twin first; otherwise the best by validation under each, which is observational.
    """
    rows = (_scaling_row(evidence, backbone) for backbone in evidence.backbones)
    return tuple(row for row in rows if row is not None)


def ensemble_rows(evidence: Evidence) -> tuple[EnsembleRow, ...]:
    """Every rule for an ensemble, from stored probabilities; empty with fewer than two backbones.

    The library of the greedy selection is the best `LIBRARY` trials by validation; the other rules,
    the one by test too, choose among the backbones' best trials by validation, so that no more test
    files are opened. One row has the paper's own two backbones, each in its baseline.
    """
    winners = evidence.winners()
    if len(winners) < 2:
        return ()
    labels = evidence.labels("test")
    by_test = {
        winner.trial: metrics.accuracy(evidence.test(winner.trial), labels) for winner in winners
    }
    rules: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
        ("best two by validation", False, ensemble.best_two(winners)),
        ("best two by test (the paper's rule)", True, ensemble.best_two_by_test(winners, by_test)),
        ("the best of every backbone", False, tuple(winner.trial for winner in winners)),
        ("greedy selection on validation", False, _greedy(evidence)),
        ("the paper's two, as documented", False, _documented_two(evidence)),
    )
    return tuple(_row(evidence, *rule) for rule in rules if rule[2])


def differing(first: TrialConfig, second: TrialConfig) -> tuple[str, ...]:
    """Fields in which two configurations differ, in the order of `TrialConfig`."""
    other = second.to_dict()
    return tuple(name for name, value in first.to_dict().items() if other[name] != value)


def _scaling_row(evidence: Evidence, backbone: str) -> ScalingRow | None:
    records = scored(evidence.of(backbone))
    unit, native = _twins(records) or tuple(
        best_of(record for record in records if record.config.scaling == scaling)
        for scaling in ("unit", "native")
    )
    if unit is None or native is None:
        return None
    differences = [name for name in differing(unit.trained, native.trained) if name != "scaling"]
    if len(unit.epochs) != len(native.epochs):
        differences.append("epochs_trained")
    labels = evidence.labels("test")
    return ScalingRow(
        backbone=backbone,
        unit_trial=unit.trial,
        unit_validation_accuracy=_validation(evidence, unit),
        unit_test_accuracy=metrics.accuracy(evidence.test(unit.trial), labels),
        native_trial=native.trial,
        native_validation_accuracy=_validation(evidence, native),
        native_test_accuracy=metrics.accuracy(evidence.test(native.trial), labels),
        also_differs=tuple(differences),
        pair=trial_pair(evidence, Purpose.SCALING, native.trial, unit.trial),
    )


def _validation(evidence: Evidence, record: TrialRecord) -> float:
    probabilities = evidence.predictions(record.trial).validation
    return metrics.accuracy(probabilities, evidence.labels("validation"))


def _twins(records: Sequence[TrialRecord]) -> tuple[TrialRecord, TrialRecord] | None:
    """Two trials under X/255 and the own scaling that differ in nothing else: the baseline with its
    twin where both were trained to their end, otherwise the two of which one has the best score."""
    pairs: dict[TrialConfig, dict[Scaling, TrialRecord]] = defaultdict(dict)
    for record in records:
        config = record.trained
        pairs[replace(config, scaling=Scaling.UNIT)].setdefault(config.scaling, record)
    both = [pair for pair in pairs.values() if len(pair) == len(Scaling)]
    pair = min(both, key=_closest_to_baseline, default=None)
    return (pair[Scaling.UNIT], pair[Scaling.NATIVE]) if pair else None


def _closest_to_baseline(pair: Mapping[Scaling, TrialRecord]) -> tuple[object, ...]:
    records = pair.values()
    return (
        not all(one.status == Status.COMPLETED for one in records),
        not any(one.is_baseline for one in records),
        min(one.rank for one in records),
    )


def _greedy(evidence: Evidence) -> tuple[str, ...]:
    records = scored(evidence.records)
    best = sorted(records, key=lambda record: record.rank)[:LIBRARY]
    allowed = {record.trial for record in best}
    library = [record.trial for record in records if record.trial in allowed]
    arrays = [evidence.validation(trial) for trial in library]
    chosen = ensemble.greedy(
        arrays,
        evidence.labels("validation"),
        score=partial(choosing.score, evidence.run.settings.metric),
    )
    return tuple(library[index] for index in chosen)


def _documented_two(evidence: Evidence) -> tuple[str, ...]:
    """The baselines of the paper's members; empty unless both have scores."""
    baselines = [evidence.baseline(backbone) for backbone in paper.ENSEMBLE_MEMBERS]
    trials = tuple(record.trial for record in scored(filter(None, baselines)))
    return trials if len(trials) == len(baselines) else ()


def _row(evidence: Evidence, rule: str, uses_test: bool, members: tuple[str, ...]) -> EnsembleRow:
    validation = averaged(evidence, members, "validation")
    test = scores(evidence, validation, averaged(evidence, members, "test"))
    return EnsembleRow(
        rule=rule,
        uses_test=uses_test,
        members=members,
        validation_accuracy=metrics.accuracy(validation, evidence.labels("validation")),
        validation_loss=test.validation_loss,
        test_accuracy=test.correct / test.photos,
        test_loss=test.test_loss,
        correct=test.correct,
        photos=test.photos,
        interval=test.interval,
    )
