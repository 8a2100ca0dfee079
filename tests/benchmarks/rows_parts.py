"""Rows about parts of a trial, measured inside a living process of ours (G0, G2, G4, K, memory)."""

from __future__ import annotations

import statistics
from dataclasses import replace
from typing import Any

from search_spaces.backbones import HEAD, backbone_named
from tests.benchmarks.row import Row, measured
from tests.benchmarks.sizes import BATCH, PHOTOS, SEED
from tests.benchmarks.sweeps import plain
from tests.benchmarks.task import other_cut, paper_points
from tests.benchmarks.workplace import Workplace

_PROBES = "tests.benchmarks.probes"
_SMALLEST_IMAGE = 32  # pixels: of rows where only the number of photos matters


def equal_results(place: Workplace) -> list[Row]:
    """G0: per backbone how far losses are apart, cached, recomputed and by Keras' own training."""
    found: dict[str, dict[str, float]] = {}
    for name in place.sizes.backbones:
        spec = _spec(place, name, PHOTOS, place.sizes.small_image)
        found[name] = place.probe("tests.benchmarks.equality", "equality", spec).document
    asked = ("recomputed", "first", "keras")
    worst = max(one[kind] for one in found.values() for kind in asked)
    words = "; ".join(f"{name} {_apart(one)}" for name, one in found.items())
    note = (
        "relative difference of cached training's losses over two epochs of three steps, to "
        "recomputed training, to the first step of Keras' own `fit` (a float32, "
        "so good to 1e-7), to all its steps, the photos scaled in the network on both "
        "sides, and, beyond the goal, to `fit` on photos that were scaled before the network, "
        "which TensorFlow rounds otherwise where a network scales again, as EfficientNetB0 does; "
        "as a measure of how rounding grows, last, of Keras to itself with the photos' last bits "
        f"moved at random: {words}"
    )
    return [measured("G0", [worst], worst <= 1e-5, note)]


def _apart(one: dict[str, float]) -> str:
    kinds = ("recomputed", "first", "keras", "outside", "control")
    return ", ".join("identical" if one[kind] == 0 else f"{one[kind]:.0e}" for kind in kinds)


def further_trials(place: Workplace) -> list[Row]:
    """G2: what a further trial costs besides its steady epochs, and what a plain trial does."""
    sizes, ours, theirs = place.sizes, [], []
    entry = backbone_named(sizes.backbone)
    points = paper_points((entry.name,), 1, _sized(place))
    other = {name: replace(one, unfreeze=other_cut(entry)) for name, one in points.items()}
    dataset = place.dataset(PHOTOS, sizes.image)
    for _ in range(max(1, sizes.repeats - 1)):
        spec = {**_spec(place, entry.name, PHOTOS, sizes.image), "repeats": sizes.repeats}
        ours.append(place.probe(_PROBES, "fixed", spec).document)
        parts = plain(place, other, dataset).parts
        theirs.append(parts["import"] + parts["build"] + parts["tracing"])
    known = [pair for one in ours for pair in one["known"]]
    optimizer = [pair for one in ours for pair in one["optimizer"]]
    cut = [pair for one in ours for pair in one["cut"]]
    seconds, traces = [pair[0] for pair in known], max(pair[1] for pair in known)
    fixed = statistics.median(theirs)
    shares = [pair[0] / fixed for pair in cut]
    ends = f"{entry.name}, {sizes.image} px; seconds to the first epoch's end less a steady epoch"
    return [
        measured(
            "G2 known",
            seconds,
            statistics.median(seconds) <= 0.7 and traces == 0,
            f"{ends}; traces made: {traces}; plain's fixed cost {fixed:.1f} s",
        ),
        measured(
            "G2 optimizer",
            [pair[0] for pair in optimizer],
            None,
            f"traces made: {max(pair[1] for pair in optimizer)}, of the update alone",
        ),
        measured(
            "G2 cut",
            shares,
            statistics.median(shares) <= 0.5,
            f"ours {statistics.median(pair[0] for pair in cut):.1f} s, {cut[0][1]} traces; "
            f"plain {fixed:.1f} s of import, build and tracing",
        ),
    ]


def cached_rows(place: Workplace) -> list[Row]:
    """G4: a cached row against decoding its photo; a cached batch against the step that eats it."""
    sizes = place.sizes
    spec = _spec(place, sizes.backbone, PHOTOS, sizes.image)
    found = [place.probe(_PROBES, "reading", spec).document for _ in range(sizes.repeats)]
    faster = [one["photo"] / one["row"] for one in found]
    shares = [one["batch"] / one["step"] for one in found]
    one = found[-1]
    note = (
        f"{sizes.backbone} at the paper's cut, {one['row_bytes'] / 1024:.0f} KB a row; "
        f"decoding {one['photo'] * 1e3:.2f} ms, fetching {one['row'] * 1e3:.4f} ms"
    )
    step = f"batch {one['batch'] * 1e3:.2f} ms, step {one['step'] * 1e3:.0f} ms"
    return [
        measured("G4 fetch", faster, statistics.median(faster) >= 25, note),
        measured("G4 share", shares, statistics.median(shares) <= 0.01, step),
    ]


def many_at_once(place: Workplace) -> list[Row]:
    """loop: epochs of a head on stored features, all on the device against one batch a call."""
    sizes = place.sizes
    spec = _spec(place, sizes.backbone, PHOTOS, sizes.small_image)
    spec |= {"photos": sizes.head_photos, "epochs": sizes.head_epochs, "repeats": sizes.repeats}
    found = place.probe("tests.benchmarks.at_once", "at_once", spec).document
    pairs = zip(found["one by one"], found["on the device"], strict=True)
    ratios = [step / epoch for step, epoch in pairs]
    ways = ("one by one", "at once", "on the device")
    one, many, placed = (statistics.median(found[way]) * 1000 for way in ways)
    note = (
        f"{sizes.backbone}, {sizes.head_photos} photos, steady epochs of training and validation: "
        f"{one:.1f} ms one batch a call, {many:.1f} ms many, "
        f"{placed:.1f} ms on the device; losses {'equal' if found['equal'] else 'DIFFER'}"
    )
    met = statistics.median(ratios) >= 4 and bool(found["equal"])
    return [measured("loop", ratios, met, note)]


def cuts_in_one_pass(place: Workplace) -> list[Row]:
    """K: the frozen pass that stores every cut of a backbone over the one that stores the last."""
    sizes = place.sizes
    spec = {**_spec(place, sizes.backbone, PHOTOS, sizes.image), "repeats": sizes.repeats}
    seconds = place.probe(_PROBES, "cuts", spec).document
    ratios = [many / one for many, one in zip(seconds["all"], seconds["deepest"], strict=True)]
    note = (
        f"{sizes.backbone}, {len(backbone_named(sizes.backbone).points)} cuts, {PHOTOS} photos, "
        f"tracing and writing included; deepest alone {statistics.median(seconds['deepest']):.1f} s"
    )
    return [measured("K", ratios, statistics.median(ratios) <= 1.15, note)]


def memory_of_photos(place: Workplace) -> list[Row]:
    """Heap of a process that trains a head on few and on many photos; mapped files do not count."""
    sizes = place.sizes
    few, many = (
        float(
            place.probe(_PROBES, "heap", _spec(place, sizes.light, rows, _SMALLEST_IMAGE)).document
        )
        for rows in sizes.rows
    )
    note = (
        f"{sizes.light}, {_SMALLEST_IMAGE} px, {sizes.rows[0]:,} and {sizes.rows[1]:,} photos: "
        f"{few:.0f} and {many:.0f} MB"
    )
    return [measured("memory rows", [many / few], many / few <= 1.1, note)]


def memory_of_trials(place: Workplace) -> list[Row]:
    """How much a process grows per trial once the first third of its trials is over."""
    entry = backbone_named(place.sizes.tiny)
    rows = []
    for name, cut, trials in zip(
        ("memory head", "memory paper"),
        (HEAD, entry.baseline_unfreeze),
        place.sizes.growth,
        strict=True,
    ):
        spec = _spec(place, entry.name, PHOTOS, _SMALLEST_IMAGE)
        after = place.probe(_PROBES, "growth", {**spec, "unfreeze": cut, "trials": trials}).document
        early = trials // 3
        growth = (after[-1] - after[early]) / (trials - 1 - early)
        note = (
            f"{entry.name}, {trials} trials; {after[0]:.0f} MB after the first, "
            f"{after[-1]:.0f} MB after the last"
        )
        rows.append(measured(name, [growth], growth < 5, note))
    return rows


def _spec(place: Workplace, backbone: str, photos: int, image: int) -> dict[str, Any]:
    dataset = str(place.dataset(photos, image))
    return {"dataset": dataset, "backbone": backbone, "image": image, "cpus": place.cpus}


def _sized(place: Workplace) -> dict[str, int]:
    return {"epochs": 2, "batch_size": BATCH, "image_size": place.sizes.image, "seed": SEED}
