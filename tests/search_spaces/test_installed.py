"""Versions without imports: any distribution of a library counts, and a missing one is refused."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from search_spaces.installed import version_of
from search_spaces.refusals import EnvironmentRefusal


def test_a_library_that_is_missing_is_refused_with_what_to_type() -> None:
    with pytest.raises(EnvironmentRefusal, match="pip install no-such-library"):
        version_of("no-such-library")


def test_without_any_tensorflow_both_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(EnvironmentRefusal, match="pip install tensorflow, or tensorflow-cpu"):
        version_of("tensorflow")


def test_another_distribution_of_the_same_library_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "tensorflow_cpu-9.8.7.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 9.8.7\n")
    (about / "top_level.txt").write_text("tensorflow\n")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    assert version_of("tensorflow") == "9.8.7"


def test_the_usual_name_is_asked_first() -> None:
    assert version_of("numpy") == importlib.metadata.version("numpy")
