"""Stores with room and without."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trainables.features.rows import KEY, compute_one, fill
from trainables.features.store import FeatureStore


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """A store with room for all."""
    return FeatureStore(tmp_path / "features", 10**9)


@pytest.fixture
def filled(store: FeatureStore) -> Path:
    """The file of one layer's rows."""
    fill(store, [KEY], compute_one)
    return next(store.folder.glob("*.h5"))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can only be mounted as root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
