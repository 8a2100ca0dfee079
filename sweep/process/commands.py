"""Runs commands of `trainables` as processes of their own, so that the driver never loads Keras."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.environment import module_of_ours, path_to_our_code

_SECONDS_TO_LOAD = 300
"""A disk may take minutes for TensorFlow's library."""


@contextmanager
def exporting_winners(folder: RunFolder) -> Iterator[None]:
    """Write `models/` and TensorBoard's pictures while the block runs, and wait for them.

    What the process prints goes to the run's log. It reads the run's `summary.json`.

    Raises:
        EnvironmentRefusal: it failed, which is told when the block has ended.
    """
    with folder.log.open("a") as log, _process(["export", str(folder.root)], log) as process:
        yield
    if process.returncode:
        raise EnvironmentRefusal(
            "the winners could not be written as Keras models",
            where=str(folder.log),
            fix="The report is complete; --resume the run to try again.",
        )


def measure_backbones(folder: RunFolder) -> bool:
    """Measure the paper's Table 1 for the run's backbones; tells whether it could be.

    What the process prints goes to the run's log.
    """
    with folder.log.open("a") as log:
        return _run(["characteristics", str(folder.root)], log) == 0


def gpus_of_tensorflow() -> int | None:
    """How many GPUs TensorFlow finds, asked in a process of its own; None where it cannot say."""
    command = module_of_ours("trainables.networks.devices")
    try:
        asked = subprocess.run(
            command,
            env={**os.environ, **path_to_our_code()},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_SECONDS_TO_LOAD,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return len(asked.stdout.splitlines())


def reproduce(folder: RunFolder, trial: str) -> int:
    """Train one trial again; prints what came out and returns the exit code."""
    return _run(["reproduce", str(folder.root), trial])


def _run(arguments: list[str], output: IO[str] | None = None) -> int:
    with _process(arguments, output) as process:
        pass
    return process.returncode


@contextmanager
def _process(arguments: list[str], output: IO[str] | None) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m trainables` of this code, wherever the command was typed, beside the block.

    The process has ended when the block is left; if the block fails, it is killed.
    """
    command = module_of_ours("trainables", *arguments)
    environment = {**os.environ, **path_to_our_code()}
    with subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            yield process
            process.wait()
        except BaseException:
            process.kill()
            raise
