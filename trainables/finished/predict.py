"""What a run's model says of new photos: `python -m trainables predict RUN PHOTO|FOLDER...`

The model that validation recommends answers, or the one that is asked for. Photos are decoded by
the decoder that training used. A file that is no photo is skipped, with the reason.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from results.ledger.store import RunFolder
from results.scores.method_types import ENSEMBLE
from results.scores.summary import read_summary
from search_spaces.refusals import DataRefusal, UsageRefusal
from trainables.photos.decoding import SUFFIXES, Pixels, Undecodable, decode
from trainables.photos.listing import safe_name

BATCH = 32


@dataclass(frozen=True)
class Answer:
    """A photo's most probable class and the probability of every class, in the classes' order."""

    file: Path
    predicted: str
    probabilities: tuple[float, ...]

    @property
    def probability(self) -> float:
        return max(self.probabilities)

    @property
    def name(self) -> str:
        """The file as any writer accepts it."""
        return safe_name(str(self.file))

    def __str__(self) -> str:
        return f"{self.name}\t{self.predicted}\t{self.probability:.4f}"


@dataclass(frozen=True)
class Skipped:
    """A file that cannot be decoded, and why."""

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"skipped: {safe_name(str(self.file))}: {safe_name(self.reason)}"


def answering(folder: RunFolder, asked: str | None = None) -> tuple[str, ...]:
    """The trials whose average answers: those of the recommended model, or of the one asked for.

    Args:
        asked: a trial's name, or `ensemble`.

    Raises:
        Refusal: the run has no report yet, no trial with scores, or no ensemble.
    """
    if asked is not None and asked != ENSEMBLE:
        return (asked,)
    summary = read_summary(folder)
    if not summary.recommended:
        raise DataRefusal("no trial of this run has weights", where=str(folder.root))
    if asked is None:
        return summary.recommended_trials
    if summary.ensemble is None:
        raise UsageRefusal(
            "this run has no ensemble: it takes two backbones that have scores",
            where="--trial",
            fix="Leave --trial out, or name a trial.",
        )
    return summary.ensemble.members


def photo_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, and every photo below the folders named, sorted.

    Raises:
        DataRefusal: a path does not exist, or there is no photo at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            files += sorted(file for file in below if file.is_file())
        elif path.is_file():
            files.append(path)
        else:
            raise DataRefusal("there is no such photo or folder", where=safe_name(str(path)))
    if not files:
        where = ", ".join(safe_name(str(path)) for path in paths)
        raise DataRefusal("there are no photos", where=where)
    return files


def predict(
    model: Any, files: Sequence[Path], classes: tuple[str, ...], *, size: int
) -> Iterator[Answer | Skipped]:
    """Answer for each file, in order, `BATCH` photos at a time.

    Args:
        model: [N, S, S, 3] uint8 in, [N, C] probabilities out.
        size: S, pixels.
    """
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        outcomes = [_decoded(file, size) for file in batch]
        photos = [photo for photo in outcomes if isinstance(photo, np.ndarray)]
        rows = iter(model.predict_on_batch(np.stack(photos)) if photos else ())  # [N, C] float32
        for file, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Skipped):
                yield outcome
            else:
                row = next(rows)
                yield Answer(file, classes[int(row.argmax())], tuple(map(float, row)))


def _decoded(file: Path, size: int) -> Pixels | Skipped:
    try:
        return decode(file.read_bytes(), size)
    except (Undecodable, OSError) as fault:
        return Skipped(file, str(fault))


def as_csv(answers: Sequence[Answer], classes: tuple[str, ...]) -> str:
    """Every class's probability per photo, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "class", "probability", *classes])
    for answer in answers:
        numbers = [f"{value:.6f}" for value in (answer.probability, *answer.probabilities)]
        writer.writerow([answer.name, answer.predicted, *numbers])
    return text.getvalue()
