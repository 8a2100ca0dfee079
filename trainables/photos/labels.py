"""Which folders of a listing are class labels, and which are splits already made.

Understood, below any number of wrapping folders and the same in a folder and in a zip:

    cats/*.jpg  dogs/*.jpg                              one folder a class, two classes or more
    train/cats/*.jpg  validation/cats/*.jpg  test/...   a split already made, which is kept

A class folder may have folders of its own; all photos below it are of its class. Photos that lie
beside the class folders belong to no class: they are listed as rejected, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.ledger.runs import SPLITS, Rejected
from search_spaces.refusals import DataRefusal
from trainables.photos.listing import Listing, Parts, PhotoFile

MINIMUM_PER_CLASS = 3
"""One photo of each class for each split."""

_TRAIN, _VALIDATION, _TEST = SPLITS
_SPLIT_NAMES = {
    "train": _TRAIN,
    "training": _TRAIN,
    "val": _VALIDATION,
    "valid": _VALIDATION,
    "validation": _VALIDATION,
    "test": _TEST,
    "testing": _TEST,
}

_PhotosByClass = Mapping[str, Sequence[PhotoFile]]


@dataclass(frozen=True)
class LabelledPhoto:
    """A file with its label.

    Attributes:
        file: its path below the folder that holds the classes (or the splits).
        label: index into the sorted class names.
        part: one of `SPLITS` if the split is given, else None.
        read: see `listing.PhotoFile`.
    """

    file: str
    label: int
    part: str | None
    read: Callable[[], bytes]


@dataclass(frozen=True)
class LabelledPhotos:
    """Labelled photos, sorted by file name, and what was left out."""

    classes: tuple[str, ...]
    photos: tuple[LabelledPhoto, ...]
    ignored: int = 0
    rejected: tuple[Rejected, ...] = ()


def labelled(listing: Listing) -> LabelledPhotos:
    """Find the classes in a listing.

    Raises:
        DataRefusal: no photos, fewer than two classes, an empty class, a class too small to be
            split, or a given split that lacks photos for training or a class. The line shows the
            counts, or the folders seen.
    """
    root = _root_of_classes(listing)
    children = _by_folder(listing.photos, root)
    if not children:
        raise _refusal(listing, "found no folders with photos in them", listing.tree())
    split_of = _given_splits(listing, children)
    if split_of is None:
        empty = _empty_folders(listing, root, children)
        return _labelled(listing, root, {None: children}, empty)
    splits: dict[str | None, _PhotosByClass] = {}
    empty = []
    for name, photos in children.items():
        folders = _by_folder(photos, (*root, name))
        splits[split_of[name]] = folders
        empty += _empty_folders(listing, (*root, name), folders)
    return _labelled(listing, root, splits, empty)


def _root_of_classes(listing: Listing) -> Parts:
    """The folder whose folders are the classes or the splits: looks through wrapping folders."""
    root: Parts = ()
    while True:
        children = _by_folder(listing.photos, root)
        if len(children) != 1:
            return root
        [(name, photos)] = children.items()
        inner = (*root, name)
        grandchildren = _by_folder(photos, inner)
        holds_photos = any(photo.parts[:-1] == inner for photo in photos)
        if len(grandchildren) < 2 and (holds_photos or not grandchildren):
            return root
        root = inner


def _by_folder(photos: Sequence[PhotoFile], root: Parts) -> dict[str, list[PhotoFile]]:
    """Photos below `root` by the name of the folder in it that holds them, however deep."""
    depth = len(root)
    children: dict[str, list[PhotoFile]] = {}
    for photo in photos:
        if len(photo.parts) > depth + 1 and photo.parts[:depth] == root:
            children.setdefault(photo.parts[depth], []).append(photo)
    return dict(sorted(children.items()))


def _empty_folders(listing: Listing, root: Parts, children: _PhotosByClass) -> list[Parts]:
    return [
        folder
        for folder in sorted(listing.folders)
        if folder[:-1] == root and folder[-1] not in children
    ]


def _given_splits(listing: Listing, children: _PhotosByClass) -> dict[str, str] | None:
    """Which split each folder is, if all of them are named as splits; else None."""
    split_of = {name: _SPLIT_NAMES.get(name.casefold(), "") for name in children}
    if len(split_of) < 2 or not all(split_of.values()):
        return None
    folders = ", ".join(f"{name}/" for name in split_of)
    if len(set(split_of.values())) < len(split_of):
        raise _refusal(listing, "two folders are the same split", folders)
    if _TRAIN not in split_of.values():
        raise _refusal(listing, "a split is given, but no train/ folder in it", folders)
    return split_of


def _labelled(
    listing: Listing, root: Parts, splits: Mapping[str | None, _PhotosByClass], empty: list[Parts]
) -> LabelledPhotos:
    classes = tuple(sorted({name for folders in splits.values() for name in folders}))
    _refuse_bad_classes(listing, classes, splits, empty)
    label_of = {name: label for label, name in enumerate(classes)}

    def name_of(photo: PhotoFile) -> str:
        return "/".join(photo.parts[len(root) :])

    photos = [
        LabelledPhoto(name_of(photo), label_of[name], split, photo.read)
        for split, folders in splits.items()
        for name, files in folders.items()
        for photo in files
    ]
    used = {photo.file for photo in photos}
    unused = [name for name in map(name_of, listing.photos) if name not in used]
    return LabelledPhotos(
        classes=classes,
        photos=tuple(sorted(photos, key=lambda photo: photo.file)),
        ignored=listing.ignored,
        rejected=(
            *listing.rejected,
            *(Rejected(name, "lies in no class folder") for name in unused),
        ),
    )


def _refuse_bad_classes(
    listing: Listing,
    classes: tuple[str, ...],
    splits: Mapping[str | None, _PhotosByClass],
    empty: list[Parts],
) -> None:
    for split, folders in splits.items():
        counts = {name: len(folders.get(name, ())) for name in classes}
        place = f" in {split}/" if split else ""
        if len(classes) < 2:
            what = f"found {len(classes)} class{place}, need 2 or more"
        elif empty:
            what = f"the folder {'/'.join(empty[0])}/ holds no photos"
        elif not all(counts.values()):
            what = f"a class has no photos{place}"
        elif split is None and min(counts.values()) < MINIMUM_PER_CLASS:
            what = f"a class has fewer than {MINIMUM_PER_CLASS} photos, one for each split"
        else:
            continue
        raise _refusal(listing, what, counts_line(counts) or listing.tree())


def counts_line(counts: Mapping[str, int], limit: int = 12) -> str:
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
