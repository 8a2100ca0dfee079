"""Small photos for the report's page, which then needs neither photos nor caches."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from results.ledger.arrays import read_npz, write_npz
from results.ledger.manifest import check_digest, read_manifest, write_manifest
from results.ledger.places import RunPlaces
from results.ledger.remedies import made_again
from search_spaces.refusals import EnvironmentRefusal

_NONE = np.empty((0, 64, 64, 3), dtype=np.uint8)


def write_thumbnails(places: RunPlaces, pixels: Mapping[int, NDArray[np.uint8]]) -> None:
    """Keep small photos by dataset row: [64, 64, 3] RGB each."""
    rows = sorted(pixels)
    small = np.stack([pixels[row] for row in rows]) if rows else _NONE
    write_npz(
        places.thumbnails_npz,
        {"rows": np.array(rows, dtype=np.int64), "pixels": small.astype(np.uint8)},
    )
    write_manifest(places.thumbnails_json, [places.thumbnails_npz])


def read_thumbnails(places: RunPlaces) -> dict[int, NDArray[np.uint8]]:
    """Small photos by dataset row; empty where none were kept.

    Raises:
        EnvironmentRefusal: a file is damaged.
    """
    path, fix = places.thumbnails_npz, made_again(places.root)
    if not places.thumbnails_json.is_file() and not path.is_file():
        return {}
    check_digest(path, read_manifest(places.thumbnails_json, fix=fix).get(path.name), fix=fix)
    arrays = read_npz(path, fix=fix)
    rows, pixels = arrays.get("rows"), arrays.get("pixels")
    if rows is None or pixels is None or pixels.shape != (len(rows), *_NONE.shape[1:]):
        raise EnvironmentRefusal("a file of the run is damaged", where=str(path), fix=fix)
    return {int(row): small.astype(np.uint8) for row, small in zip(rows, pixels, strict=True)}
