"""`optuna.db`: a study per backbone for people, a mirror of the ledger.

    optuna-dashboard sqlite:///runs/<name>/optuna.db

Nothing reads it back, and no suggestion depends on it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import optuna
from sqlalchemy.exc import SQLAlchemyError

from results.ledger.records import TrialRecord
from search_spaces.space import SearchSpace
from sweep.schedule.optuna_trials import as_optuna

_LOG = logging.getLogger(__name__)
_SECONDS_FOR_A_LOCK = 0.5


class Studies:
    """`optuna.db`: one study per backbone, a mirror of the ledger and never read back.

    It holds finished trials only, so nothing in it is ever left RUNNING. Where it cannot be written
    the sweep goes on without it, since the ledger is the truth, and the log says so: Optuna tries
    for seconds, which every later trial would wait for again.
    """

    def __init__(self, path: Path, space: SearchSpace, backbones: Sequence[str]) -> None:
        self._space = space
        self._studies: dict[str, optuna.Study] = {}
        path.unlink(missing_ok=True)
        try:
            storage = optuna.storages.RDBStorage(
                f"sqlite:///{path}",
                engine_kwargs={"connect_args": {"timeout": _SECONDS_FOR_A_LOCK}},
            )
            for backbone in backbones:
                self._studies[backbone] = optuna.create_study(
                    study_name=backbone, storage=storage, direction="maximize"
                )
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as fault:
            _LOG.warning("optuna.db is not written, the ledger is not affected: %s", fault)

    def add(self, record: TrialRecord) -> None:
        """Mirror one finished trial of the search."""
        study = None if record.repeat else self._studies.get(record.backbone)
        if study is None:
            return
        try:
            study.add_trial(as_optuna(record, self._space))
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as fault:
            self._studies.clear()
            _LOG.warning(
                "optuna.db ends before %s, the next resume writes it anew: %s", record.trial, fault
            )
