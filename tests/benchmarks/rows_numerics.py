"""Rows about what numerics cost and change: features stored as float16, and oneDNN."""

from __future__ import annotations

import statistics
from typing import Any

from results.ledger.store import RunFolder
from tests.benchmarks.row import Row, measured, unmeasured
from tests.benchmarks.rows_commands import REAL_BACKBONE, SMALLEST_REAL_IMAGE, real_or_synthetic
from tests.benchmarks.sizes import SEED
from tests.benchmarks.workplace import Workplace

_PHOTOS_TO_PREPARE = 40
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


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


def onednn(place: Workplace) -> list[Row]:
    """What a run without the variable measures and chooses, read from its `run.json`.

    The run is ended as soon as that is written: nothing is trained before it.
    """
    sizes, folder = place.sizes, place.folder("onednn")
    run = RunFolder(folder / "run")
    words = ["run_sweep.py", "--backbones", ",".join(sizes.backbones), "--baseline-only"]
    words += ["--data", str(place.dataset(_PHOTOS_TO_PREPARE, sizes.image)), "--weights", "random"]
    words += ["--image-size", str(sizes.image), "--epochs", "1", "--seed", str(SEED)]
    words += ["--max-concurrent", str(place.concurrent), "--cpus-per-trial", str(place.cpus)]
    words += ["--cache-dir", str(folder / "cache"), "--run-dir", str(run.root)]
    seconds = place.time(words, name="onednn", unset=(ONEDNN,), until=run.run_json)
    settings = run.read_run().settings
    if "onednn" not in settings:
        return [unmeasured("oneDNN", "not built")]
    by_setting = settings.get("onednn_seconds") or {}
    if not {"0", "1"} <= set(by_setting):
        return [unmeasured("oneDNN", f"a run chose {settings['onednn']} without measuring")]
    without, with_it = float(by_setting["0"]), float(by_setting["1"])
    note = (
        f"{len(sizes.backbones)} backbones, {sizes.image} px; all their layers forward "
        f"{without * 1e3:.1f} ms a photo without, {with_it * 1e3:.1f} ms with it; a run without "
        f"the variable chooses {ONEDNN}={settings['onednn']}, {seconds:.0f} s after its start, "
        "once per machine"
    )
    return [measured("oneDNN", [without / with_it], None, note)]


def one_by_one(trial_seconds: tuple[float, ...]) -> Row:
    """G3 fused: why it is not built, and what stands in its place."""
    further = statistics.median(trial_seconds[1:] or trial_seconds)
    why = (
        "not built: suggestions are made one at a time from finished trials, so a sweep never "
        "holds twenty head-only points to fuse; one by one, a further head-only trial takes "
        f"{further:.2f} s here (median of G3's)"
    )
    return unmeasured("G3 fused", why)
