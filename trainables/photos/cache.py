"""The cache of decoded datasets: `<cache_dir>/datasets/<key>.h5`.

The key covers all that the pixels depend on, so a second call opens the file without decoding
(4,000 photos: milliseconds instead of seconds), and a changed photo, size or decoder makes another
file. A damaged file is written again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import TEMPORARY_PREFIX
from search_spaces.refusals import DataRefusal
from trainables.photos.dataset import SCHEMA, SUFFIX, Dataset, open_dataset
from trainables.photos.decoding import DECODER_VERSION
from trainables.progress import Progress, quiet

_A_DAY = 24 * 3600  # seconds


@dataclass(frozen=True)
class Request:
    """What is wanted of any data source.

    Attributes:
        image_size: S, pixels; photos become [S, S, 3] uint8.
        cache_dir: for decoded datasets, and for downloads.
        seed: chooses the photos of a source that is not taken whole.
        progress: called with photos read and bytes downloaded.
    """

    image_size: int
    cache_dir: Path
    seed: int
    progress: Progress = quiet


@dataclass(frozen=True)
class DataSource:
    """Photos that can be decoded for a `Request`.

    Attributes:
        kind: what sort of source it is.
        identity: all that the pixels depend on besides kind, image size and decoder.
        write: writes the dataset file at the path that it is given.
    """

    kind: str
    identity: tuple[str | int, ...]
    write: Callable[[Path], None]


def cached_dataset(source: DataSource, request: Request) -> Dataset:
    """Open the dataset of `source`, written first where it is missing or damaged.

    Raises:
        Refusal: whatever `source.write` refuses.
    """
    path = _path(source, request)
    if path.exists():
        try:
            return open_dataset(path)
        except DataRefusal:
            request.progress("the cached dataset is damaged, rebuilding", 0, None)
    _remove_leftovers(path.parent)
    source.write(path)
    return open_dataset(path)


def _path(source: DataSource, request: Request) -> Path:
    key = [SCHEMA, DECODER_VERSION, source.kind, request.image_size, *source.identity]
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()
    return request.cache_dir / "datasets" / f"{digest[:32]}{SUFFIX}"


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left; younger files may belong to a living one."""
    for part in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _A_DAY:
                part.unlink()
