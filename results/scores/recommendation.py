"""Which model validation recommends, and what it says against the ensemble."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from results.ledger.records import TrialRecord
from results.scores import metrics
from results.scores.evidence import Evidence, best_of
from results.scores.method_types import ENSEMBLE, EnsembleSummary
from search_spaces.metrics import ACCURACY, metric_words, signed


def recommended(evidence: Evidence, ensemble: EnsembleSummary | None) -> str:
    """The best single trial's name, or `ensemble` where that is better by validation.

    Better is a higher score, then a lower loss. A tie goes to the single trial, the simpler
    model. Empty if no trial has scores.
    """
    best = best_of(evidence.winners())
    if best is None:
        return ""
    if ensemble is not None and _score(evidence, ensemble) < best.rank[:2]:
        return ENSEMBLE
    return best.trial


def warnings(evidence: Evidence, ensemble: EnsembleSummary | None) -> tuple[str, ...]:
    """What validation says against averaging the best two, in sentences."""
    if ensemble is None:
        return ()
    return (*_worse_than_a_member(evidence, ensemble), *_at_chance(evidence, ensemble))


def _worse_than_a_member(evidence: Evidence, ensemble: EnsembleSummary) -> Iterator[str]:
    best = min(map(evidence.record, ensemble.members), key=lambda one: one.rank)
    if _score(evidence, ensemble) > best.rank[:2]:
        yield (
            f"On validation the ensemble is worse than {best.trial} alone: "
            f"{_by_metric(evidence, ensemble, best)}accuracy "
            f"{ensemble.validation_accuracy:.2%} against {best.validation_accuracy:.2%}, loss "
            f"{ensemble.scores.validation_loss:.4f} against {best.validation_loss:.4f}."
        )


def _by_metric(evidence: Evidence, ensemble: EnsembleSummary, best: TrialRecord) -> str:
    """The run's metric of both, where that is not accuracy."""
    metric = evidence.run.settings.metric
    if metric == ACCURACY or best.score is None:
        return ""
    ours = ensemble.scores.more[f"validation_{metric}"]
    return f"{metric_words(metric)} {ours:.4f} against {signed(metric, best.score):.4f}, "


def _at_chance(evidence: Evidence, ensemble: EnsembleSummary) -> Iterator[str]:
    """Members that validation does not show to be better than always naming the largest class.

    Nothing where another metric than accuracy chooses: by that the largest class may be no bar.
    """
    if evidence.run.settings.metric != ACCURACY:
        return
    labels = evidence.labels("validation")
    largest = int(np.bincount(labels).max()) / len(labels)
    for trial in ensemble.members:
        right = metrics.right(evidence.predictions(trial).validation, labels)
        interval = metrics.wilson(int(right.sum()), len(labels))
        if interval.low <= largest:
            yield (
                f"{trial}, a member of the ensemble, is not shown to be better than chance: on "
                f"validation {right.mean():.2%} are right ({interval.low:.1%} to "
                f"{interval.high:.1%} at 95 %), and the largest class alone is {largest:.2%}."
            )


def _score(evidence: Evidence, ensemble: EnsembleSummary) -> tuple[float, float]:
    """As the first two of `TrialRecord.rank`: lower is better."""
    metric = evidence.run.settings.metric
    score = signed(metric, ensemble.scores.more[f"validation_{metric}"])
    return (-score, ensemble.scores.validation_loss)
