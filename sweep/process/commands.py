"""Runs commands of `trainables` as processes of their own, so that the driver never loads Keras."""

from __future__ import annotations

import os
import subprocess
import sys

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.environment import HOME


def export_winners(folder: RunFolder) -> None:
    """Write `models/` and TensorBoard's pictures; what the process prints goes to the run's log.

    Raises:
        EnvironmentRefusal: it failed.
    """
    if _logged(folder, "trainables.finished.export"):
        raise EnvironmentRefusal(
            "the winners could not be written as Keras models",
            where=str(folder.log),
            fix="The report is complete; --resume the run to try again.",
        )


def measure_backbones(folder: RunFolder) -> bool:
    """Measure the paper's Table 1 for the run's backbones; tells whether it could be."""
    return _logged(folder, "trainables.finished.characteristics") == 0


def _logged(folder: RunFolder, module: str) -> int:
    """Run a command on the run, what it prints going to the run's log; return its exit code."""
    with folder.log.open("a") as log:
        return subprocess.run(
            _command(module, str(folder.root)),
            stdout=log,
            stderr=log,
            env=_environment(),
            check=False,
        ).returncode


def reproduce(folder: RunFolder, trial: str) -> int:
    """Train one trial again; prints what came out and returns the exit code."""
    command = _command("trainables.finished.reproduce", str(folder.root), trial)
    return subprocess.run(command, env=_environment(), check=False).returncode


def _command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _environment() -> dict[str, str]:
    """Finds our code from wherever the command was typed."""
    paths = [str(HOME), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
