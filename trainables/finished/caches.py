"""Where a finished run finds datasets and weights, on this machine."""

from __future__ import annotations

from pathlib import Path

from results.ledger.runs import RunRecord
from search_spaces.presets import cache_dir_known_as


def cache_dir_of(run: RunRecord) -> Path:
    """The cache folder that the run recorded or, where a run was moved to, this machine's own."""
    return cache_dir_known_as(run.settings["cache_dir"])
