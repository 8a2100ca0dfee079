"""From what the user names with `--data` to a decoded dataset, cached.

`prepare` takes a folder of class folders, a folder of split folders, a zip of either, a dataset
file of ours, or a word out of `SOURCES`. Another word is one file, such as `digits`, one entry, and
its name in `settings.DATA_NAMES`.

Photos are recognised by `listing`'s fingerprints, not by content: a copied folder is decoded again.
`DataRecord.digest` is computed while a file is written. Opening checks names, labels and the pixels
of every photo.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from search_spaces.refusals import DataRefusal, UsageRefusal
from trainables.photos import cats_vs_dogs, digits
from trainables.photos.archives import listed_zip
from trainables.photos.cache import DataSource, Request, cached_dataset
from trainables.photos.dataset import Dataset, open_dataset
from trainables.photos.importing import import_photos
from trainables.photos.labels import labelled
from trainables.photos.listing import (
    Listing,
    file_fingerprint,
    folder_fingerprint,
    list_folder,
    safe_name,
)
from trainables.progress import Progress, quiet

SOURCES: Mapping[str, Callable[[Request], DataSource]] = {
    cats_vs_dogs.NAME: cats_vs_dogs.cats_vs_dogs,
    digits.NAME: digits.digits,
}

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def prepare(
    name: str,
    *,
    image_size: int,
    cache_dir: Path,
    seed: int,
    progress: Progress = quiet,
    sources: Mapping[str, Callable[[Request], DataSource]] = SOURCES,
) -> Dataset:
    """Decode what `name` stands for into the cache, or open it there.

    Args:
        name: a word out of `sources`, or a path; a folder of the same name is `./digits`.
        image_size, cache_dir, seed, progress: see `cache.Request`.

    Raises:
        UsageRefusal: there is nothing of that name.
        DataRefusal: the photos cannot be used; the line says why.
        EnvironmentRefusal: the download or the disk failed.
    """
    request = Request(image_size, cache_dir, seed, progress)
    if name in sources:
        return cached_dataset(sources[name](request), request)
    mode = _mode(name)
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise UsageRefusal(
            f"there are no photos at {safe_name(name)!r}",
            where="--data",
            fix=f"Give a folder, a zip, a dataset file, {' or '.join(sources)}.",
        )
    path = Path(name).expanduser()
    if stat.S_ISREG(mode) and _is_hdf5(path):
        dataset = _open_named(path, image_size)
    else:
        source = _folder if stat.S_ISDIR(mode) else _archive
        dataset = cached_dataset(source(path, name, request), request)
    # A cached dataset may have been written under another name of the same path.
    record = replace(dataset.record, name=_last_part(name), source=safe_name(name))
    return replace(dataset, record=record)


def _mode(name: str) -> int:
    """The type bits of the path, or 0 if there is nothing."""
    try:
        return Path(name).expanduser().stat().st_mode if name.strip() else 0
    except (OSError, ValueError, RuntimeError):
        return 0


def _last_part(name: str) -> str:
    return safe_name(Path(name).expanduser().resolve().name)


def _folder(path: Path, name: str, request: Request) -> DataSource:
    listing = list_folder(path)

    def write(target: Path) -> None:
        _import_listing(target, listing, name, request)

    return DataSource("folder", (folder_fingerprint(path, listing),), write)


def _archive(path: Path, name: str, request: Request) -> DataSource:
    def write(target: Path) -> None:
        with listed_zip(path) as listing:
            _import_listing(target, listing, name, request)

    return DataSource("zip", (file_fingerprint(path),), write)


def _import_listing(target: Path, listing: Listing, name: str, request: Request) -> None:
    import_photos(
        target,
        labelled(listing),
        image_size=request.image_size,
        name=_last_part(name),
        source=safe_name(name),
        progress=request.progress,
    )


def _is_hdf5(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_HDF5_MAGIC)) == _HDF5_MAGIC
    except OSError as fault:
        raise DataRefusal(
            f"the file cannot be read: {fault.strerror}",
            where=safe_name(str(path)),
            fix="Check its permissions.",
        ) from fault


def _open_named(path: Path, image_size: int) -> Dataset:
    """A dataset file that the user named; its size must be the run's."""
    dataset = open_dataset(path)
    stored = dataset.record.image_size
    if stored != image_size:
        raise DataRefusal(
            f"the dataset holds photos of {stored} px, asked for {image_size} px",
            where=safe_name(str(path)),
            fix=f"Give --image-size {stored}, or the photos themselves.",
        )
    return dataset
