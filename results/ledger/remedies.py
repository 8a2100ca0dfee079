"""What to do about a file of a run that is missing or damaged: a sentence for its refusal.

`root` is the run's folder.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from results.ledger.commands import typed

NEW_RUN = "The run cannot go on without it: put it back from a copy, or start another run."
MORE_FILES = "Raise the limit before you start it: ulimit -n 4096"


def train_again(folder: Path) -> str:
    """A trial's file: the trial is lost and can be repeated.

    Args:
        folder: the trial's, `RUN/trials/BACKBONE/TRIAL`.
    """
    removed = f"rm -r {shlex.quote(str(folder))}"
    return f"To train the trial again: {removed} && {resume_command(folder.parents[2])}"


def made_again(root: Path) -> str:
    """What follows from the ledger, and is made at the end of every resume."""
    return f"Remove it; it is made again by: {resume_command(root)}"


def reported_again(root: Path) -> str:
    """The report's files."""
    return f"Make the report again: {typed('report', root)}"


def exported_again(root: Path) -> str:
    """The exported models."""
    return f"Export the models again: {typed('export', root)}"


def resume_command(root: Path) -> str:
    """What is typed to go on with a run."""
    return typed("run", "--resume", root)
