"""FAULTS.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROWS = [
    line.split(" | ")
    for line in (TESTS / "crash/FAULTS.md").read_text().splitlines()
    if re.match(r"\| \d", line)
]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`([\w/]+\.py::\w+)`", row[2])})


def test_every_fault_has_a_row() -> None:
    assert [int(row[0].strip("| ")) for row in ROWS] == list(range(1, 59))
    assert len(NAMED) > 50


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_is_named_is_there(named: str) -> None:
    place, name = named.split("::")
    files = [path for path in TESTS.rglob("*.py") if path.as_posix().endswith(f"/{place}")]
    assert len(files) == 1
    assert f"def {name}(" in files[0].read_text()
