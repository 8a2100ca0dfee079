"""`run.json` as a frozen type: what was asked for, of what, on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from results.ledger.runs import DataRecord, WeightsSource
from search_spaces.config import TrialId
from search_spaces.settings import RunSettings


@dataclass(frozen=True)
class RunRecord:
    """`run.json`: what was asked for, of what, on what. Written before any trial.

    Attributes:
        created: local time, ISO 8601, for people only.
        command: the arguments as typed.
        settings: resolved; a resume must agree with them.
        planned: all trials of the search: the baselines, then number by number. Which repeats
            confirm its winners follows from its records, see `results.ledger.repeats`.
        seed: of the whole run.
        lag: how many trials at a time the run started with, the largest lag that a suggestion
            has, see `sweep.schedule.lag`.
        demonstration: True if this run makes no statement about the paper.
        data: the photos.
        weights: a name or folder as given, and the SHA-256 per backbone.
        versions: of Python and the libraries that decide numbers.
        hardware: processors, memory and GPUs in words.
        weights_source: per backbone; empty in runs of versions that did not record it.
    """

    created: str
    command: tuple[str, ...]
    settings: RunSettings
    planned: tuple[TrialId, ...]
    seed: int
    lag: int
    demonstration: bool
    data: DataRecord
    weights: str
    weights_sha256: Mapping[str, str]
    versions: Mapping[str, str]
    hardware: Mapping[str, Any]
    weights_source: Mapping[str, WeightsSource] = field(default_factory=dict)

    def with_more_trials(self, asked: int | None) -> RunRecord:
        """The run as it is resumed: with the trials per backbone that are asked for, if more.

        Finished trials stay as they are, and the search goes on from all of them. How many there
        are to be decides their order: such a run need not equal one that was begun with them.
        """
        if asked is None or asked <= self.settings.trials:
            return self
        settings = replace(self.settings, trials=asked)
        return replace(self, settings=settings, planned=settings.planned)
