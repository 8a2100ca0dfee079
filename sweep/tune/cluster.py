"""Ray for the time of a sweep: an instance of our own, or a cluster that is there already.

Call `sweep.process.environment.set_for_ray` before this module is imported.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from results.ledger.files import refuse_others_folder
from results.ledger.remedies import resume_command
from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.hardware import Machine, gpus_needed
from sweep.process.leftovers import (
    NOTE,
    TEMPORARY_PREFIX,
    descendants,
    end_leftovers,
    write_note,
)
from sweep.signals import signals_at_once
from sweep.tune.watch import ray_watched

_LOG = logging.getLogger(__name__)


@contextmanager
def ray_started(machine: Machine, folder: RunFolder) -> Iterator[None]:
    """Ray for the time of the block: our own instance, or a cluster if an address is given.

    Our own has token authentication, no dashboard, and a temporary folder that is removed at the
    end; what a killed run of this folder left there is removed first.

    In the block a signal ends this process at once, and so does the death of Ray's own processes,
    with a line that says so; the guardian ends the others.

    Raises:
        EnvironmentRefusal: Ray does not start.
    """
    note = folder.root / NOTE
    end_leftovers(note)
    temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX))  # for this user alone: 0700
    refuse_others_folder(temporary)
    folder.ray.mkdir(mode=0o700, exist_ok=True)
    refuse_others_folder(folder.ray)
    write_note(note, temporary)
    try:
        with signals_at_once(), ray_watched(partial(_end_without_ray, folder)):
            _start(machine, temporary)
            write_note(note, temporary, descendants(os.getpid()))
            if machine.address:
                _refuse_unfit_nodes(machine, folder)
            yield
    finally:
        ray.shutdown()
        shutil.rmtree(temporary, ignore_errors=True)
        note.unlink(missing_ok=True)


def _end_without_ray(folder: RunFolder, name: str) -> NoReturn:
    """End this process: what it does in compiled code of Ray would take a minute to give up."""
    refusal = ray_died(f"its {name} has ended", folder)
    _LOG.error("%s", refusal)
    os.write(2, f"error: {refusal}\n".encode())
    os._exit(refusal.exit_code)


def ray_died(how: str, folder: RunFolder) -> EnvironmentRefusal:
    """The refusal of a sweep that lost its Ray."""
    return EnvironmentRefusal(
        f"Ray died: {how}",
        where=str(folder.log),
        fix=f"Finished trials are kept; go on with: {resume_command(folder.root)}",
    )


def _start(machine: Machine, temporary: Path) -> None:
    common = {"log_to_driver": False, "configure_logging": False}
    own = {
        "num_cpus": machine.cpus_per_trial * machine.max_concurrent,
        "num_gpus": gpus_needed(machine.max_concurrent, machine.gpus_per_trial),
        "include_dashboard": False,
        "_temp_dir": str(temporary),
    }
    ours = signal.getsignal(signal.SIGTERM)
    try:
        _private_token()
        if machine.address:
            ray.init(address=machine.address, **common)
        else:
            with _temporary_files_in(temporary):
                ray.init(**own, **common)
        signal.signal(signal.SIGTERM, ours)  # Ray puts its own there
    except Exception as fault:
        _LOG.exception("Ray does not start")
        raise EnvironmentRefusal(
            f"Ray does not start: {' '.join(str(fault).split())[:200]}",
            where=machine.address or str(temporary),
            fix="See the log; a shorter TMPDIR, free ports or more memory may help.",
        ) from fault


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let processes that are started in the block keep their temporary files in a folder.

    Ray ends its workers' children without a warning, so that these cannot remove their own.
    """
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


def _refuse_unfit_nodes(machine: Machine, folder: RunFolder) -> None:
    """Check that some node can hold a trial, and that those that can see the run and the cache."""
    fit = [
        node["NodeID"]
        for node in ray.nodes()
        if node["Alive"]
        and node["Resources"].get("CPU", 0) >= machine.cpus_per_trial
        and node["Resources"].get("GPU", 0) >= machine.gpus_per_trial
    ]
    if not fit:
        raise EnvironmentRefusal(
            f"no node of the cluster has {machine.cpus_per_trial} CPU and "
            f"{machine.gpus_per_trial:g} GPU for a trial",
            where=str(machine.address),
            fix="Lower --cpus-per-trial or --gpus-per-trial.",
        )
    task = ray.remote(num_cpus=0)(_sees)
    for node in fit:
        on_node = task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        if not ray.get(on_node.remote(folder.run_json, machine.cache_dir)):
            raise EnvironmentRefusal(
                f"a node of the cluster does not see {folder.root} and {machine.cache_dir}",
                where=str(machine.address),
                fix="Give --run-dir and --cache-dir on storage that all nodes share.",
            )


def _sees(run_json: Path, cache_dir: Path) -> bool:
    return run_json.is_file() and cache_dir.is_dir()


def _private_token() -> None:
    """Make the token that Ray would make for all to read; close one that it made before."""
    token = Path.home() / ".ray" / "auth_token"
    token.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        handle = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, secrets.token_hex(32).encode())
        os.close(handle)
    if token.stat().st_uid == os.getuid():
        token.chmod(0o600)
