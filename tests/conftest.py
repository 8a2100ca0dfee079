"""Networks in tests compute as those of a run do: with oneDNN, unless the environment forbids it.

TensorFlow alone leaves oneDNN off on AVX2 processors, where the slow tests take twice as long then.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from sweep.process.environment import ONEDNN

_BUILD_NETWORKS = Path(__file__).parent / "trainables"


@pytest.fixture(scope="session")
def table_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where sweeps keep what they measure of backbones, seconds for each, for the next one's."""
    return tmp_path_factory.mktemp("table-1")


def pytest_configure() -> None:
    os.environ.setdefault(ONEDNN, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that build networks in this process come last, the files with most of them first.

    TensorFlow gives back little of what a network took, so these end in processes of many
    gigabytes: beside them, sweeps of other tests would lack memory.
    """
    building = Counter(
        item.path
        for item in items
        if item.path.is_relative_to(_BUILD_NETWORKS) and item.get_closest_marker("slow")
    )
    items.sort(key=lambda item: (item.path in building, -building[item.path]))
