"""Runs rows in processes of their own: they fork, which pytest's with its threads should not."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from tests.crash.row import Row


def alone(row: Callable[..., Row], *numbers: int, **more: Any) -> Row:
    """What `row(*numbers, **more)` returns."""
    return together(partial(row, *numbers, **more))


def together(*parts: Callable[[], Row]) -> Row:
    """The parts of a row at once, a process each, as one row."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(parts), mp_context=fresh) as pool:
        first, *others = [task.result() for task in [pool.submit(part) for part in parts]]
    for other in others:
        first.merge(other)
    return first
