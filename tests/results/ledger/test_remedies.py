"""What is typed to go on depends on how our code came to the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.remedies import resume_command


@pytest.mark.parametrize(
    ("home", "command"),
    [
        ("/venv/lib/python3.11/site-packages", "transfer-sweep run"),
        ("/home/me/transfer-sweep", "python run_sweep.py"),
    ],
)
def test_a_run_is_gone_on_with_by_the_command_that_there_is(home: str, command: str) -> None:
    typed = resume_command(Path("runs/my first"), home=Path(home))
    assert typed == f"{command} --resume 'runs/my first'"
