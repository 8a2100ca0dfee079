"""What `python -m trainables predict` prints and writes for awkward file names."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from search_spaces.refusals import DataRefusal
from trainables.finished.predict import Answer, as_csv, photo_files

NAME = os.fsdecode(b"caf\xe9.png")
ANSWER = Answer(Path("photos") / NAME, "cat", (0.75, 0.25))


def test_a_photo_whose_name_is_no_utf8_can_be_printed() -> None:
    line = str(ANSWER)
    assert line.encode("utf-8").decode() == "photos/caf\\xe9.png\tcat\t0.7500"


def test_a_photo_whose_name_is_no_utf8_can_be_written_as_csv() -> None:
    text = as_csv([ANSWER], ("cat", "dog"))
    head, row = csv.reader(io.StringIO(text.encode("utf-8").decode()))
    assert head == ["file", "class", "probability", "cat", "dog"]
    assert row == ["photos/caf\\xe9.png", "cat", "0.750000", "0.750000", "0.250000"]


def test_a_missing_photo_whose_name_is_no_utf8_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataRefusal, match="no such photo") as refused:
        photo_files([tmp_path / NAME])
    assert str(refused.value).encode("utf-8")


def test_an_empty_folder_whose_name_is_no_utf8_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(DataRefusal, match="there are no photos") as refused:
        photo_files([tmp_path / NAME])
    assert str(refused.value).encode("utf-8")
