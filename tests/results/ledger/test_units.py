"""What is written of names, whatever is in them; seconds and bytes that round up to a unit."""

from __future__ import annotations

import csv
import io

import pytest

from results.ledger.units import csv_line, duration, size


@pytest.mark.parametrize("name", ["car\riage", "cat\nnip", "a\r\nb", 'say "hi"', "a,b", "", "кот"])
def test_a_line_of_a_table_is_read_as_it_was_whatever_a_class_is_called(name: str) -> None:
    line = csv_line([name, 1, name])
    assert line.endswith("\n")
    assert not line.endswith("\r\n")
    assert list(csv.reader(io.StringIO(f"{line}{line}", newline=""))) == [[name, "1", name]] * 2


def test_what_rounds_up_to_a_unit_is_written_in_it() -> None:
    assert [duration(59.94), duration(59.96), duration(60)] == [
        "59.9 s",
        "1 min 00 s",
        "1 min 00 s",
    ]
    assert [size(999_940_000), size(999_960_000), size(10**9)] == ["999.9 MB", "1.0 GB", "1.0 GB"]
