"""Networks that the tests of a module share, as the trials of a process do."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="module")
def networks() -> Any:
    """Built and traced at their first use, and set back for every trial."""
    from trainables.training.network_cache import NetworkCache

    return NetworkCache()
