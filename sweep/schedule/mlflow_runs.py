"""`--log-to mlflow`: a run of MLflow for each finished trial, below one for the sweep.

    MLFLOW_TRACKING_URI=http://localhost:5000 python run_sweep.py --backbones all --log-to mlflow

A mirror of the ledger's records, like `optuna.db`: nothing reads it back, and it decides nothing.
MLflow's own variables say where it is. It tries a server that does not answer for minutes, so a
thread writes, and no trial waits for it. Records have no test scores, and so neither has MLflow.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from queue import SimpleQueue
from threading import Thread
from typing import Any

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import in_one_line

_LOG = logging.getLogger(__name__)
_MOST_IN_A_CALL = 1000
"""Metrics, as MLflow's server has it."""
_MOST_FOUND = 50_000
"""Runs that one search may return, as MLflow has it."""
_SECONDS_TO_END, _SECONDS_IF_INTERRUPTED = 60.0, 1.0
_OF_AN_EPOCH = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
    "validation_score",
)
_ENDED, _KILLED, _FAILED, _RUNNING = "FINISHED", "KILLED", "FAILED", "RUNNING"
"""How runs end, in MLflow's words."""

Add = Callable[[Iterable[TrialRecord]], None]


def imported() -> Any:
    """The module `mlflow`, which shall neither print beside our table nor count uses on a server.

    Raises:
        ImportError: it is not installed; `installed.version_of` refuses that at the start.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    logger = logging.getLogger("mlflow")
    logger.handlers.clear()
    logger.propagate = True
    return mlflow


@contextmanager
def logged_to_mlflow(
    folder: RunFolder,
    warn: Callable[[str], None],
    *,
    wanted: bool = True,
    load: Callable[[], Any] = imported,
) -> Iterator[Add]:
    """Log to MLflow for the time of the block; yields what takes finished trials.

    Args:
        folder: of a run that has been started.
        warn: told once, at the end, if not everything was logged.
        wanted: whether to log at all.
        load: gives the module `mlflow`, or what has its `MlflowClient` and `entities`.
    """
    if not wanted:
        yield lambda _: None
        return
    waiting: SimpleQueue[TrialRecord | str] = SimpleQueue()
    faults: list[str] = []
    thread = Thread(target=_write, args=(folder, load, waiting, faults), daemon=True)
    thread.start()

    def add(records: Iterable[TrialRecord]) -> None:
        for record in records:
            waiting.put(record)

    ending, seconds = _KILLED, _SECONDS_IF_INTERRUPTED
    try:
        yield add
        ending, seconds = _ENDED, _SECONDS_TO_END
    finally:
        waiting.put(ending)
        thread.join(seconds)
        if thread.is_alive():
            faults.append(f"it has not answered for {seconds:g} s")
        if faults:
            warn(
                f"MLflow does not have all trials, the ledger is not affected: {faults[0]}. "
                "A --resume with --log-to mlflow logs the others."
            )


def _write(
    folder: RunFolder,
    load: Callable[[], Any],
    waiting: SimpleQueue[TrialRecord | str],
    faults: list[str],
) -> None:
    """Log what comes until a word says how the sweep ended; the first fault ends it."""
    try:
        sweep = _Sweep(load(), folder)
        while isinstance(record := waiting.get(), TrialRecord):
            sweep.add(record)
        sweep.end(record)
    except Exception as fault:  # whatever MLflow, its database or the network raises
        _LOG.warning("MLflow is not logged to any more", exc_info=True)
        faults.append(in_one_line(fault)[:200])


class _Sweep:
    """The run of a sweep in MLflow, new or found again, and the trials that it has already."""

    def __init__(self, mlflow: Any, folder: RunFolder) -> None:
        self._entities = mlflow.entities
        self._client = mlflow.MlflowClient()
        self._experiment = self._experiment_named(
            os.environ.get("MLFLOW_EXPERIMENT_NAME") or "transfer-sweep"
        )
        run = folder.read_run()
        identity = sha256(f"{folder.root.name} {run.created} {run.data.digest}".encode())
        tags = {"sweep": identity.hexdigest()[:16], "run": str(folder.root)}
        found = self._found(f"tags.sweep = '{tags['sweep']}'")
        if found:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status=_RUNNING)
        else:
            self._run = self._created(folder.root.name, tags)
        self._has: set[str] = set()
        for trial in self._found(f"tags.mlflow.parentRunId = '{self._run}'"):
            if trial.info.status == _RUNNING:  # cut while it was logged
                self._client.delete_run(trial.info.run_id)
            else:
                self._has.add(trial.data.tags["trial"])

    def add(self, record: TrialRecord) -> None:
        """Log a finished trial, unless it is there."""
        if record.trial in self._has:
            return
        self._has.add(record.trial)
        end = int(time.time() * 1000)
        tags = {
            "mlflow.parentRunId": self._run,
            "trial": record.trial,
            "backbone": record.backbone,
            "status": str(record.status),
            **({"error": record.error} if record.error else {}),
        }
        start = end - int(record.cost.seconds_total * 1000)
        run = self._created(record.trial, tags, start)
        configuration = record.trained.to_dict().items()
        params = [self._entities.Param(name, str(value)) for name, value in configuration]
        self._client.log_batch(run, params=params)
        metrics = [
            self._entities.Metric(name, float(value), end, step)
            for name, value, step in _metrics(record)
        ]
        for at in range(0, len(metrics), _MOST_IN_A_CALL):
            self._client.log_batch(run, metrics=metrics[at : at + _MOST_IN_A_CALL])
        ending = _FAILED if record.status == Status.FAILED else _ENDED
        self._client.set_terminated(run, ending, end)

    def end(self, status: str) -> None:
        self._client.set_terminated(self._run, status)

    def _experiment_named(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        return str(experiment.experiment_id if experiment else self._client.create_experiment(name))

    def _found(self, which: str) -> list[Any]:
        return list(self._client.search_runs([self._experiment], which, max_results=_MOST_FOUND))

    def _created(self, name: str, tags: dict[str, str], start: int | None = None) -> str:
        """The id of a new run. Args: `start` in milliseconds of Unix time; default: now."""
        run = self._client.create_run(self._experiment, start_time=start, tags=tags, run_name=name)
        return str(run.info.run_id)


def _metrics(record: TrialRecord) -> Iterator[tuple[str, float, int]]:
    """Name, value and step: each epoch's by its number, then those of the best at its own."""
    for epoch in record.epochs:
        for name in _OF_AN_EPOCH:
            if (value := getattr(epoch, name)) is not None:
                yield name, value, epoch.epoch
    last = record.epochs[-1].epoch if record.epochs else 0
    yield "seconds_total", record.cost.seconds_total, last
    if record.best_epoch is not None:
        yield "best_epoch", record.best_epoch, last
    for name in ("validation_accuracy", "validation_loss", "validation_score"):
        if (value := getattr(record, name)) is not None:
            yield f"best_{name}", value, record.best_epoch or last
