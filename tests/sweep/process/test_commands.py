"""The models are written beside the report: how the two end together."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.commands import exporting_winners, measure_backbones


class Broken(Exception):
    """What goes wrong beside a process."""


def a_folder(root: Path) -> RunFolder:
    """A run's folder that holds no run: whatever is asked of it is refused."""
    folder = RunFolder(root)
    folder.log.touch()
    return folder


def test_a_failed_export_is_told_after_what_is_done_beside_it(tmp_path: Path) -> None:
    folder, done = a_folder(tmp_path), []
    told = pytest.raises(EnvironmentRefusal, match="could not be written as Keras models")
    with told, exporting_winners(folder):
        done.append("report")
    assert done == ["report"]
    assert str(tmp_path) in folder.log.read_text()


def test_a_failure_beside_the_export_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The process would never end by itself.
    (tmp_path / "sitecustomize.py").write_text("import time\nwhile True: time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(Broken), exporting_winners(a_folder(tmp_path)):
        raise Broken


def test_table_1_that_cannot_be_measured_is_no_failure(tmp_path: Path) -> None:
    folder = a_folder(tmp_path)
    assert not measure_backbones(folder)
    assert str(tmp_path) in folder.log.read_text()
