"""Ensembles as pure functions: no files, no models, and every tie broken in the open.

M members, N photos, C classes. An ensemble answers with the mean of its members' probabilities.
Validation chooses; the one function that looks at test scores is the paper's rule and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from results.ledger.arrays import Probabilities
from results.ledger.records import TrialRecord
from results.scores.metrics import Labels, accuracy, cross_entropy

GREEDY_ROUNDS = 20


def mean(members: Sequence[Probabilities]) -> Probabilities:
    """Mean over M arrays [N, C] with the same shape.

    Raises:
        ValueError: there is no member, or the shapes differ.
    """
    if not members or len({member.shape for member in members}) != 1:
        raise ValueError(f"members of one shape are needed, got {[m.shape for m in members]}")
    return np.asarray(np.mean(np.stack(members), axis=0, dtype=np.float64), dtype=np.float32)


def best_two(trials: Iterable[TrialRecord]) -> tuple[str, ...]:
    """The names of the best two trials of different backbones by validation, best first.

    Equal ones of different backbones keep their order. Fewer than two backbones give no ensemble:
    an empty tuple.

    Args:
        trials: with scores.
    """
    return _first_two(sorted(trials, key=lambda trial: trial.rank))


def best_two_by_test(
    trials: Iterable[TrialRecord], test_accuracy: Mapping[str, float]
) -> tuple[str, ...]:
    """The paper's rule, shown for comparison only: the best two by *test* accuracy.

    A score got this way is biased upwards, because the photos that choose are those that judge.

    Args:
        trials: with scores.
        test_accuracy: by trial; equal ones are ordered as by `best_two`.
    """
    by_test = sorted(trials, key=lambda trial: (-test_accuracy[trial.trial], *trial.rank))
    return _first_two(by_test)


def greedy(
    library: Sequence[Probabilities],
    labels: Labels,
    *,
    rounds: int = GREEDY_ROUNDS,
    score: Callable[[Probabilities, Labels], float] = accuracy,
) -> tuple[int, ...]:
    """Greedy selection with replacement on validation (Caruana et al. 2004).

    Each round adds the member with which the mean scores best: higher score, then lower
    cross-entropy, then lower index. The result is the best of the ensembles after each round, by
    the same order and then the shortest, so it never scores below the best single member.

    Args:
        library: M arrays [N, C] of validation probabilities.
        labels: [N].
        rounds: the most members there may be, repeats included; at least 1.
        score: of probabilities, higher is better.

    Returns:
        Indices into `library` in the order of their choice; repeats are weights.

    Raises:
        ValueError: the library is empty or `rounds` is below 1.
    """
    if not library or rounds < 1:
        raise ValueError(f"a member and a round are needed, got {len(library)} and {rounds}")
    chosen: list[int] = []
    total = np.zeros(library[0].shape, dtype=np.float64)
    scores: list[tuple[float, float, int]] = []
    for size in range(1, rounds + 1):
        *keys, index = min(
            (*_keys((total + member) / size, labels, score), index)
            for index, member in enumerate(library)
        )
        chosen.append(index)
        total += library[index]
        scores.append((keys[0], keys[1], size))
    return tuple(chosen[: min(scores)[2]])


def by_epoch(members: Sequence[Probabilities]) -> Probabilities:
    """Average members epoch by epoch; a member with fewer epochs holds its last.

    Args:
        members: arrays [E_m, N, C].

    Returns:
        [E, N, C] with E the longest.
    """
    longest = max(len(member) for member in members)
    epochs = np.arange(longest)
    return mean([member[np.minimum(epochs, len(member) - 1)] for member in members])


def redrawn_rows(photos: int, *, seed: int) -> NDArray[np.int64]:
    """Rows of a fresh random fifth of all photos, ascending: the paper's mistaken test set.

    Like the paper's it is not stratified and ignores which photos the members were trained on.
    """
    drawn = np.random.default_rng(seed).permutation(photos)[: max(1, round(photos / 5))]
    return np.sort(drawn).astype(np.int64)


def _first_two(ordered: Iterable[TrialRecord]) -> tuple[str, ...]:
    first_of: dict[str, str] = {}
    for record in ordered:
        first_of.setdefault(record.backbone, record.trial)
    return tuple(first_of.values())[:2] if len(first_of) >= 2 else ()


def _keys(
    probabilities: NDArray[np.float64],
    labels: Labels,
    score: Callable[[Probabilities, Labels], float],
) -> tuple[float, float]:
    """Lower is better, so that `min` chooses and its ties fall to the lower index."""
    narrow = probabilities.astype(np.float32)
    # Rounded, because the same ensemble summed in another order differs in its last digits.
    return -round(score(narrow, labels), 9), round(cross_entropy(narrow, labels), 9)
