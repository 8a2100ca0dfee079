"""The paper's photos: 2,000 + 2,000 of the public Microsoft/Kaggle zip (download: 787 MB)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from search_spaces import paper
from search_spaces.refusals import DataRefusal
from trainables.photos.archives import listed_zip
from trainables.photos.cache import DataSource, Request
from trainables.photos.download import fetch
from trainables.photos.importing import Quota, import_photos
from trainables.photos.labels import LabelledPhotos, labelled

NAME = "cats_vs_dogs"
URL = (
    "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
    "kagglecatsanddogs_5340.zip"
)


def cats_vs_dogs(
    request: Request, *, url: str = URL, per_class: int = paper.PHOTOS_PER_CLASS
) -> DataSource:
    """The zip at `url`, and `per_class` photos of each class out of it, chosen by the seed."""

    def write(path: Path) -> None:
        archive = fetch(
            url,
            request.cache_dir / "downloads" / url.rpartition("/")[2],
            progress=request.progress,
            fix="Give photos of your own with --data PATH, or --data digits.",
        )
        with listed_zip(archive) as listing:
            import_photos(
                path,
                _labelled_as_in_the_paper(labelled(listing), url),
                image_size=request.image_size,
                name=NAME,
                source=NAME,
                quota=Quota(per_class, request.seed),
                progress=request.progress,
            )

    # The zip is no part of the identity: a cached dataset works without it, and offline.
    return DataSource(NAME, (url, request.seed, per_class), write)


def _labelled_as_in_the_paper(photos: LabelledPhotos, url: str) -> LabelledPhotos:
    if tuple(name.casefold() for name in photos.classes) != paper.CLASSES:
        raise DataRefusal(
            f"cats_vs_dogs must hold the classes {', '.join(paper.CLASSES)}, "
            f"got {', '.join(photos.classes)}",
            where=url,
            fix="Give photos of your own with --data PATH.",
        )
    return replace(photos, classes=paper.CLASSES)
