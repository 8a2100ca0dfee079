"""Every number that is shown, computed once: the ledger in, a `Summary` out.

Validation chooses and test only reports; the one exception is the ensemble by the paper's rule.
Only methods that are named have their test answers read: each backbone's baseline and best, on the
search's seed and on fresh ones, the two scalings compared, and the members of ensembles.
"""

from __future__ import annotations

from itertools import chain

from results.ledger.records import Status
from results.ledger.remedies import reported_again
from results.ledger.runs import SPLITS
from results.ledger.serialise import read_as, to_json
from results.ledger.store import RunFolder
from results.scores import comparisons, costs, ensemble
from results.scores.confirmation import confirmations
from results.scores.confirmation_types import Confirmation
from results.scores.evidence import Evidence, read_evidence, scored
from results.scores.method_types import EnsembleSummary, Pair, ScalingRow
from results.scores.methods import baseline_method, ensemble_summary, trial_method
from results.scores.mistakes import find_mistakes
from results.scores.recommendation import recommended, warnings
from results.scores.types import (
    BackboneSummary,
    Counts,
    DataSummary,
    Summary,
    TrialCounts,
)

EXAMPLES = 20
"""Rejected files and conflicting labels that are named; all of them are counted."""


def summarise(folder: RunFolder) -> Summary:
    """Compute everything from `run.json`, `split.json`, the ledger and the predictions.

    Raises:
        UsageRefusal: the folder holds no run.
        EnvironmentRefusal: a file of it is missing, damaged, or contradicts its record.
    """
    evidence = read_evidence(folder)
    run = evidence.run
    confirmed = confirmations(evidence)
    backbones = tuple(_backbone(evidence, name, confirmed.get(name)) for name in evidence.backbones)
    best_two = ensemble_summary(evidence, ensemble.best_two(evidence.winners()))
    scaling = comparisons.scaling_rows(evidence)
    ensembles = comparisons.ensemble_rows(evidence)
    pairs = _pairs(evidence, backbones, best_two, scaling)
    mistakes = find_mistakes(evidence, best_two.members if best_two else ())
    spent = costs.ledger(evidence)
    return Summary(
        name=folder.root.resolve().name,
        complete=evidence.complete,
        demonstration=run.demonstration,
        data=_data(evidence),
        weights=run.weights,
        weights_sha256=dict(run.weights_sha256),
        weights_source=dict(run.weights_source),
        trials=_counts(evidence),
        backbones=backbones,
        ensemble=best_two,
        ensembles=ensembles,
        recommended=recommended(evidence, best_two),
        warnings=warnings(evidence, best_two),
        scaling=scaling,
        pairs=pairs,
        rows=evidence.records,
        repeats=evidence.repeats,
        test_opened=evidence.test_opened,
        test_sealed=len(scored((*evidence.records, *evidence.repeats, *evidence.cut))),
        importances=folder.read_importances(),
        characteristics=folder.read_characteristics(),
        mistakes=mistakes,
        seconds=costs.seconds(evidence, spent.total),
        photos=costs.photos(evidence, spent.total),
        costs=spent,
        created=run.created,
        command=run.command,
        seed=run.seed,
        settings=to_json(run.settings),
        versions=dict(run.versions),
        hardware=dict(run.hardware),
    )


def read_summary(folder: RunFolder) -> Summary:
    """The report's `summary.json`.

    Raises:
        EnvironmentRefusal: there is none, or it is damaged or another version's.
    """
    return read_as(Summary, folder.summary_json, "summary", fix=reported_again(folder.root))


def _data(evidence: Evidence) -> DataSummary:
    data = evidence.run.data
    return DataSummary(
        name=data.name,
        source=data.source,
        digest=data.digest,
        classes=data.classes,
        counts=Counts(**evidence.split.counts()),
        image_size=data.image_size,
        ignored=data.ignored,
        rejected=len(data.rejected),
        duplicates=data.duplicates,
        conflicts=len(data.conflicts),
        near_duplicates=data.near_duplicates,
        handling=evidence.run.settings.duplicates,
        per_class=tuple(_per_class(evidence, label) for label in range(len(data.classes))),
        examples_rejected=data.rejected[:EXAMPLES],
        examples_conflicts=data.conflicts[:EXAMPLES],
    )


def _per_class(evidence: Evidence, label: int) -> Counts:
    counts = {part: int((evidence.labels(part) == label).sum()) for part in SPLITS}
    return Counts(**counts)


def _counts(evidence: Evidence) -> TrialCounts:
    repeats = map(evidence.fresh.counted, evidence.run.settings.backbones)
    statuses = [record.status for record in chain(evidence.records, *repeats)]
    return TrialCounts(
        planned=evidence.planned,
        completed=statuses.count(Status.COMPLETED),
        failed=statuses.count(Status.FAILED),
        stopped_early=statuses.count(Status.STOPPED_EARLY),
        out_of_time=statuses.count(Status.OUT_OF_TIME),
    )


def _backbone(evidence: Evidence, name: str, confirmed: Confirmation | None) -> BackboneSummary:
    records, winner = evidence.of(name), evidence.best(name)
    baseline = baseline_method(evidence, name)
    best = trial_method(evidence, winner) if winner else None
    return BackboneSummary(
        name=name,
        baseline=baseline,
        best=best,
        gain=comparisons.gain(evidence, baseline, best),
        finished=len(records),
        failed=sum(record.status == Status.FAILED for record in records),
        confirmation=confirmed,
    )


def _pairs(
    evidence: Evidence,
    backbones: tuple[BackboneSummary, ...],
    best_two: EnsembleSummary | None,
    scaling: tuple[ScalingRow, ...],
) -> tuple[Pair, ...]:
    gains = (backbone.gain.pair for backbone in backbones if backbone.gain)
    return (
        *(pair for pair in gains if pair is not None),
        *(row.pair for row in scaling),
        *comparisons.winner_pairs(evidence),
        *comparisons.ensemble_pairs(evidence, best_two),
    )
