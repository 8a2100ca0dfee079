"""Decodes labelled photos and writes those that can be trusted as a dataset file.

Pixels wait in a scratch file, since only the last photo tells how many rows there will be.

Left out, each with its reason in `DataRecord.rejected`:

- photos that cannot be decoded (more than 5 % of them: the whole source is refused);
- photos that look the same under two labels: which label is true cannot be known, so all go;
- where the split is given, a photo that another split also has: the copy in test/ stays, then the
  one in validation/, so that no photo is both trained on and tested on.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from results.ledger.files import disk_faults_named, free_megabytes
from results.ledger.runs import SPLITS, DataRecord, Rejected
from search_spaces.refusals import DataRefusal, EnvironmentRefusal
from trainables.photos.dataset import Row, write_dataset
from trainables.photos.decoding import Pixels, Undecodable, decode_all
from trainables.photos.labels import MINIMUM_PER_CLASS, LabelledPhoto, LabelledPhotos, counts_line
from trainables.progress import Progress, quiet

MAX_UNDECODABLE = 0.05
"""Fraction of undecodable photos above which the whole source is suspect."""

_SPARE = 1.1
"""Candidates per photo of a quota, so that a few can be left out."""

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Quota:
    """Take `per_class` photos of each class, chosen by `seed`."""

    per_class: int
    seed: int


def import_photos(
    path: Path,
    labelled: LabelledPhotos,
    *,
    image_size: int,
    name: str,
    source: str,
    quota: Quota | None = None,
    progress: Progress = quiet,
) -> None:
    """Decode labelled photos and write them to `path` as a dataset file.

    Args:
        image_size: S, pixels.
        name, source: `DataRecord.name` and `DataRecord.source`.
        quota: how many photos to take, or None for all.
        progress: called after every photo.

    Raises:
        DataRefusal: too many photos cannot be decoded, too few of a class are left, or a file
            changed meanwhile.
        EnvironmentRefusal: the disk is full, broken or read-only.
    """
    candidates = labelled.photos
    ranks: dict[str, int] = {}
    if quota:
        ranks = _ranks(labelled, quota)
        most = int(quota.per_class * _SPARE)
        candidates = tuple(photo for photo in candidates if ranks[photo.file] < most)
    _refuse_small_disk(path, len(candidates), image_size)
    with disk_faults_named(path), _scratch_file(path.parent) as scratch:
        decoded, undecodable = _decode_into(scratch, candidates, image_size, progress)
        _refuse_bad_photos(undecodable, len(candidates), source)
        excluded, conflicts = _excluded(decoded)
        order = _selected(decoded, excluded, ranks, quota)
        rows = [decoded[number] for number in order]
        _refuse_small_classes(rows, labelled.classes, source, quota)
        record = DataRecord(
            name=name,
            source=source,
            digest="",
            classes=labelled.classes,
            image_size=image_size,
            photos=len(rows),
            ignored=labelled.ignored,
            rejected=(*labelled.rejected, *undecodable, *excluded.values()),
            duplicates=duplicates(rows),
            conflicts=conflicts,
        )
        pixels = _pixels_of(scratch, order, image_size)
        write_dataset(path, record=record, rows=rows, pixels=pixels)


@contextmanager
def _scratch_file(folder: Path) -> Iterator[IO[bytes]]:
    """A file without a name: it is gone even if this process is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as scratch:
        yield scratch


def _decode_into(
    scratch: IO[bytes], photos: Sequence[LabelledPhoto], size: int, progress: Progress
) -> tuple[list[Row], list[Rejected]]:
    """Append the pixels of every decodable photo; return their rows, and the other photos."""
    rows: list[Row] = []
    undecodable: list[Rejected] = []
    with closing(decode_all([photo.read for photo in photos], size)) as outcomes:
        for number, (photo, outcome) in enumerate(zip(photos, outcomes, strict=True), start=1):
            if isinstance(outcome, Undecodable):
                undecodable.append(Rejected(photo.file, str(outcome)))
            else:
                digest = hashlib.sha256(outcome.pixels.data).hexdigest()
                rows.append(Row(photo.file, photo.label, photo.part, outcome.sha256, digest))
                scratch.write(outcome.pixels.data)
            progress("reading photos", number, len(photos))
    scratch.flush()
    return rows, undecodable


def _pixels_of(scratch: IO[bytes], order: Sequence[int], size: int) -> Iterator[Pixels]:
    length = size * size * 3
    for number in order:
        scratch.seek(number * length)
        yield np.frombuffer(scratch.read(length), np.uint8).reshape(size, size, 3)


def duplicates(rows: Sequence[Row]) -> int:
    """How many rows have a file content that occurs more than once."""
    counts = Counter(row.sha256 for row in rows)
    return sum(count for count in counts.values() if count > 1)


def _ranks(labelled: LabelledPhotos, quota: Quota) -> dict[str, int]:
    """Each file's place in its class, shuffled by the quota's seed."""
    ranks: dict[str, int] = {}
    by_label: list[list[str]] = [[] for _ in labelled.classes]
    for photo in labelled.photos:
        by_label[photo.label].append(photo.file)
    for label, files in enumerate(by_label):
        places = np.random.default_rng([quota.seed, label]).permutation(len(files))
        ranks.update(zip(files, places.tolist(), strict=True))
    return ranks


def _selected(
    rows: list[Row], excluded: dict[str, Rejected], ranks: dict[str, int], quota: Quota | None
) -> list[int]:
    """Positions of the rows to keep, ascending."""
    kept = [number for number, row in enumerate(rows) if row.file not in excluded]
    if quota is None:
        return kept
    chosen: list[int] = []
    for label in {row.label for row in rows}:
        of_class = [number for number in kept if rows[number].label == label]
        chosen += sorted(of_class, key=lambda number: ranks[rows[number].file])[: quota.per_class]
    return sorted(chosen)


def _excluded(rows: Sequence[Row]) -> tuple[dict[str, Rejected], tuple[str, ...]]:
    """Photos to leave out because of another one, by file, and the conflicts as text."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.pixel_sha256, []).append(row)
    excluded: dict[str, Rejected] = {}
    conflicts: list[str] = []
    for group in groups.values():
        kept = max(group, key=lambda row: SPLITS.index(row.part or SPLITS[0]))
        others = [row for row in group if row.part != kept.part]  # none if no split is given
        why = f"the same photo as {kept.file}"
        if len({row.label for row in group}) > 1:
            conflicts.append(" = ".join(row.file for row in group))
            others = group
            why = f"the same photo under two labels: {group[0].file} and {group[-1].file}"
        excluded |= {row.file: Rejected(row.file, why) for row in others}
    return excluded, tuple(conflicts)


def _refuse_small_disk(path: Path, photos: int, size: int) -> None:
    # Twice: once in the scratch file, once in the dataset.
    needed = 2 * photos * size * size * 3 // _MEGABYTE
    free = free_megabytes(path)
    if needed > free:
        raise EnvironmentRefusal(
            f"the disk is too full for the dataset: needs about {needed} MB, {free} MB free",
            where=str(path.parent),
            fix="Make room, or choose another folder with --cache-dir.",
        )


def _refuse_bad_photos(undecodable: Sequence[Rejected], total: int, source: str) -> None:
    if len(undecodable) <= MAX_UNDECODABLE * total:
        return
    first = "; ".join(f"{photo.file}: {photo.why}" for photo in undecodable[:3])
    raise DataRefusal(
        f"{len(undecodable)} of {total} photos cannot be used, more than "
        f"{MAX_UNDECODABLE:.0%}: {first}",
        where=source,
        fix="Remove or replace them.",
    )


def _refuse_small_classes(
    rows: Sequence[Row], classes: Sequence[str], source: str, quota: Quota | None
) -> None:
    for part in dict.fromkeys(row.part for row in rows) or (None,):
        photos = Counter(row.label for row in rows if row.part == part)
        counts = {name: photos[label] for label, name in enumerate(classes)}
        minimum = quota.per_class if quota else 1 if part else MINIMUM_PER_CLASS
        if min(counts.values()) < minimum:
            place = f" of {part}/" if part else ""
            raise DataRefusal(
                f"each class{place} needs {minimum} usable photos, got {counts_line(counts)}",
                where=source,
                fix="Add photos, or leave the class out.",
            )
