"""Runs a row in a process of its own: it forks, which pytest's with its threads should not."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from tests.crash.row import Row


def alone(row: Callable[..., Row], *numbers: int, **more: Any) -> Row:
    """What `row(*numbers, **more)` returns."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(row, *numbers, **more).result()
