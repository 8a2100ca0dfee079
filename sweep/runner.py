"""Runs what is left of a sweep as one pool of Ray Tune trials.

Ray only schedules: which trial comes next is the pool's business, what came out is the ledger's.
Call `sweep.environment.set_for_ray` before this module is imported.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune

from results.files import write_text
from results.records import TrialRecord
from results.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.assignment import METRIC
from sweep.environment import NeverRestored
from sweep.job import Job
from sweep.pool import Pool, PoolSearcher, budget
from sweep.progress import Running
from sweep.search import Studies, importances
from sweep.settings import Machine
from sweep.task import run_trial
from sweep.worker import describe_board

_LOG = logging.getLogger(__name__)

_WORKER_DEATHS_FORGIVEN = 1


def run_trials(
    pool: Pool,
    job: Job,
    *,
    on_epoch: Callable[[Running], None],
    on_finished: Callable[[TrialRecord], None],
) -> None:
    """Train every trial that is left, as far as the budgets go.

    Args:
        on_epoch: called when a running trial ends an epoch.
        on_finished: called with every new record.

    Raises:
        EnvironmentRefusal: Ray cannot be started or died, the disk is full, weights do not fit.
    """
    folder = RunFolder(job.run)
    studies = Studies(folder.optuna_db, job.settings.space, job.settings.backbones)
    for record in pool.finished.values():
        studies.add(record)
    if not pool.left:
        return
    searcher = PoolSearcher(
        pool, studies, job.machine, spent=budget(job.machine, job.run), on_finished=on_finished
    )
    with ray_started(job.machine, folder):
        if not pool.finished:
            ray.get(ray.remote(num_cpus=0)(describe_board).remote(job))
        _fit(pool, searcher, job, on_epoch)
    folder.write_importances(importances(pool.finished.values(), job.settings.space))
    if searcher.refusal:
        raise searcher.refusal


def _fit(pool: Pool, searcher: PoolSearcher, job: Job, on_epoch: Callable[[Running], None]) -> None:
    machine = job.machine
    trainable = tune.with_resources(
        partial(run_trial, job=job), {"cpu": machine.cpus_per_trial, "gpu": machine.gpus_per_trial}
    )
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=pool.left,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(RunFolder(job.run).ray),
            verbose=0,
            stop=_RefusalStopper(searcher),
            callbacks=[_Epochs(on_epoch)],
            failure_config=tune.FailureConfig(max_failures=_WORKER_DEATHS_FORGIVEN),
        ),
    )
    try:
        tuner.fit()
    except Exception as fault:
        _LOG.exception("Ray Tune ended with an error")
        raise EnvironmentRefusal(
            f"Ray died: {type(fault).__name__}",
            where=str(RunFolder(job.run).log),
            fix="Resume the run; finished trials are kept.",
        ) from fault


class _RefusalStopper(NeverRestored, tune.Stopper):  # type: ignore[misc]
    """Ends the sweep when there is a reason that concerns every trial."""

    def __init__(self, searcher: PoolSearcher) -> None:
        self._searcher = searcher

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._searcher.refusal is not None


class _Epochs(NeverRestored, tune.Callback):  # type: ignore[misc]
    """Hands what running trials report to the live table."""

    def __init__(self, on_epoch: Callable[[Running], None]) -> None:
        self._on_epoch = on_epoch

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **_: Any) -> None:
        self._on_epoch(_running(trial, 0, None))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **_: Any
    ) -> None:
        if "epoch" in result:
            self._on_epoch(_running(trial, result["epoch"], result[METRIC]))


def _running(trial: Any, epoch: int, accuracy: float | None) -> Running:
    config = trial.config["config"]
    return Running(
        trial=trial.config["trial"],
        point=f"{config['unfreeze']}, {config['optimizer']} {config['learning_rate']:.1e}",
        epoch=epoch,
        epochs=config["epochs"],
        validation_accuracy=accuracy,
    )


@contextmanager
def ray_started(machine: Machine, folder: RunFolder) -> Iterator[None]:
    """Ray for the time of the block: our own instance, or a cluster if an address is given.

    Our own has token authentication, no dashboard, and a temporary folder that is removed at the
    end; what a killed run of this folder left there is removed first.

    Raises:
        EnvironmentRefusal: Ray does not start.
    """
    note = folder.root / ".ray-folder"
    _remove_left_behind(note)
    temporary = Path(tempfile.mkdtemp(prefix="sweep-"))
    write_text(note, str(temporary))
    try:
        _start(machine, temporary)
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(temporary, ignore_errors=True)
        note.unlink(missing_ok=True)


def _start(machine: Machine, temporary: Path) -> None:
    common = {"log_to_driver": False, "configure_logging": False}
    own = {
        "num_cpus": machine.cpus_per_trial * machine.max_concurrent,
        "include_dashboard": False,
        "_temp_dir": str(temporary),
    }
    ours = signal.getsignal(signal.SIGTERM)
    try:
        if machine.address:
            ray.init(address=machine.address, **common)
        else:
            ray.init(**own, **common)
        signal.signal(signal.SIGTERM, ours)  # Ray puts its own there
    except Exception as fault:
        _LOG.exception("Ray does not start")
        raise EnvironmentRefusal(
            f"Ray does not start: {' '.join(str(fault).split())[:200]}",
            where=machine.address or str(temporary),
            fix="See the log; a shorter TMPDIR, free ports or more memory may help.",
        ) from fault
    _close_token()


def _close_token() -> None:
    """Ray writes its authentication token for all to read."""
    token = Path.home() / ".ray" / "auth_token"
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(0o600)


def _remove_left_behind(note: Path) -> None:
    """End what a killed driver's Ray still runs, so that no orphan writes into the run again."""
    if not note.is_file():
        return
    left = Path(note.read_text())
    if left.name.startswith("sweep-") and left.parent == Path(tempfile.gettempdir()):
        for process in _processes_naming(str(left)):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        shutil.rmtree(left, ignore_errors=True)
    note.unlink()


def _processes_naming(text: str) -> list[int]:
    """Processes with `text` in their command line, where the system tells (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if text.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found
