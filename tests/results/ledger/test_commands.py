"""What a refusal and the last lines tell to type: a copy's scripts, or the installed command."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.commands import typed
from tests.house import ROOT


@pytest.mark.parametrize(
    ("command", "copied", "installed"),
    [
        ("run", "python run_sweep.py --resume 'a b'", "transfer-sweep run --resume 'a b'"),
        ("report", "python -m results --resume 'a b'", "transfer-sweep report --resume 'a b'"),
    ],
)
def test_a_copy_of_the_code_has_scripts_and_a_package_has_one_command(
    tmp_path: Path, command: str, copied: str, installed: str
) -> None:
    assert typed(command, "--resume", Path("a b"), code=tmp_path) == installed
    (tmp_path / "pyproject.toml").touch()
    assert typed(command, "--resume", Path("a b"), code=tmp_path) == copied
    assert typed(command, "--resume", Path("a b")) == copied
    assert (ROOT / "pyproject.toml").is_file()
