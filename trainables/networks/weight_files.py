"""Finds what the backbones start from: ImageNet's weights, random ones, or a folder of files.

Loads nothing: it finds, downloads and hashes. A folder holds `<backbone>_notop.weights.h5` in lower
case (Keras 3's own format), or the files that `keras.applications` downloads, under their names.

Keras publishes a digest of each of its files. A download is checked against it, and so is a file of
a folder: only the published file is known to hold ImageNet's weights, a converted one is not. The
SHA-256 of what is used is recorded in the run either way, and a resume must find it again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py

from results.ledger.files import file_sha256
from results.ledger.runs import WeightsSource
from search_spaces.backbones import KerasWeights, backbone_named
from search_spaces.refusals import EnvironmentRefusal
from trainables.networks.weights import RANDOM, RECIPE, Weights
from trainables.photos.download import fetch
from trainables.progress import Progress, quiet

IMAGENET = "imagenet"
_KERAS_GROUPS = frozenset({"layers", "_layer_checkpoint_dependencies", "model_weights"})
"""One of these is in every file that Keras writes, or else `layer_names` among its attributes."""


def resolve(
    name: str,
    backbones: tuple[str, ...],
    *,
    cache_dir: Path,
    seed: int,
    progress: Progress = quiet,
) -> Weights:
    """Find (and for `imagenet`, where needed, download) the weights of every backbone.

    Raises:
        EnvironmentRefusal: a file is missing, damaged, or cannot be downloaded.
    """
    if name == RANDOM:
        digests = {backbone: _random_digest(backbone, seed) for backbone in backbones}
        sources = dict.fromkeys(backbones, WeightsSource.RANDOM)
        return Weights(name=name, files={}, seed=seed, digests=digests, sources=sources)
    if name == IMAGENET:
        files = {
            backbone: _downloaded(backbone, cache_dir / "weights", progress)
            for backbone in backbones
        }
    else:
        files = {backbone: _in_folder(backbone, Path(name)) for backbone in backbones}
    for backbone, path in files.items():
        _check_readable(backbone, path)
    digests = {backbone: file_sha256(path) for backbone, path in files.items()}
    sources = {
        backbone: source_of(backbone_named(backbone).weights, path, digests[backbone])
        for backbone, path in files.items()
    }
    return Weights(name=name, files=files, seed=seed, digests=digests, sources=sources)


def source_of(published: KerasWeights, path: Path, sha256: str) -> WeightsSource:
    """Whether a file, whose SHA-256 is given, is the published one under whatever name."""
    if published.sha256 is not None:
        known = sha256 == published.sha256
    else:
        with path.open("rb") as file:
            known = hashlib.file_digest(file, "md5").hexdigest() == published.md5
    return WeightsSource.KERAS if known else WeightsSource.UNKNOWN


def _random_digest(backbone: str, seed: int) -> str:
    text = f"random weights of {backbone}, seed {seed}, {RECIPE}"
    return hashlib.sha256(text.encode()).hexdigest()


def _downloaded(backbone: str, folder: Path, progress: Progress) -> Path:
    published = backbone_named(backbone).weights
    target = folder / published.file
    return fetch(
        published.url,
        target,
        md5=published.md5,
        sha256=published.sha256,
        progress=progress,
        fix="Give --weights DIR with the file, or --weights random.",
    )


def _in_folder(backbone: str, folder: Path) -> Path:
    names = (f"{backbone.lower()}_notop.weights.h5", backbone_named(backbone).weights.file)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise EnvironmentRefusal(
        f"there are no weights of {backbone} here",
        where=str(folder),
        fix=f"Put {' or '.join(names)} there, or choose other --backbones or --weights.",
    )


def _check_readable(backbone: str, path: Path) -> None:
    try:
        with h5py.File(path, "r") as file:
            _refuse_foreign_storage(file, path)
            known = not _KERAS_GROUPS.isdisjoint(file) or "layer_names" in file.attrs
    except (OSError, KeyError, RuntimeError) as fault:  # h5py's, by where the damage is
        raise EnvironmentRefusal(
            f"the weights of {backbone} are damaged or no HDF5 file",
            where=str(path),
            fix="Download the file again.",
        ) from fault
    if not known:
        raise EnvironmentRefusal(
            f"this HDF5 file holds no Keras weights, {backbone} needs some",
            where=str(path),
            fix="Use the file that keras.applications downloads, or one saved from it.",
        )


def _refuse_foreign_storage(file: h5py.File, path: Path) -> None:
    """Refuse links and storage that would read other files (CVE-2026-1669 and its kin)."""
    entries: list[tuple[str, object]] = []
    # Looked at afterwards: an exception does not come out of HDF5's visit as what it was.
    file.visititems_links(lambda name, kind: entries.append((name, kind)))
    for name, kind in entries:
        if not isinstance(kind, h5py.HardLink):
            raise EnvironmentRefusal(
                f"the weights hold a link to elsewhere, {name}",
                where=str(path),
                fix="Use a file that you trust.",
            )
        entry = file[name]
        if isinstance(entry, h5py.Dataset) and (entry.external or entry.is_virtual):
            raise EnvironmentRefusal(
                f"the weights are stored outside the file, {name}",
                where=str(path),
                fix="Use a file that you trust.",
            )
