"""Rows about the command as its user meets it, and about real photos with real weights."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.benchmarks.row import Row, measured, unmeasured
from tests.benchmarks.sizes import BATCH, SEED
from tests.benchmarks.sweeps import by_turns, ours, plain
from tests.benchmarks.task import paper_points
from tests.benchmarks.workplace import HOME, Workplace

SHARED = HOME.parent / "shared"
REAL_BACKBONE = "Xception"
SMALLEST_REAL_IMAGE = 75
"""Pixels: what every backbone takes, Xception among them."""
_PHOTOS_THAT_ARE_CHANCE = 2


def command(place: Workplace) -> list[Row]:
    """`--help`, and `--plan` once the dataset is decoded."""
    repeats = max(3, place.sizes.repeats)
    helps = [place.time(["run_sweep.py", "--help"], name="help") for _ in range(repeats)]
    cache, words = place.folder("cache"), ["run_sweep.py", "--plan", "--data", "digits"]
    words += ["--weights", "random", "--cache-dir", str(cache)]
    cold = place.time(words, name="plan")
    plans = [place.time(words, name="plan") for _ in range(repeats)]
    return [
        measured("help", helps, statistics.median(helps) < 0.3, "whole process"),
        measured("plan", plans, statistics.median(plans) < 3, f"digits; not cached {cold:.1f} s"),
    ]


def real_photos(place: Workplace) -> list[Row]:
    """Real photos and Xception's real weights at the paper's cut: accuracy of both, and ratio."""
    archive, weights = shared_photos(), SHARED / "weights"
    if archive is None:
        return [unmeasured("real", "no photos and weights in a folder `shared` beside this one")]
    sizes = place.sizes
    image = max(SMALLEST_REAL_IMAGE, sizes.image)
    dataset = decoded(place, archive, image, sizes.real_photos)
    sized = {
        "epochs": sizes.real_epochs,
        "batch_size": BATCH,
        "image_size": image,
        "seed": SEED,
    }
    points = paper_points((REAL_BACKBONE,), sizes.real_trials, sized)
    pairs = by_turns(
        lambda: plain(place, points, dataset, weights=str(weights)),
        lambda: ours(place, points, dataset, weights=str(weights)),
        sizes.sweep_repeats,
    )
    theirs, mine = pairs[-1]
    judged = sizes.real_photos // 5
    met = abs(theirs.best - mine.best) * judged < _PHOTOS_THAT_ARE_CHANCE + 0.5
    note = (
        f"{sizes.real_photos} photos of {image} px, {len(points)} trials, {sizes.real_epochs} "
        f"epochs; best validation accuracy plain {theirs.best:.3f}, ours {mine.best:.3f}, their "
        f"test accuracy {theirs.test:.3f} and {mine.test:.3f}; the same within "
        f"{_PHOTOS_THAT_ARE_CHANCE} of {judged} photos, whose order differs"
    )
    profiles = {"plain": theirs.parts, "ours": mine.parts}
    ratios = [plains.seconds / own.seconds for plains, own in pairs]
    return [measured("real", ratios, met, note, profiles)]


def shared_photos() -> Path | None:
    """The zip of real photos, if it and the real weights are in `shared` beside this folder."""
    archives = sorted((SHARED / "data").glob("*.zip"))
    weights = SHARED / "weights" / f"{REAL_BACKBONE.lower()}_notop.weights.h5"
    return archives[0] if archives and weights.is_file() else None


def real_or_synthetic(place: Workplace, photos: int, image: int) -> tuple[Path, str, str]:
    """A dataset and weights for Xception, real ones where they are, and in words which."""
    archive = shared_photos()
    if archive is None:
        words = "synthetic photos and random weights, for want of real ones, whose accuracy says "
        return place.dataset(photos, image), "random", f"{words}less"
    dataset = decoded(place, archive, image, photos)
    return dataset, str(SHARED / "weights"), "real photos and weights"


def decoded(place: Workplace, archive: Path, image: int, photos: int) -> Path:
    """A seeded part of the photos, half of each class, as a dataset file."""
    from trainables.photos.archives import listed_zip
    from trainables.photos.importing import Quota, import_photos
    from trainables.photos.labels import labelled
    from trainables.progress import quiet

    path = place.root / f"real-{photos}-{image}.h5"
    if path.exists():
        return path
    with listed_zip(archive) as listing:
        import_photos(
            path,
            labelled(listing),
            image_size=image,
            name="real",
            source="real",
            quota=Quota(photos // 2, SEED),
            progress=quiet,
        )
    return path
