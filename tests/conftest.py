"""Networks in tests compute as those of a run do: with oneDNN, unless the environment forbids it.

TensorFlow alone leaves oneDNN off on AVX2 processors, where the slow tests take twice as long then.
"""

from __future__ import annotations

import os

from sweep.process.environment import ONEDNN


def pytest_configure() -> None:
    os.environ.setdefault(ONEDNN, "1")
