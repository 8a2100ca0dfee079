"""`optuna.db`: a study per backbone for people, a mirror of the ledger.

    optuna-dashboard sqlite:///runs/<name>/optuna.db

Nothing reads it back, and no suggestion depends on it. Optuna makes the file and its studies, but
trials are put into its tables many at a time: through Optuna each takes 20 to 200 ms, and a resume
of 10,000 trials would wait minutes for a file that it does not need.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.exc import SQLAlchemyError

from results.ledger.records import TrialRecord
from search_spaces.space import SearchSpace
from sweep.schedule.optuna_trials import as_optuna

_LOG = logging.getLogger(__name__)
_SECONDS_FOR_A_LOCK = 0.5
_SECONDS_BETWEEN_WRITES = 5.0
_ROW = tuple[Any, ...]

_INSERT = {
    "trials": "trial_id, number, study_id, state, datetime_start, datetime_complete",
    "trial_values": "trial_id, objective, value, value_type",
    "trial_params": "trial_id, param_name, param_value, distribution_json",
    "trial_intermediate_values": "trial_id, step, intermediate_value, intermediate_value_type",
    "trial_user_attributes": "trial_id, key, value_json",
}
"""Columns by table, as Optuna's schema 12 has them."""


class Studies:
    """`optuna.db`: one study per backbone, a mirror of the ledger and never read back.

    It holds finished trials only, so nothing in it is ever left RUNNING. Where it cannot be written
    the sweep goes on without it, since the ledger is the truth, and the log says so: waiting for a
    lock takes time, which every later trial would wait for again.

    Args:
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self,
        path: Path,
        space: SearchSpace,
        backbones: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._space = space
        self._clock = clock
        self._written: float | None = None
        self._waiting: list[TrialRecord] = []
        self._studies: dict[str, int] = {}
        path.unlink(missing_ok=True)
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            for backbone in backbones:
                optuna.create_study(study_name=backbone, storage=storage, direction="maximize")
                self._studies[backbone] = storage.get_study_id_from_name(backbone)
            storage.remove_session()
            storage.engine.dispose()  # or the file stays open until the garbage is collected
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as fault:
            _LOG.warning("optuna.db is not written, the ledger is not affected: %s", fault)

    def add(self, records: Iterable[TrialRecord]) -> None:
        """Mirror finished trials of the search, now or with those of the next seconds."""
        searched = (record for record in records if not record.repeat)
        self._waiting += [record for record in searched if record.backbone in self._studies]
        now = self._clock()
        if self._written is None or now - self._written >= _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Write the trials that wait, all or none."""
        if not self._waiting:
            return
        first, self._written = self._waiting[0].trial, self._clock()
        try:
            with closing(sqlite3.connect(self._path, timeout=_SECONDS_FOR_A_LOCK)) as file, file:
                self._insert(file)
        except sqlite3.Error as fault:
            self._studies.clear()
            _LOG.warning("optuna.db ends before %s, the next resume writes it: %s", first, fault)
        self._waiting.clear()

    def _insert(self, file: sqlite3.Connection) -> None:
        """Put in all that wait; numbers and ids go on from those in the file."""
        (last,) = file.execute("SELECT coalesce(max(trial_id), 0) FROM trials").fetchone()
        numbers = dict(file.execute("SELECT study_id, count(*) FROM trials GROUP BY study_id"))
        rows: dict[str, list[_ROW]] = {table: [] for table in _INSERT}
        for trial_id, record in enumerate(self._waiting, start=last + 1):
            study = self._studies[record.backbone]
            number = numbers.get(study, 0)
            numbers[study] = number + 1
            trial = as_optuna(record, self._space)
            for table, row in _rows(trial, trial_id, study, number):
                rows[table].append(row)
        for table, columns in _INSERT.items():
            places = ", ".join("?" * len(columns.split(",")))
            file.executemany(f"INSERT INTO {table} ({columns}) VALUES ({places})", rows[table])


def _rows(
    trial: optuna.trial.FrozenTrial, trial_id: int, study: int, number: int
) -> Iterator[tuple[str, _ROW]]:
    """One trial as rows of Optuna's tables; only finite values get here, the rest diverged."""
    times = (str(trial.datetime_start), str(trial.datetime_complete))
    yield "trials", (trial_id, number, study, trial.state.name, *times)
    if trial.value is not None:
        yield "trial_values", (trial_id, 0, trial.value, "FINITE")
    for name, value in trial.params.items():
        dimension = trial.distributions[name]
        inside = dimension.to_internal_repr(value)
        text = optuna.distributions.distribution_to_json(dimension)
        yield "trial_params", (trial_id, name, inside, text)
    for step, value in trial.intermediate_values.items():
        yield "trial_intermediate_values", (trial_id, step, value, "FINITE")
    for key, value in trial.user_attrs.items():
        yield "trial_user_attributes", (trial_id, key, json.dumps(value))
