"""Small photos, folders and zips for the tests of the data room."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

STAMP = (2024, 1, 2, 3, 4, 6)


def photo(number: int, form: str = "PNG") -> bytes:
    """A 12 x 9 photo that differs from every other number's."""
    values = np.random.default_rng(number).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, form)
    return file.getvalue()


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def classes(*folders: str, each: int = 4, first: int = 0) -> dict[str, bytes]:
    """`each` photos, no two alike, in each folder."""
    return {
        f"{folder}/{number}.png": photo(first + 1000 * place + number)
        for place, folder in enumerate(folders)
        for number in range(each)
    }


def packed(path: Path, members: Iterable[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name, STAMP)
            archive.writestr(info, content)
    return path
