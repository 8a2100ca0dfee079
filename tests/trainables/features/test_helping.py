"""When a process helps with another's pass, and when it lets it be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trainables.passes import BATCH, KEYS, VALUES
from trainables.features.file import laid_out
from trainables.features.helping import Helper
from trainables.features.shared_pass import Compute, Pass, Work, announced


@contextmanager
def inviting(folder: Path, batches: int) -> Iterator[Path]:
    """A pass of one file, announced and left to others: its progress file."""
    rows, part = batches * BATCH, folder / f".part-{batches}"
    part.touch()
    with laid_out(part, KEYS[0], rows) as file:
        path = folder / ".part-pass"
        with announced(path, [file], rows, BATCH, Work(lambda _: [])):
            yield path


def helper_at(path: Path, asked: list[Pass]) -> Helper:
    """A helper that joins every pass that it is asked to."""

    def join(whole: Pass) -> Compute:
        asked.append(whole)
        return lambda window: [VALUES[0][window]]

    return Helper(path, join)


def test_where_nothing_is_announced_there_is_nothing_to_do(tmp_path: Path) -> None:
    asked: list[Pass] = []
    with helper_at(tmp_path / ".part-pass", asked) as helper:
        assert not helper.help()
    assert asked == []


def test_an_announcement_that_cannot_be_read_is_told_once_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ".part-pass"
    path.write_bytes(b"of another version\n")
    with helper_at(path, []) as helper:
        assert [helper.help() for _ in range(3)] == [False] * 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("batches", "joins"), [(7, False), (8, True)])
def test_a_pass_with_little_left_is_not_joined(tmp_path: Path, batches: int, joins: bool) -> None:
    asked: list[Pass] = []
    with inviting(tmp_path, batches) as path, helper_at(path, asked) as helper:
        assert [helper.help() for _ in range(3)] == [joins] * 3
    assert len(asked) == joins


def test_files_that_have_their_names_already_are_not_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with inviting(tmp_path, 10) as path, helper_at(path, []) as helper:
        (tmp_path / ".part-10").rename(tmp_path / "whole.h5")
        assert not helper.help()
        assert not (tmp_path / ".part-10").exists()
    assert caplog.records == []


def test_a_helper_leaves_a_pass_for_the_one_that_is_announced_in_its_place(tmp_path: Path) -> None:
    asked: list[Pass] = []
    with inviting(tmp_path, 10) as path, helper_at(path, asked) as helper:
        assert helper.help()
        with inviting(tmp_path, 9):
            assert [helper.help() for _ in range(11)] == [False, *[True] * 9, False]
    assert [whole.batches for whole in asked] == [10, 9]
    assert helper.rows_computed == 10 * BATCH
