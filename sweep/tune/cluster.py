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
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import ray

from results.ledger.files import refuse_others_folder
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
from sweep.tune.nodes import code_copied

_LOG = logging.getLogger(__name__)


@contextmanager
def ray_started(
    machine: Machine, folder: RunFolder, watched: Callable[[], AbstractContextManager[None]]
) -> Iterator[None]:
    """Ray for the time of the block: our own instance, or a cluster if an address is given.

    Our own has token authentication, no dashboard, and a temporary folder that is removed at the
    end; what a killed run of this folder left there is removed first.

    In the block a signal ends this process at once; the guardian ends the others.

    Args:
        watched: the time in which Ray's own processes must live.

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
        with signals_at_once(), watched():
            _start(machine, temporary)
            write_note(note, temporary, descendants(os.getpid()))
            yield
    finally:
        ray.shutdown()
        shutil.rmtree(temporary, ignore_errors=True)
        note.unlink(missing_ok=True)


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
        if machine.address:
            code = code_copied(temporary / "code")
            ray.init(address=machine.address, runtime_env={"working_dir": str(code)}, **common)
        else:
            _private_token()
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
