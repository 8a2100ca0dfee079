"""What is written of names, whatever is in them."""

from __future__ import annotations

import csv
import io

import pytest

from results.ledger.units import csv_line


@pytest.mark.parametrize("name", ["car\riage", "cat\nnip", "a\r\nb", 'say "hi"', "a,b", "", "кот"])
def test_a_line_of_a_table_is_read_as_it_was_whatever_a_class_is_called(name: str) -> None:
    line = csv_line([name, 1, name])
    assert line.endswith("\n")
    assert not line.endswith("\r\n")
    assert list(csv.reader(io.StringIO(f"{line}{line}", newline=""))) == [[name, "1", name]] * 2
