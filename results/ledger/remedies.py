"""What to do about a file of a run that is missing or damaged: a sentence for its refusal."""

from __future__ import annotations

import shlex
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
NEW_RUN = "The run cannot go on without it: put it back from a copy, or start another run."


def train_again(folder: Path) -> str:
    """A trial's file: the trial is lost and can be repeated.

    Args:
        folder: the trial's, `RUN/trials/BACKBONE/TRIAL`.
    """
    removed = f"rm -r {shlex.quote(str(folder))}"
    return f"To train the trial again: {removed} && {resume_command(folder.parents[2])}"


def made_again(root: Path) -> str:
    """What follows from the ledger, and is made at the end of every resume.

    Args:
        root: the run's folder.
    """
    return f"Remove it; it is made again by: {resume_command(root)}"


def reported_again(root: Path) -> str:
    """The report's files.

    Args:
        root: the run's folder.
    """
    return f"Make the report again: python -m results {shlex.quote(str(root))}"


def exported_again(root: Path) -> str:
    """The exported models.

    Args:
        root: the run's folder.
    """
    return f"Export the models again: python -m trainables export {shlex.quote(str(root))}"


def resume_command(root: Path, *, home: Path = _HOME) -> str:
    """What is typed to go on with a run.

    Args:
        home: the folder of our code; where packages are installed nobody types the name of a file.
    """
    command = "transfer-sweep run" if home.name == "site-packages" else "python run_sweep.py"
    return f"{command} --resume {shlex.quote(str(root))}"
