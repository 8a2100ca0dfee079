"""Arrays on disk: numpy archives without pickles, whole or absent."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from results.ledger.files import whole_or_absent
from results.ledger.remedies import train_again
from search_spaces.refusals import EnvironmentRefusal

Probabilities = NDArray[np.float32]
"""[N, C] float32, rows sum to 1."""

MOST_BYTES_BY_EPOCH = 32 * 1024 * 1024
"""Of a trial's probabilities after every epoch, which only the ensemble's curves need."""


def kept_by_epoch(epochs: int, photos: int, classes: int) -> bool:
    """Whether a trial keeps what it answered after every epoch, beside the best epoch's answers.

    Args:
        epochs: of its configuration, so that it is known before the first of them.
        photos: for validation.
    """
    return epochs * photos * classes * np.dtype(np.float32).itemsize <= MOST_BYTES_BY_EPOCH


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays."""
    with whole_or_absent(path, suffix=".npz") as part:
        np.savez(part, **dict(arrays))


def read_npz(path: Path, *, fix: str | None = None) -> dict[str, NDArray[Any]]:
    """Read what `write_npz` wrote.

    Args:
        fix: what to do about a damaged file; by default, to train its trial again.

    Raises:
        EnvironmentRefusal: the file is missing or damaged.
    """
    try:
        # Opened here, because numpy leaves its own file open when the archive is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as fault:
        raise damaged(path, fix) from fault


def damaged(path: Path, fix: str | None = None) -> EnvironmentRefusal:
    """The refusal of an archive that is not what was written."""
    return EnvironmentRefusal(
        "a file of the run is missing or damaged",
        where=str(path),
        fix=fix or train_again(path.parent),
    )
