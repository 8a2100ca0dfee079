"""What a node must have, and what of our code travels to it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from search_spaces.refusals import EnvironmentRefusal, Refusal
from sweep.tune.nodes import (
    code_copied,
    nodes_watched,
    refuse_other_versions,
    refuse_unfit_cache,
    what_must_agree,
)


def test_a_node_with_other_versions_is_refused_in_one_line_that_names_each() -> None:
    expected = {**what_must_agree(), "keras": "3.99.0", "transfer-sweep's code": "0" * 12}
    with pytest.raises(EnvironmentRefusal, match=r"keras must be 3\.99\.0, got 3\.") as refused:
        refuse_other_versions(expected)
    assert "transfer-sweep's code must be 000000000000, got" in str(refused.value)
    assert "ray must be" not in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_node_with_the_drivers_versions_is_accepted() -> None:
    refuse_other_versions(what_must_agree())


def test_a_nodes_cache_that_cannot_be_written_is_refused_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TRANSFER_SWEEP_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(Refusal, match="TRANSFER_SWEEP_CACHE_DIR"):
        refuse_unfit_cache()


def test_the_code_that_travels_runs_without_the_rest_and_is_the_same(tmp_path: Path) -> None:
    code = code_copied(tmp_path / "code")
    tops = {path.name for path in code.iterdir()}
    assert tops == {"search_spaces", "results", "trainables", "sweep"}
    assert not list(code.rglob("__pycache__"))
    assert list(code.rglob("*.j2"))
    ask = "from sweep.tune.nodes import what_must_agree as w; print(sorted(w().items()))"
    there = subprocess.run(
        [sys.executable, "-P", "-c", ask],
        cwd=tmp_path,
        env={"PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == str(sorted(what_must_agree().items()))


def test_the_loss_of_the_last_node_is_told_once_until_another_has_joined() -> None:
    counts = iter([2, 0, 0, 1, 0, 0])
    told: list[str] = []
    over = threading.Event()

    def count() -> int:
        try:
            return next(counts)
        except StopIteration:
            over.set()
            raise OSError("Ray is gone") from None

    with nodes_watched(count, told.append, seconds=0.001):
        assert over.wait(60)
    assert told == ["no node of the cluster can hold a trial; waiting for one to join"] * 2
