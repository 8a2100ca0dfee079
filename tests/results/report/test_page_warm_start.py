"""The page names the earlier runs that guided a search."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from results.scores.summary import summarise
from tests.results.helpers import Trial, make_run
from tests.results.report.test_page import drawn

WORDS = "Trials of 2 earlier runs guided the search"


def test_earlier_runs_that_guided_the_search_are_named(tmp_path: Path) -> None:
    cold = summarise(make_run(tmp_path / "run", [Trial("VGG16", 0), Trial("VGG16", 1)]))
    settings = {**cold.settings, "warm_start": ("/runs/one", "/runs/two")}
    assert WORDS not in drawn(cold, {})
    guided = drawn(dataclasses.replace(cold, settings=settings), {})
    assert WORDS in guided
    assert "/runs/one, /runs/two" in guided
