"""How answers are written, and how many photos are held while they are made."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from trainables.finished.answers import Answer, ProgressLine, Skipped, as_json, as_line, csv_kept
from trainables.finished.predict import BATCH, predict

CLASSES = ("cat", "dog", "eel")
ANSWER = Answer(Path("a.png"), "dog", (0.25, 0.5, 0.25))


def test_a_skipped_photo_is_an_object_too() -> None:
    told = json.loads(as_json(Skipped("http://host/\udce9", "no\nphoto"), CLASSES))
    assert told == {"file": "http://host/\\xe9", "error": "no\nphoto"}
    assert "\n" not in as_json(Skipped("a", "no\nphoto"), CLASSES)


def test_control_characters_in_names_make_no_line_and_no_field() -> None:
    hostile = Path("a\nb.png\tdog\t1\x1b[2J")
    line = as_line(Answer(hostile, "x\r\ty", (0.25, 0.75)), ("cat", "x\r\ty"))
    assert line == "a\\nb.png\\tdog\\t1\\x1b[2J\tx\\r\\ty\t0.7500"
    narrow_space = "at 9\u202fAM.png"  # as macOS names screenshots
    assert as_line(Answer(narrow_space, "cat", (1.0,)), ("cat",)) == f"{narrow_space}\tcat\t1.0000"
    assert str(Skipped(hostile, "no\nphoto")) == r"skipped: a\nb.png\tdog\t1\x1b[2J: no\nphoto"


def test_a_csv_file_is_absent_after_an_interruption(tmp_path: Path) -> None:
    def interrupted() -> None:
        with csv_kept(tmp_path / "a.csv", CLASSES) as keep:
            keep(ANSWER)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_the_most_probable_classes_come_first_and_equal_ones_in_their_own_order() -> None:
    assert as_line(ANSWER, CLASSES) == "a.png\tdog\t0.5000"
    assert as_line(ANSWER, CLASSES, 2) == "a.png\tdog\t0.5000\tcat\t0.2500"
    assert as_line(ANSWER, CLASSES, 9).split("\t")[1::2] == ["dog", "cat", "eel"]


def test_json_names_all_classes_or_the_first_few() -> None:
    told = json.loads(as_json(ANSWER, CLASSES))
    assert (told["file"], told["class"], told["probability"]) == ("a.png", "dog", 0.5)
    assert list(told["probabilities"].items()) == [("dog", 0.5), ("cat", 0.25), ("eel", 0.25)]
    assert json.loads(as_json(ANSWER, CLASSES, 1))["probabilities"] == {"dog": 0.5}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_alone() -> None:
    seconds = iter((0.0, 0.1, 0.5, 0.6))
    terminal, pipe = _Terminal(), io.StringIO()
    line = ProgressLine(terminal, lambda: next(seconds))
    for _ in range(3):
        line.count()
    assert terminal.getvalue() == "\r\x1b[K2 photos, 4 a second"
    line.clear()
    assert terminal.getvalue().endswith("\r\x1b[K")
    silent = ProgressLine(pipe)
    silent.count()
    silent.clear()
    assert pipe.getvalue() == ""


class _Brightness:
    """A model: the brighter a photo, the likelier the second class; notes its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict_on_batch(self, photos: NDArray[np.uint8]) -> Any:
        self.batches.append(len(photos))
        bright = photos.mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)


def test_answers_come_in_order_a_batch_at_a_time_and_no_photo_is_taken_early(
    tmp_path: Path,
) -> None:
    for name, level in (("dark", 10), ("light", 250)):
        Image.new("RGB", (9, 9), (level, level, level)).save(tmp_path / f"{name}.png")
    (tmp_path / "none.png").write_bytes(b"none")
    taken = 0

    def files() -> Iterator[Path]:
        nonlocal taken
        for _ in range(BATCH):
            for name in ("dark", "none", "light"):
                taken += 1
                yield tmp_path / f"{name}.png"

    model = _Brightness()
    outcomes = predict(model, files(), ("night", "day"), size=8)
    first = next(outcomes)
    assert isinstance(first, Answer)
    assert first.predicted == "night"
    assert taken == BATCH
    rest = list(outcomes)
    assert [type(one) for one in rest[:3]] == [Skipped, Answer, Answer]
    assert len(rest) + 1 == taken == 3 * BATCH
    assert sum(model.batches) == 2 * BATCH
    assert max(model.batches) <= BATCH
    days = [one for one in rest if isinstance(one, Answer) and one.predicted == "day"]
    assert {one.file.name for one in days if isinstance(one.file, Path)} == {"light.png"}
