"""Photo files to rows of pixels in a scratch file, several at once, in order.

Photos are read and decoded by a few threads (Pillow works outside Python's lock), a bounded number
at a time: memory stays flat, and the outcome is the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from results.ledger.runs import Rejected
from trainables.photos.dataset_files import Row
from trainables.photos.decoding import Pixels, Undecodable, decode_one, settled_warnings
from trainables.photos.sources import Photo
from trainables.progress import Progress

_WINDOW = 64


@contextmanager
def scratch(folder: Path) -> Iterator[IO[bytes]]:
    """A file without a name: it is gone even if this process is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as raw:
        yield raw


def decode_into(
    raw: IO[bytes], photos: Sequence[Photo], size: int, progress: Progress
) -> tuple[list[Row], list[Rejected]]:
    """Append the pixels of every decodable photo to `raw`; return their rows, and the others."""
    rows: list[Row] = []
    undecodable: list[Rejected] = []
    with closing(_decoded(photos, size)) as outcomes:
        for number, outcome in enumerate(outcomes, start=1):
            if isinstance(outcome, Rejected):
                undecodable.append(outcome)
            else:
                rows.append(outcome[0])
                raw.write(outcome[1].data)
            progress("reading photos", number, len(photos))
    raw.flush()
    return rows, undecodable


def _decoded(
    photos: Sequence[Photo], size: int
) -> Generator[tuple[Row, Pixels] | Rejected, None, None]:
    """Decode in parallel, at most `_WINDOW` photos ahead, and yield in order."""
    with settled_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = deque(pool.submit(_outcome, photo, size) for photo in photos[:_WINDOW])
        for photo in photos[_WINDOW:]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(_outcome, photo, size))
        while waiting:
            yield waiting.popleft().result()


def _outcome(photo: Photo, size: int) -> tuple[Row, Pixels] | Rejected:
    try:
        content = photo.read()
        pixels = decode_one(content, size)
    except Undecodable as fault:
        return Rejected(photo.file, str(fault))
    row = Row(
        file=photo.file,
        label=photo.label,
        part=photo.part,
        sha256=hashlib.sha256(content).hexdigest(),
        pixel_sha256=hashlib.sha256(pixels.data).hexdigest(),
    )
    return row, pixels


def pixels_of(raw: IO[bytes], order: Sequence[int], size: int) -> Iterator[Pixels]:
    length = size * size * 3
    for number in order:
        raw.seek(number * length)
        yield np.frombuffer(raw.read(length), np.uint8).reshape(size, size, 3)
