"""Where a finished run finds datasets and weights, on this machine."""

from __future__ import annotations

from pathlib import Path

from results.runs import RunRecord
from search_spaces.presets import default_cache_dir


def cache_dir_of(run: RunRecord) -> Path:
    """The cache folder that the run recorded or, where a run was moved to, this machine's own."""
    recorded = Path(run.settings["cache_dir"])
    try:
        return recorded if recorded.is_dir() else default_cache_dir()
    except OSError:  # another user's, such as /root/.cache
        return default_cache_dir()
