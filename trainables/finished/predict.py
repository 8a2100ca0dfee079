"""What a run's model says of new photos: `python -m trainables predict RUN PHOTO|FOLDER|LIST...`

The model that validation recommends answers, or the one that is asked for. Photos are decoded by
the decoder that training used. A file that is no photo is skipped, with the reason. What can be
asked about is in `sources`, how answers are written in `answers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from results.ledger.store import RunFolder
from results.scores.method_types import ENSEMBLE
from results.scores.summary import read_summary
from search_spaces.refusals import DataRefusal, UsageRefusal
from trainables.finished.answers import Answer, Skipped
from trainables.finished.sources import Source, content
from trainables.photos.decoding import Decoded, decode_all

BATCH = 32
BEST = "best"


def answering(folder: RunFolder, asked: str | None = None) -> tuple[str, ...]:
    """The trials whose average answers: those of the recommended model, or of the one asked for.

    Args:
        asked: a trial's name, `ensemble`, or `best`: the best trial so far by validation, which a
            run that goes on or was interrupted has too.

    Raises:
        Refusal: the run has no report yet, no trial with scores, or no ensemble.
    """
    if asked == BEST:
        return (_best_so_far(folder),)
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


def _best_so_far(folder: RunFolder) -> str:
    searched = [record for record in folder.records() if record.has_scores and not record.repeat]
    if not searched:
        raise DataRefusal(
            "no trial of this run has weights yet", where=str(folder.root), fix="Ask again later."
        )
    return min(searched, key=lambda record: record.rank).trial


def predict(
    model: Any, files: Iterable[Source], classes: tuple[str, ...], *, size: int
) -> Iterator[Answer | Skipped]:
    """Answer for each file, in order, `BATCH` photos at a time; no more are held in memory.

    Args:
        model: [N, S, S, 3] uint8 in, [N, C] probabilities out.
        size: S, pixels.
    """
    waiting = iter(files)
    while batch := list(islice(waiting, BATCH)):
        outcomes = list(decode_all([partial(content, file) for file in batch], size))
        photos = [photo.pixels for photo in outcomes if isinstance(photo, Decoded)]
        rows = iter(model.predict_on_batch(np.stack(photos)) if photos else ())  # [N, C] float32
        for file, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Decoded):
                row = next(rows)
                yield Answer(file, classes[int(row.argmax())], tuple(map(float, row)))
            else:
                yield Skipped(file, str(outcome))
