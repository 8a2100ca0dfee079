"""Two runs side by side, method by method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from results.ledger.run_record import RunRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from results.scores import ensemble, metrics
from results.scores.comparisons import differing
from results.scores.evidence import Evidence, averaged, catalogue_order, read_evidence
from results.scores.method_types import (
    ENSEMBLE,
    ComparedRow,
    ComparedSetting,
    Comparison,
    Side,
)
from search_spaces.settings import FLAGS

_SHOWN = 12
"""Digits of a digest."""


def compare(first: RunFolder, second: RunFolder) -> Comparison:
    """Hold each backbone's baseline and best, and the ensembles, of two runs side by side.

    Raises:
        UsageRefusal: a folder holds no run.
        EnvironmentRefusal: a file of a run is missing or damaged.
    """
    left, right = read_evidence(first), read_evidence(second)
    paired = same_split(left, right)
    methods = [
        (f"{backbone} {role}", _members(left, backbone, role), _members(right, backbone, role))
        for backbone in sorted({*left.backbones, *right.backbones}, key=catalogue_order)
        for role in ("baseline", "best")
    ]
    methods.append(
        (ENSEMBLE, ensemble.best_two(left.winners()), ensemble.best_two(right.winners()))
    )
    return Comparison(
        first=_name(left),
        second=_name(right),
        same_split=paired,
        partial=tuple(_name(run) for run in (left, right) if not run.complete),
        demonstration=tuple(_name(run) for run in (left, right) if run.run.demonstration),
        settings=tuple(_differing_settings(left.run, right.run)),
        rows=tuple(
            _row(left, right, name, ours, theirs, paired)
            for name, ours, theirs in methods
            if ours or theirs
        ),
    )


def same_split(left: Evidence, right: Evidence) -> bool:
    """Whether two runs have the same photos, labels and splits, in the same order."""
    ours, theirs = left.split, right.split
    return left.classes == right.classes and _key(ours) == _key(theirs)


def _key(split: Split) -> tuple[object, ...]:
    return split.files, split.labels.tobytes(), split.sha256, split.parts


def _name(evidence: Evidence) -> str:
    return evidence.folder.root.resolve().name


def _differing_settings(first: RunRecord, second: RunRecord) -> Iterator[ComparedSetting]:
    ours, theirs = _asked(first), _asked(second)
    for name in dict.fromkeys((*ours, *theirs)):
        if ours.get(name) != theirs.get(name):
            yield ComparedSetting(name, ours.get(name), theirs.get(name))


def _asked(run: RunRecord) -> dict[str, str]:
    """What decides a run's numbers, in words: its settings, photos, weights and libraries."""
    settings = run.settings.to_dict()
    return {
        **{name.replace("_", " "): _in_words(settings[name]) for name in FLAGS},
        **{f"range of {name}": _in_words(within) for name, within in settings["ranges"].items()},
        "planned trials": str(len(run.planned)),
        "photos": f"{run.data.photos}, SHA-256 {run.data.digest[:_SHOWN]}",
        **{
            f"weights of {name}": f"SHA-256 {digest[:_SHOWN]}"
            for name, digest in run.weights_sha256.items()
        },
        **{f"version of {name}": version for name, version in run.versions.items()},
    }


def _in_words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _members(evidence: Evidence, backbone: str, role: str) -> tuple[str, ...]:
    if backbone not in evidence.backbones:
        return ()
    record = evidence.best(backbone) if role == "best" else evidence.baseline(backbone)
    if record is None or record.validation_accuracy is None:
        return ()
    return (record.trial,)


def _row(
    left: Evidence,
    right: Evidence,
    name: str,
    ours: tuple[str, ...],
    theirs: tuple[str, ...],
    paired: bool,
) -> ComparedRow:
    both = bool(ours and theirs)
    return ComparedRow(
        method=name,
        first=_side(left, ours) if ours else None,
        second=_side(right, theirs) if theirs else None,
        differs=_differs(left, right, ours, theirs) if both else ("only in one run",),
        test=metrics.mcnemar(_right(left, ours), _right(right, theirs))
        if both and paired
        else None,
    )


def _side(evidence: Evidence, members: tuple[str, ...]) -> Side:
    labels = {part: evidence.labels(part) for part in ("validation", "test")}
    accuracies = {
        part: metrics.accuracy(averaged(evidence, members, part), labels[part]) for part in labels
    }
    return Side(members, accuracies["validation"], accuracies["test"])


def _right(evidence: Evidence, members: tuple[str, ...]) -> metrics.Correct:
    return metrics.right(averaged(evidence, members, "test"), evidence.labels("test"))


def _differs(
    left: Evidence, right: Evidence, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> tuple[str, ...]:
    """What differs between two methods as trained, be they of one trial or of several."""
    averages = len(ours) > 1
    if averages and ours != theirs:
        return (f"{' + '.join(ours)}, {' + '.join(theirs)}",)
    configs = [
        (left.record(mine).trained, right.record(other).trained)
        for mine, other in zip(ours, theirs, strict=True)
    ]
    return tuple(
        f"{f'{first.backbone} ' * averages}{name.replace('_', ' ')}: "
        f"{getattr(first, name)}, {getattr(second, name)}"
        for first, second in configs
        for name in differing(first, second)
    )
