"""Rows about whole sweeps: ours against the plain script, end to end (G1, G1b, G3, G5, G6, G7)."""

from __future__ import annotations

import dataclasses
import statistics
from pathlib import Path

from tests.benchmarks.row import MISSED, Row, measured
from tests.benchmarks.rows_commands import (
    REAL_BACKBONE,
    SMALLEST_REAL_IMAGE,
    real_or_synthetic,
)
from tests.benchmarks.rows_numerics import one_by_one
from tests.benchmarks.sizes import BATCH, SEED, USERS_EPOCHS, USERS_PHOTOS
from tests.benchmarks.sweeps import Side, at_users_size, by_turns, ours, plain, spread_over_depths
from tests.benchmarks.task import Points, Sized, default_points, head_points, paper_points
from tests.benchmarks.workplace import Workplace

_PROBES = "tests.benchmarks.probes"
_MEASURED_EPOCHS = 3


def papers_cuts(place: Workplace) -> list[Row]:
    """G1: the paper's cuts, several learning rates per backbone, plain and ours by turns."""
    pairs = _paper_pairs(place)
    sizes = place.sizes
    note = _sizes_in_words(place, len(_paper_points(place)), sizes.photos, sizes.epochs)
    return [_ratio_row("G1", pairs, place, sizes.photos, sizes.epochs, 3.5, note)]


def default_space(place: Workplace) -> list[Row]:
    """G1b: what the default space suggests, head-only to deep; plain on a share of it."""
    sizes, epochs = place.sizes, place.sizes.searched_epochs
    points = default_points(sizes.backbones, sizes.searched_trials, _sized(place, epochs))
    dataset = place.dataset(sizes.photos, sizes.image)
    share = spread_over_depths(points, sizes.plain_share)
    pairs = by_turns(
        lambda: plain(place, share, dataset, stand_for=len(points)),
        lambda: ours(place, points, dataset),
        sizes.sweep_repeats,
    )
    note = _sizes_in_words(place, len(points), sizes.photos, epochs)
    return [_ratio_row("G1b", pairs, place, sizes.photos, epochs, 6.0, note)]


def head_only(place: Workplace) -> list[Row]:
    """G3: many head-only trials of one backbone; plain on a few of them, for a few epochs."""
    sizes = place.sizes
    points = head_points(sizes.backbone, sizes.head_trials, _sized(place, sizes.head_epochs))
    dataset = place.dataset(sizes.head_photos, sizes.image)
    few = dict(list(points.items())[: sizes.head_measured])
    pairs = by_turns(
        lambda: plain(place, few, dataset, epochs=_MEASURED_EPOCHS, stand_for=len(points)),
        lambda: ours(place, points, dataset),
        sizes.sweep_repeats,
    )
    theirs, mine = pairs[-1]
    further = statistics.median(theirs.trial_seconds) / statistics.median(mine.trial_seconds)
    note = (
        f"{_sizes_in_words(place, len(points), sizes.head_photos, sizes.head_epochs)}; "
        f"cold cache; a further trial alone {further:.0f} x"
    )
    row = _ratio_row("G3", pairs, place, sizes.head_photos, sizes.head_epochs, 100, note)
    return [row, one_by_one(mine.trial_seconds)]


def lower_bound(place: Workplace) -> list[Row]:
    """G5: seconds of the sweep of G1 over its distinct frozen passes and its suffix steps.

    The frozen passes at the speed that one process has alone, the steps at the speed of the sweep's
    own steady epochs; both divided by how many trials run at a time.
    """
    pairs, sizes = _paper_pairs(place), place.sizes
    per_photo = sum(_frozen_rate(place, name) for name in sizes.backbones)
    values = [
        mine.seconds * place.concurrent / (per_photo * sizes.photos + mine.parts["steps"])
        for _, mine in pairs
    ]
    note = f"frozen layers of all backbones {per_photo * 1000:.0f} ms a photo, one pass each"
    profiles = {"ours": pairs[-1][1].parts}
    return [measured("G5", values, statistics.median(values) <= 1.3, note, profiles)]


def early_stopping(place: Workplace) -> list[Row]:
    """G6: ours with early stopping against plain without, on one backbone's default list.

    Both sides' best validation accuracy is measured; below plain's, ours has missed the goal
    however fast it was.
    """
    sizes, image = place.sizes, max(SMALLEST_REAL_IMAGE, place.sizes.stopping_image)
    photos, epochs = sizes.stopping_photos, sizes.stopping_epochs
    sized = {**_sized(place, epochs), "image_size": image}
    points = default_points((REAL_BACKBONE,), sizes.stopping_trials, sized)
    dataset, weights, of = real_or_synthetic(place, photos, image)
    pairs = by_turns(
        lambda: plain(place, points, dataset, weights=weights),
        lambda: ours(place, points, dataset, weights=weights, early_stopping=True),
        sizes.sweep_repeats,
    )
    theirs, mine = pairs[-1]
    note = (
        f"{REAL_BACKBONE}, {of}; {_in_words(len(points), photos, image, epochs)}; ours stopped "
        f"{mine.stopped} of {len(points)} trials early and trained {mine.epochs} of "
        f"{len(points) * epochs} epochs; best validation accuracy, of {photos // 5} photos, plain "
        f"{theirs.best:.3f}, ours {mine.best:.3f}"
    )
    row = _ratio_row("G6", pairs, place, photos, epochs, 12, note)
    as_good = all(mine.best >= theirs.best for theirs, mine in pairs)
    return [row if as_good else dataclasses.replace(row, verdict=MISSED)]


def second_run(place: Workplace) -> list[Row]:
    """G7 and the first finished trial: one trial, then again as new runs on the warm cache."""
    sizes, cache = place.sizes, place.folder("cache")
    points = paper_points((sizes.backbone,), 1, _sized(place, 2))
    dataset = place.dataset(sizes.photos, sizes.image)
    cold = ours(place, points, dataset, cache=cache)
    warm = [ours(place, points, dataset, cache=cache) for _ in range(sizes.repeats)]
    pushed, firsts = [one.photos_prefix for one in warm], [one.first_trial for one in warm]
    note = f"{sizes.backbone}, {sizes.photos} photos"
    return [
        measured("G7", pushed, max(pushed) == 0, f"{note}; the first run {cold.photos_prefix}"),
        measured(
            "first",
            firsts,
            statistics.median(firsts) < 20,
            f"{note}, two epochs; from the process' start; cold {cold.first_trial:.1f} s",
            {"ours": warm[-1].parts},
        ),
    ]


def _paper_points(place: Workplace) -> Points:
    sizes = place.sizes
    return paper_points(sizes.backbones, sizes.paper_trials, _sized(place, sizes.epochs))


def _paper_pairs(place: Workplace) -> list[tuple[Side, Side]]:
    """Plain and ours by turns on the paper's cuts; measured once, read by two rows."""
    if "paper" not in place.kept:
        points, sizes = _paper_points(place), place.sizes
        dataset = place.dataset(sizes.photos, sizes.image)
        place.kept["paper"] = by_turns(
            lambda: plain(place, points, dataset),
            lambda: ours(place, points, dataset),
            sizes.sweep_repeats,
        )
    pairs: list[tuple[Side, Side]] = place.kept["paper"]
    return pairs


def _frozen_rate(place: Workplace, backbone: str) -> float:
    sizes = place.sizes
    spec = {"backbone": backbone, "image": sizes.image, "cpus": place.cpus}
    dataset: Path = place.dataset(sizes.photos, sizes.image)
    return float(place.probe(_PROBES, "rates", {**spec, "dataset": str(dataset)}).document)


def _ratio_row(
    name: str,
    pairs: list[tuple[Side, Side]],
    place: Workplace,
    photos: int,
    epochs: int,
    goal: float,
    note: str,
) -> Row:
    """Plain's seconds over ours, both sides' parts, and the ratio at the user's size if larger."""
    ratios = [theirs.seconds / mine.seconds for theirs, mine in pairs]
    theirs, mine = pairs[-1]
    words = [f"{note}; plain {theirs.seconds:.0f} s, ours {mine.seconds:.0f} s"]
    if theirs.extrapolated:
        words.append(theirs.extrapolated)
    if (photos, epochs) != (USERS_PHOTOS, USERS_EPOCHS):
        large = [at_users_size(side, place, photos=photos, epochs=epochs) for side in pairs[-1]]
        words.append(
            f"computed from these parts for {USERS_PHOTOS:,} photos and {USERS_EPOCHS} epochs: "
            f"{large[0] / large[1]:.1f} x"
        )
    profiles = {"plain": theirs.parts, "ours": mine.parts}
    return measured(name, ratios, statistics.median(ratios) >= goal, "; ".join(words), profiles)


def _sizes_in_words(place: Workplace, trials: int, photos: int, epochs: int) -> str:
    return _in_words(trials, photos, place.sizes.image, epochs)


def _in_words(trials: int, photos: int, image: int, epochs: int) -> str:
    return f"{trials} trials, {photos} photos of {image} px, {epochs} epochs"


def _sized(place: Workplace, epochs: int) -> Sized:
    return {
        "epochs": epochs,
        "batch_size": BATCH,
        "image_size": place.sizes.image,
        "seed": SEED,
    }
