"""From what the user names to a decoded dataset, cached.

`prepare` takes a folder of class folders, a folder of split folders, a zip of either, a dataset
file of ours, or one of two names:

    cats_vs_dogs   the public Microsoft/Kaggle zip (download: 787 MB), 2,000 + 2,000 photos of it
    digits         scikit-learn's bundled scans of handwritten digits; needs no network

The dataset lands in `<cache_dir>/datasets/<key>.h5`. The key covers all that the pixels depend on,
so a second call opens the file without decoding (4,000 photos: milliseconds instead of seconds),
and a changed photo, size or decoder makes another file. A damaged cache file is rebuilt. Photos are
known by `trainables.photos.fingerprints`, not by content: a copied folder is decoded again.

`DataRecord.digest` is computed while a file is written. Opening checks names and labels in full,
but only a sample of the pixels; a dataset file that the user names is checked row by row.
"""

from __future__ import annotations

import hashlib
import json
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from results.ledger.files import TEMPORARY_PREFIX
from search_spaces import paper
from search_spaces.presets import DIGITS_PER_CLASS
from search_spaces.refusals import DataRefusal, UsageRefusal
from trainables.photos.archives import listed_zip
from trainables.photos.dataset_files import SCHEMA, SUFFIX, Dataset, open_dataset
from trainables.photos.decoding import DECODER_VERSION
from trainables.photos.digits import write_digits
from trainables.photos.download import fetch
from trainables.photos.fingerprints import file_fingerprint, folder_fingerprint
from trainables.photos.folders import list_folder
from trainables.photos.importing import Quota, build
from trainables.photos.listing import safe_name
from trainables.photos.sources import Source, labelled
from trainables.progress import Progress, quiet

__all__ = ["CATS_VS_DOGS", "CATS_VS_DOGS_URL", "DIGITS", "Dataset", "open_dataset", "prepare"]

CATS_VS_DOGS = "cats_vs_dogs"
DIGITS = "digits"
CATS_VS_DOGS_URL = (
    "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
    "kagglecatsanddogs_5340.zip"
)
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_A_DAY = 24 * 3600  # seconds


def prepare(
    source: str,
    *,
    image_size: int,
    cache_dir: Path,
    seed: int,
    progress: Progress = quiet,
    url: str = CATS_VS_DOGS_URL,
    per_class: int = paper.PHOTOS_PER_CLASS,
) -> Dataset:
    """Decode what `source` names into the cache, or open it there.

    Args:
        source: a path, `cats_vs_dogs` or `digits`; a folder of that name is `./digits`.
        image_size: S, pixels; photos become [S, S, 3] uint8.
        seed: chooses the photos of `cats_vs_dogs` and `digits`; other sources are taken whole.
        progress: told of photos read and bytes downloaded.
        url, per_class: of `cats_vs_dogs`.

    Raises:
        UsageRefusal: there is nothing of that name.
        DataRefusal: the photos cannot be used; the line says why.
        EnvironmentRefusal: the download or the disk failed.
    """
    if source == DIGITS:
        return _digits(cache_dir, image_size, seed, progress)
    if source == CATS_VS_DOGS:
        return _cats_vs_dogs(cache_dir, image_size, Quota(per_class, seed), url, progress)
    given, mode = safe_name(source), _mode(source)
    if stat.S_ISDIR(mode):
        dataset = _from_folder(Path(source).expanduser(), given, image_size, cache_dir, progress)
    elif stat.S_ISREG(mode):
        dataset = _from_file(Path(source).expanduser(), given, image_size, cache_dir, progress)
    else:
        raise UsageRefusal(
            f"there are no photos at {given!r}",
            where="--data",
            fix=f"Give a folder, a zip, a dataset file, {CATS_VS_DOGS} or {DIGITS}.",
        )
    # The cache knows photos by content; the same photos may have been named otherwise before.
    return replace(dataset, record=replace(dataset.record, name=_name(source), source=given))


def _mode(source: str) -> int:
    try:
        return Path(source).expanduser().stat().st_mode if source.strip() else 0
    except (OSError, ValueError, RuntimeError):
        return 0


def _name(source: str) -> str:
    return safe_name(Path(source).expanduser().resolve().name)


def _digits(cache_dir: Path, image_size: int, seed: int, progress: Progress) -> Dataset:
    path = _path(cache_dir, DIGITS, image_size, seed, DIGITS_PER_CLASS)
    return _cached(path, progress, lambda: write_digits(path, image_size=image_size, seed=seed))


def _cats_vs_dogs(
    cache_dir: Path, image_size: int, quota: Quota, url: str, progress: Progress
) -> Dataset:
    # The zip is no part of the key: a cached dataset works without it, and without a network.
    path = _path(cache_dir, CATS_VS_DOGS, image_size, url, quota.seed, quota.per_class)

    def rebuild() -> None:
        target = cache_dir / "downloads" / url.rpartition("/")[2]
        fix = "Give photos of your own with --data PATH, or --data digits."
        archive = fetch(url, target, progress=progress, fix=fix)
        with listed_zip(archive) as listing:
            build(
                path,
                _as_in_the_paper(labelled(listing), url),
                image_size=image_size,
                name=CATS_VS_DOGS,
                given=CATS_VS_DOGS,
                quota=quota,
                progress=progress,
            )

    return _cached(path, progress, rebuild)


def _as_in_the_paper(source: Source, url: str) -> Source:
    if tuple(name.casefold() for name in source.classes) != paper.CLASSES:
        raise DataRefusal(
            f"cats_vs_dogs must hold the classes {', '.join(paper.CLASSES)}, "
            f"got {', '.join(source.classes)}",
            where=url,
            fix="Give photos of your own with --data PATH.",
        )
    return replace(source, classes=paper.CLASSES)


def _from_folder(
    path: Path, given: str, image_size: int, cache_dir: Path, progress: Progress
) -> Dataset:
    listing = list_folder(path)
    cached = _path(cache_dir, "folder", image_size, folder_fingerprint(path, listing))

    def rebuild() -> None:
        source = labelled(listing)
        build(
            cached, source, image_size=image_size, name=_name(given), given=given, progress=progress
        )

    return _cached(cached, progress, rebuild)


def _from_file(
    path: Path, given: str, image_size: int, cache_dir: Path, progress: Progress
) -> Dataset:
    if _is_hdf5(path):
        return _named_dataset(path, image_size)
    cached = _path(cache_dir, "zip", image_size, file_fingerprint(path))

    def rebuild() -> None:
        with listed_zip(path) as listing:
            source = labelled(listing)
            build(
                cached,
                source,
                image_size=image_size,
                name=_name(given),
                given=given,
                progress=progress,
            )

    return _cached(cached, progress, rebuild)


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


def _named_dataset(path: Path, image_size: int) -> Dataset:
    """A dataset file that the user named: every row is checked, and the size must be the run's."""
    dataset = open_dataset(path, thorough=True)
    stored = dataset.record.image_size
    if stored != image_size:
        raise DataRefusal(
            f"the dataset holds photos of {stored} px, asked for {image_size} px",
            where=safe_name(str(path)),
            fix=f"Give --image-size {stored}, or the photos themselves.",
        )
    return dataset


def _cached(path: Path, progress: Progress, rebuild: Callable[[], None]) -> Dataset:
    """Open `path`; where it is missing or damaged, `rebuild` must write it first."""
    if path.exists():
        try:
            return open_dataset(path)
        except DataRefusal:
            progress("the cached dataset is damaged, rebuilding", 0, None)
    _remove_leftovers(path.parent)
    rebuild()
    return open_dataset(path)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left; younger files may belong to a living one."""
    for part in folder.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(OSError):
            if part.stat().st_mtime < time.time() - _A_DAY:
                part.unlink()


def _path(cache_dir: Path, kind: str, image_size: int, *identity: str | int) -> Path:
    text = json.dumps([SCHEMA, DECODER_VERSION, kind, image_size, *identity])
    return cache_dir / "datasets" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}{SUFFIX}"
