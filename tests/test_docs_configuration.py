"""`docs/configuration.md` and `docs/notebooks.md` are followed as they stand.

Blocks marked `sh` and `python` are run in their order; `console` and `text` are for people.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from search_spaces.spaces import NAMED_SPACES, NamedSpace
from tests.house import ROOMS, ROOT
from tests.sweeps import photo_folder, with_table_1

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(page: str, language: str) -> str:
    """All blocks of a language, joined."""
    found = BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    return "".join(text for kind, text in found if kind == language)


@pytest.fixture
def clone(tmp_path: Path, table_1: Path) -> Path:
    """What looks like a clone, with photos in it."""
    for name in (*ROOMS, "run_sweep.py", "transfer_sweep.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    photo_folder(tmp_path / "my-photos")
    with_table_1(tmp_path / "cache/transfer-sweep", table_1)
    return tmp_path


def follow(clone: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=clone,
        env={**os.environ, "XDG_CACHE_HOME": str(clone / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_on_settings_says_what_happens(clone: Path) -> None:
    done = follow(clone, "bash", "-ec", text_of("configuration.md", "sh"))
    assert done.returncode == 0, done.stderr
    shown = {" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()}
    for line in text_of("configuration.md", "text").splitlines():
        expected = re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*")
        assert any(re.fullmatch(expected, one) for one in shown), line
    resolved = (clone / "resolved.toml").read_text()
    assert 'max_cache = "20GB"' in resolved


@pytest.mark.parametrize("named", NAMED_SPACES, ids=lambda named: named.name)
def test_the_page_on_settings_has_each_named_space_as_it_is(named: NamedSpace) -> None:
    row = f"| `{named.name}` | {named.purpose} | {named.cost} | {named.measured} |"
    assert row in (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_on_notebooks_trains_and_shows_a_run(clone: Path) -> None:
    done = follow(clone, str(clone / ".venv/bin/python"), "-c", text_of("notebooks.md", "python"))
    assert done.returncode == 0, done.stderr
    assert "Did you mean VGG16?" in done.stdout
    assert len(RunFolder(clone / "runs/notebook").records()) == 4
    assert re.search(r"VGG16/\w+ \d+ of \d+", done.stdout)
