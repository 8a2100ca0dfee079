"""The last lines of a run: where things are, and what can be typed next."""

from __future__ import annotations

import os
from pathlib import Path

from results.ledger.commands import typed
from results.ledger.remedies import resume_command
from results.ledger.store import RunFolder
from sweep.terminal.tensorboard_server import command


def closing(folder: RunFolder, *, complete: bool, exported: bool) -> list[str]:
    """Paths, then commands that can be copied.

    Args:
        complete: every planned trial has its record.
        exported: there are models.
    """
    run = as_typed(folder.root)
    lines = [
        f"report:      {as_typed(folder.report_html)}",
        *([f"models:      {as_typed(folder.models)}"] if exported else []),
        f"TensorBoard: {as_typed(folder.tensorboard)}",
        "next:",
    ]
    if exported:
        lines.append(f"  {typed('predict', run)} PHOTO...")
    if not complete:
        lines.append(f"  {resume_command(Path(run))}")
    lines.append(f"  {command(Path(as_typed(folder.tensorboard)))}")
    lines.append(f"  {typed('report', run)} --tables all")
    return lines


def as_typed(path: Path) -> str:
    """A path from the folder where the command was typed, if it lies below it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith(os.pardir) else relative
