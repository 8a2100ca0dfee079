"""Small photos for the report: which are kept, and that they are read as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from results.ledger.manifest import write_manifest
from results.ledger.thumbnails import read_thumbnails, write_thumbnails
from results.scores.mistakes import SHOWN, rows_to_show
from results.scores.summary import summarise
from search_spaces.backbones import PAPER_NAMES
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import Trial, make_run

SIX = [Trial(name, 0, skill=0.5) for name in PAPER_NAMES]


def test_the_worst_mistakes_of_every_winner_are_kept(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, SIX))
    winners = {one.best.trial for one in summary.backbones if one.best is not None}
    assert set(summary.mistakes.winners) == winners
    rows = set(rows_to_show(summary))
    assert all(one.photo in rows for worst in summary.mistakes.winners.values() for one in worst)


def test_thumbnails_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)])
    assert read_thumbnails(folder) == {}
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    write_thumbnails(folder, {7: pixels, 3: pixels[::-1]})
    found = read_thumbnails(folder)
    assert list(found) == [3, 7]
    np.testing.assert_array_equal(found[7], pixels)
    write_thumbnails(folder, {})
    assert read_thumbnails(folder) == {}


def test_damaged_thumbnails_are_refused(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)])
    np.savez(folder.thumbnails_npz, rows=np.array([1]), pixels=np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(EnvironmentRefusal, match="missing"):
        read_thumbnails(folder)
    write_manifest(folder.thumbnails_json, [folder.thumbnails_npz])
    with pytest.raises(EnvironmentRefusal, match=r"damaged .*--resume"):
        read_thumbnails(folder)
    folder.thumbnails_npz.write_bytes(b"no archive")
    with pytest.raises(EnvironmentRefusal, match="not the one that was recorded"):
        read_thumbnails(folder)


def test_no_more_rows_are_kept_than_a_page_can_bear(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, SIX, sizes={"train": 40, "validation": 40, "test": 400}))
    rows = rows_to_show(summary)
    assert 0 < len(rows) == len(set(rows)) <= SHOWN
    assert rows[0] == summary.mistakes.worst[0].photo


def test_a_run_without_scores_shows_no_photo(tmp_path: Path) -> None:
    assert rows_to_show(summarise(make_run(tmp_path, [], unfinished=["VGG16/baseline"]))) == []
