"""Rows about what numerics cost and change: features stored as float16."""

from __future__ import annotations

import statistics
from typing import Any

from tests.benchmarks.row import Row, measured, unmeasured
from tests.benchmarks.rows_commands import REAL_BACKBONE, SMALLEST_REAL_IMAGE, real_or_synthetic
from tests.benchmarks.workplace import Workplace


def half_precision(place: Workplace) -> list[Row]:
    """The same trial from float32 and from float16 features, on real photos where they are."""
    sizes, image = place.sizes, max(SMALLEST_REAL_IMAGE, place.sizes.image)
    spec: dict[str, Any] = {"backbone": REAL_BACKBONE, "image": image, "epochs": sizes.real_epochs}
    dataset, weights, of = real_or_synthetic(place, sizes.half_photos, image)
    # Not a timed row: all cores for the one process.
    spec |= {"dataset": str(dataset), "weights": weights, "cpus": place.cpus * place.concurrent}
    found = place.probe("tests.benchmarks.halved", "halved", spec).document
    whole, half = found["float32"], found["float16"]
    note = (
        f"{of}; {REAL_BACKBONE}, paper's cut, {sizes.half_photos} photos of {image} px, "
        f"{sizes.real_epochs} epochs; validation accuracy {whole['validation']:.4f} from float32 "
        f"and {half['validation']:.4f} from float16 features, test {whole['test']:.4f} and "
        f"{half['test']:.4f} of {found['tested']} photos; largest difference of a probability "
        f"{found['apart']:.2g}, another answer for {found['changed']} of {found['judged']} "
        "validation and test photos"
    )
    stored = f"{half['bytes'] / 1e6:.0f} MB for {whole['bytes'] / 1e6:.0f} MB"
    return [
        measured("float16 accuracy", [half["test"] - whole["test"]], None, note),
        measured("float16 bytes", [half["bytes"] / whole["bytes"]], None, stored),
    ]


def one_by_one(trial_seconds: tuple[float, ...]) -> Row:
    """G3 fused: why it is not built, and what stands in its place."""
    further = statistics.median(trial_seconds[1:] or trial_seconds)
    why = (
        "not built: suggestions are made one at a time from finished trials, so a sweep never "
        "holds twenty head-only points to fuse; one by one, a further head-only trial takes "
        f"{further:.2f} s here (median of G3's)"
    )
    return unmeasured("G3 fused", why)
