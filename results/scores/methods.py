"""Methods scored: a backbone's baseline and best, the ensemble, and both held against the paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from results.ledger.records import Cost, Probabilities, Status, TrialRecord
from results.ledger.runs import SPLITS
from results.scores import ensemble, metrics
from results.scores.evidence import Evidence, averaged, scores
from results.scores.method_types import (
    EnsembleEpoch,
    EnsembleSummary,
    Method,
    Redrawn,
    Scores,
)
from results.scores.metrics import Verdict
from search_spaces import paper
from search_spaces.config import TrialConfig, TrialId

REDRAW_OFFSET = 1
"""Added to the run's seed, so that the re-drawn fifth is another one than the run's own split."""

PAPER_REDREW = "the paper scored it on a re-drawn split, mostly its members' training photos"


def doubts(evidence: Evidence, backbones: Sequence[str]) -> tuple[str, ...]:
    """Why the run's accuracies cannot be held against the paper's; empty if they can.

    Comparable are cats and dogs, the paper's number of test photos, and weights from a file: the
    weights of a folder are taken to be ImageNet's, since nothing in a file says so.
    """
    run, reasons = evidence.run, []
    if run.demonstration:
        reasons.append("a demonstration")
    test = len(evidence.labels("test"))
    if (len(evidence.classes), test) != (len(paper.CLASSES), paper.TEST_PHOTOS):
        reasons.append(f"other photos ({len(evidence.classes)} classes, {test} for test)")
    elif not _are_the_papers(evidence.classes):
        reasons.append(f"other photos ({' and '.join(evidence.classes)})")
    if run.weights == "random":
        reasons.append("other weights (random)")
    elif without := [name for name in backbones if not run.weights_sha256.get(name)]:
        reasons.append(f"other weights (no digest for {', '.join(without)})")
    return tuple(reasons)


def _are_the_papers(classes: Sequence[str]) -> bool:
    """Whether the classes are cats and dogs, in the singular or plural and any case."""
    return tuple(name.casefold().removesuffix("s") for name in classes) == paper.CLASSES


def setting_doubts(config: TrialConfig) -> tuple[str, ...]:
    """How a baseline's sizes differ from the documented ones; the image size is not stated.

    Empty for a backbone that the paper has not.
    """
    if config.backbone not in paper.PUBLISHED:
        return ()
    documented = paper.baseline(config.backbone, image_size=config.image_size, seed=config.seed)
    changed = [
        f"{name.replace('_', ' ')} {getattr(config, name)}, not {wanted}"
        for name, wanted in documented.to_dict().items()
        if getattr(config, name) != wanted
    ]
    return (f"other settings ({', '.join(changed)})",) if changed else ()


def baseline_method(evidence: Evidence, backbone: str) -> Method:
    """The documented configuration's trial, finished or not."""
    record = evidence.baseline(backbone)
    if record is not None:
        return trial_method(evidence, record)
    return Method(
        trial=TrialId(backbone, 0).name,
        status=Status.UNFINISHED,
        error="",
        config=None,
        best_epoch=None,
        validation_accuracy=None,
        test_accuracy=None,
        published_test_accuracy=published_accuracy(backbone),
        verdict=None,
        scores=None,
        history=(),
        anatomy=None,
        cost=Cost(),
    )


def trial_method(evidence: Evidence, record: TrialRecord) -> Method:
    """A finished trial with its scores, or without if it failed."""
    published = published_accuracy(record.backbone)
    test = _trial_scores(evidence, record)
    reasons = doubts(evidence, [record.backbone])
    if record.is_baseline:
        reasons += setting_doubts(record.config)
    return Method(
        trial=record.trial,
        status=record.status,
        error=record.error,
        config=record.config.to_dict(),
        best_epoch=record.best_epoch,
        validation_accuracy=record.validation_accuracy,
        test_accuracy=test.correct / test.photos if test else None,
        published_test_accuracy=published,
        verdict=_verdict(test, published, reasons) if test and published is not None else None,
        scores=test,
        history=record.epochs,
        anatomy=record.anatomy,
        cost=record.cost,
    )


def published_accuracy(method: str) -> float | None:
    """The paper's test accuracy of a backbone or of `Ensemble`; None where it published none."""
    result = paper.PUBLISHED.get(method)
    return result.test_accuracy if result else None


def ensemble_summary(evidence: Evidence, members: tuple[str, ...]) -> EnsembleSummary | None:
    """The average of two trials of different backbones; None without members."""
    if not members:
        return None
    validation = averaged(evidence, members, "validation")
    test = scores(evidence, validation, averaged(evidence, members, "test"))
    published = paper.PUBLISHED[paper.ENSEMBLE].test_accuracy
    train, train_labels = averaged(evidence, members, "train"), evidence.labels("train")
    return EnsembleSummary(
        members=members,
        train_accuracy=metrics.accuracy(train, train_labels),
        train_loss=metrics.cross_entropy(train, train_labels),
        validation_accuracy=metrics.accuracy(validation, evidence.labels("validation")),
        test_accuracy=test.correct / test.photos,
        published_test_accuracy=published,
        verdict=_verdict(test, published, (*_doubts(evidence, members), PAPER_REDREW)),
        scores=test,
        history=_history(evidence, members),
        redrawn=_redrawn(evidence, members),
    )


def _trial_scores(evidence: Evidence, record: TrialRecord) -> Scores | None:
    if record.validation_accuracy is None:
        return None
    validation = evidence.predictions(record.trial).validation
    return scores(evidence, validation, evidence.test(record.trial))


def _verdict(test: Scores, published: float, reasons: Sequence[str]) -> Verdict:
    return metrics.verdict(
        correct=test.correct, photos=test.photos, published=published, doubts=reasons
    )


def _doubts(evidence: Evidence, members: Sequence[str]) -> tuple[str, ...]:
    """Why the accuracy of an ensemble of these trials cannot be held against the paper's."""
    backbones = [evidence.record(trial).backbone for trial in members]
    reasons = doubts(evidence, backbones)
    if set(backbones) != set(paper.ENSEMBLE_MEMBERS):
        reasons += (f"other members (the paper's: {' and '.join(paper.ENSEMBLE_MEMBERS)})",)
    return reasons


def _history(evidence: Evidence, members: Sequence[str]) -> tuple[EnsembleEpoch, ...]:
    by_epoch = ensemble.by_epoch(
        [evidence.predictions(trial).validation_by_epoch for trial in members]
    )
    labels = evidence.labels("validation")
    return tuple(
        EnsembleEpoch(
            epoch=epoch,
            validation_loss=metrics.cross_entropy(probabilities, labels),
            validation_accuracy=metrics.accuracy(probabilities, labels),
        )
        for epoch, probabilities in enumerate(by_epoch, start=1)
    )


def _redrawn(evidence: Evidence, members: Sequence[str]) -> Redrawn:
    """Score the ensemble as the paper did, on a fresh fifth of all photos.

    All photos are scored alike: by the kept weights in inference mode.
    """
    labels, split = evidence.split.labels, evidence.split
    rows = ensemble.redrawn_rows(len(labels), seed=evidence.run.seed + REDRAW_OFFSET)
    probabilities = ensemble.mean([_everywhere(evidence, trial) for trial in members])
    correct = int(metrics.right(probabilities[rows], labels[rows]).sum())
    parts = [split.parts[row] for row in rows]
    published = paper.PUBLISHED[paper.ENSEMBLE].test_accuracy
    return Redrawn(
        photos=len(rows),
        correct=correct,
        accuracy=correct / len(rows),
        interval=metrics.wilson(correct, len(rows)),
        per_class=tuple(np.bincount(labels[rows], minlength=len(evidence.classes)).tolist()),
        seen=parts.count("train"),
        chosen_on=parts.count("validation"),
        published_test_accuracy=published,
        verdict=metrics.verdict(
            correct=correct,
            photos=len(rows),
            published=published,
            doubts=_doubts(evidence, members),
        ),
    )


def _everywhere(evidence: Evidence, trial: str) -> Probabilities:
    """A trial's probabilities of all photos, [N, C] in the dataset's order."""
    split = evidence.split
    everywhere = np.empty((len(split.labels), len(evidence.classes)), dtype=np.float32)
    for part in SPLITS:
        everywhere[split.indices(part)] = evidence.probabilities(trial, part)
    return everywhere
