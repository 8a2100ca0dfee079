"""Trials of the search that a time budget left out, so that winners could be confirmed in time.

A backbone's search is over without them: its repeats are those of what was trained. A resume takes
them up again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from results.ledger.files import read_json, write_json
from results.ledger.serialise import from_json
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal, UsageRefusal

_KEY = "trials"


def write_left_out(path: Path, trials: Iterable[TrialId]) -> None:
    """Note all that were left out so far.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    write_json(path, {_KEY: sorted(trial.name for trial in trials)})


def read_left_out(path: Path) -> frozenset[TrialId]:
    """The trials that were left out; empty where there is no such file.

    Raises:
        EnvironmentRefusal: the file is damaged.
    """
    if not path.exists():
        return frozenset()
    fix = f"Remove it ({path.name} alone); a resume trains what it names."
    try:
        return frozenset(from_json(dict[str, tuple[TrialId, ...]], read_json(path, fix=fix))[_KEY])
    except (KeyError, ValueError, UsageRefusal) as fault:
        raise EnvironmentRefusal("names of trials are needed", where=str(path), fix=fix) from fault
