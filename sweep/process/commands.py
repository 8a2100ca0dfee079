"""Runs commands of `trainables` as processes of their own, so that the driver never loads Keras."""

from __future__ import annotations

import os
import subprocess
from typing import IO

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.environment import module_of_ours, path_to_our_code


def export_winners(folder: RunFolder) -> None:
    """Write `models/` and TensorBoard's pictures; what the process prints goes to the run's log.

    Raises:
        EnvironmentRefusal: it failed.
    """
    if _logged(folder, "export"):
        raise EnvironmentRefusal(
            "the winners could not be written as Keras models",
            where=str(folder.log),
            fix="The report is complete; --resume the run to try again.",
        )


def measure_backbones(folder: RunFolder) -> bool:
    """Measure the paper's Table 1 for the run's backbones; tells whether it could be."""
    return _logged(folder, "characteristics") == 0


def _logged(folder: RunFolder, command: str) -> int:
    """Run a command on the run, what it prints going to the run's log; return its exit code."""
    with folder.log.open("a") as log:
        return _run([command, str(folder.root)], log)


def reproduce(folder: RunFolder, trial: str) -> int:
    """Train one trial again; prints what came out and returns the exit code."""
    return _run(["reproduce", str(folder.root), trial])


def _run(arguments: list[str], output: IO[str] | None = None) -> int:
    """Run `python -m trainables` of this code, wherever the command was typed."""
    command = module_of_ours("trainables", *arguments)
    environment = {**os.environ, **path_to_our_code()}
    done = subprocess.run(command, stdout=output, stderr=output, env=environment, check=False)
    return done.returncode
