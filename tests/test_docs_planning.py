"""`docs/planning.md` is followed as it stands: nothing is trained, so it takes seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.house import ROOMS, ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_page_on_plans_says_what_is_printed(tmp_path: Path) -> None:
    for name in (*ROOMS, "run_sweep.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    page = dict(BLOCK.findall((ROOT / "docs/planning.md").read_text(encoding="utf-8")))
    done = subprocess.run(
        ["bash", "-ec", page["sh"]],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in page["text"].splitlines():
        expected = re.escape(line).replace(r"\.\.\.", ".*")
        assert re.search(f"^{expected} *$", done.stdout, re.MULTILINE), (line, done.stdout)
    assert not (tmp_path / "runs").exists()
