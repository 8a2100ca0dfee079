"""Reads classes, and splits already made, out of a listing of files.

Understood, below any number of wrapping folders and the same in a folder and in a zip:

    cats/*.jpg  dogs/*.jpg                              one folder a class, two classes or more
    train/cats/*.jpg  validation/cats/*.jpg  test/...   a split already made, which is obeyed

A class folder may have folders of its own; all photos below it are of its class. Photos that lie
beside the class folders belong to no class: they are listed as rejected, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.ledger.runs import SPLITS, Rejected
from search_spaces.refusals import DataRefusal
from trainables.photos.listing import Found, Listing, Parts

MINIMUM_PER_CLASS = 3
"""One photo of each class for each split."""

_TRAIN, _VALIDATION, _TEST = SPLITS
_PART_NAMES = {
    "train": _TRAIN,
    "training": _TRAIN,
    "val": _VALIDATION,
    "valid": _VALIDATION,
    "validation": _VALIDATION,
    "test": _TEST,
    "testing": _TEST,
}


@dataclass(frozen=True)
class Photo:
    """A file with its label.

    Attributes:
        file: its path below the folder that holds the classes (or the splits).
        label: index into the sorted class names.
        part: one of `SPLITS` if the split is given, else None.
        read: see `listing.Found`.
    """

    file: str
    label: int
    part: str | None
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Source:
    """Labelled photos, sorted by file name, and what was left out."""

    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    ignored: int = 0
    rejected: tuple[Rejected, ...] = ()


def labelled(listing: Listing) -> Source:
    """Find the classes in a listing.

    Raises:
        DataRefusal: no photos, fewer than two classes, an empty class, a class too small to be
            split, or a given split that lacks photos for training or a class. The line shows the
            counts, or the folders seen.
    """
    root = _root_of_classes(listing)
    children = _by_folder(listing.photos, len(root), root)
    if not children:
        raise _refusal(listing, "found no folders with photos in them", listing.tree())
    part_of = _given_parts(listing, children)
    if part_of is None:
        return _source(listing, root, {None: children}, _empty_folders(listing, root, children))
    parts: dict[str | None, dict[str, list[Found]]] = {}
    missing: list[Parts] = []
    for name, photos in children.items():
        inside = (*root, name)
        folders = _by_folder(photos, len(inside), inside)
        parts[part_of[name]] = folders
        missing += _empty_folders(listing, inside, folders)
    return _source(listing, root, parts, missing)


def _root_of_classes(listing: Listing) -> Parts:
    """The folder whose folders are the classes or the splits: looks through wrapping folders."""
    root: Parts = ()
    while True:
        children = _by_folder(listing.photos, len(root), root)
        if len(children) != 1:
            return root
        inner = (*root, *children)
        photos = next(iter(children.values()))
        grandchildren = _by_folder(photos, len(inner), inner)
        holds_photos = any(len(found.parts) == len(inner) + 1 for found in photos)
        if len(grandchildren) < 2 and (holds_photos or not grandchildren):
            return root
        root = inner


def _by_folder(photos: Sequence[Found], depth: int, root: Parts) -> dict[str, list[Found]]:
    """Photos below `root` by the name of the folder in it that holds them, however deep."""
    children: dict[str, list[Found]] = {}
    for found in photos:
        if len(found.parts) > depth + 1 and found.parts[:depth] == root:
            children.setdefault(found.parts[depth], []).append(found)
    return dict(sorted(children.items()))


def _empty_folders(listing: Listing, root: Parts, children: Mapping[str, object]) -> list[Parts]:
    return [
        folder
        for folder in sorted(listing.folders)
        if folder[:-1] == root and folder[-1] not in children
    ]


def _given_parts(listing: Listing, children: Mapping[str, object]) -> dict[str, str] | None:
    """Which split each folder is, if all of them are named as splits; else None."""
    part_of = {name: _PART_NAMES.get(name.casefold(), "") for name in children}
    if len(part_of) < 2 or not all(part_of.values()):
        return None
    seen = ", ".join(f"{name}/" for name in part_of)
    if len(set(part_of.values())) < len(part_of):
        raise _refusal(listing, "two folders are the same split", seen)
    if _TRAIN not in part_of.values():
        raise _refusal(listing, "a split is given, but no train/ folder in it", seen)
    return part_of


def _source(
    listing: Listing,
    root: Parts,
    parts: Mapping[str | None, Mapping[str, list[Found]]],
    empty: list[Parts],
) -> Source:
    classes = tuple(sorted({name for folders in parts.values() for name in folders}))
    _refuse_bad_classes(listing, classes, parts, empty)
    photos = [
        Photo("/".join(found.parts[len(root) :]), classes.index(name), part, found.read)
        for part, folders in parts.items()
        for name, founds in folders.items()
        for found in founds
    ]
    used = {photo.file for photo in photos}
    names = ["/".join(found.parts[len(root) :]) for found in listing.photos]
    stray = [Rejected(name, "lies in no class folder") for name in names if name not in used]
    return Source(
        classes=classes,
        photos=tuple(sorted(photos, key=lambda photo: photo.file)),
        ignored=listing.ignored,
        rejected=(*listing.rejected, *stray),
    )


def _refuse_bad_classes(
    listing: Listing,
    classes: tuple[str, ...],
    parts: Mapping[str | None, Mapping[str, list[Found]]],
    empty: list[Parts],
) -> None:
    for part, folders in parts.items():
        counts = {name: len(folders.get(name, ())) for name in classes}
        place = f" in {part}/" if part else ""
        if len(classes) < 2:
            what = f"found {len(classes)} class{place}, need 2 or more"
        elif empty:
            what = f"the folder {'/'.join(empty[0])}/ holds no photos"
        elif not all(counts.values()):
            what = f"a class has no photos{place}"
        elif part is None and min(counts.values()) < MINIMUM_PER_CLASS:
            what = f"a class has fewer than {MINIMUM_PER_CLASS} photos, one for each split"
        else:
            continue
        raise _refusal(listing, what, counted(counts) or listing.tree())


def counted(counts: Mapping[str, int], limit: int = 12) -> str:
    """Counts in one line, the smallest first: `dogs 1, cats 200`."""
    smallest = sorted(counts.items(), key=lambda item: (item[1], item[0]))
    more = f" and {len(smallest) - limit} more" if len(smallest) > limit else ""
    return ", ".join(f"{name} {count}" for name, count in smallest[:limit]) + more


def _refusal(listing: Listing, what: str, seen: str) -> DataRefusal:
    return DataRefusal(
        f"{what}; seen: {seen}",
        where=listing.where,
        fix="Give a folder or zip with one folder of photos for each class.",
    )
