"""The pages in `docs/` are followed as they stand: own photos first, the others on the run it made.

Blocks marked `sh` and `python` are run in their order, in a folder that looks like a clone with
photos in it. Blocks marked `console` or `text` are for people.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from results.ledger.verify import verify
from tests.house import ROOMS
from tests.sweeps import HOME, photo_folder, with_table_1

PAGES = HOME / "docs"
BLOCK = re.compile(r"^```(\w+)( \S+)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of a page's blocks."""
    found = BLOCK.findall((PAGES / page).read_text(encoding="utf-8"))
    return [(language, text) for language, _, text in found]


def as_script(page: str) -> str:
    """What to type into a shell to follow a page."""
    parts = ["set -e"]
    for language, text in blocks(page):
        if language == "sh":
            parts.append(text)
        elif language == "python":
            parts.append(f".venv/bin/python - <<'END'\n{text}END")
    return "\n".join(parts)


def follow(page: str, clone: Path) -> str:
    """Follow a page; return what was printed."""
    done = subprocess.run(
        ["bash", "-c", as_script(page)],
        cwd=clone,
        env={**os.environ, "XDG_CACHE_HOME": str(clone / "cache"), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_page_is_named_in_the_readme_and_its_links_lead_somewhere() -> None:
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    for page in PAGES.glob("*.md"):
        assert f"docs/{page.name}" in readme
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (PAGES / link).exists(), f"{page.name}: {link}"


def test_every_block_says_whether_it_is_run() -> None:
    for page in PAGES.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert text.count("```") == 2 * len(blocks(page.name)), page.name
        assert {language for language, _ in blocks(page.name)} <= {
            "sh",
            "python",
            "console",
            "text",
        }


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory, table_1: Path) -> tuple[Path, str]:
    """A clone in which the first page was followed, and what that printed."""
    root = tmp_path_factory.mktemp("clone")
    for name in (*ROOMS, "run_sweep.py"):
        (root / name).symlink_to(HOME / name)
    (root / ".venv").symlink_to(sys.prefix)
    photo_folder(root / "my-photos")
    with_table_1(root / "cache/transfer-sweep", table_1)
    return root, follow("own-photos.md", root)


@pytest.mark.slow
def test_own_photos_become_a_model_in_a_script_and_in_a_service(clone: tuple[Path, str]) -> None:
    root, printed = clone
    folder = RunFolder(root / "runs/mine")
    assert len(folder.records()) == 2
    answers = [json.loads(line) for line in (root / "answers.jsonl").read_text().splitlines()]
    assert len(answers) == 40
    *classified, served = printed.splitlines()[-4:]
    for line in classified:
        assert re.fullmatch(r"my-photos/\w+/\d+\.png (dark|light) [01]\.\d+", line)
    assert set(json.loads(served)) == {"class", "probability"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("tensorboard.md", r"VGG16 baseline \[[\d., ]+\]"),
        ("optuna.md", r"VGG16 [\d.]+ \{.*\} VGG16/(baseline|t01)"),
        ("pandas.md", r"VGG16/baseline"),
        ("scikit-learn.md", r"area under the ROC curve [\d.]+"),
        ("tflite.md", r"my-photos/dark/0\.png (dark|light) [\d.]+"),
    ],
)
def test_a_neighbour_reads_the_run(clone: tuple[Path, str], page: str, printed: str) -> None:
    assert re.search(printed, follow(page, clone[0]))
    assert verify(RunFolder(clone[0] / "runs/mine")).faults == ()


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="needs mlflow-skinny")
def test_a_finished_run_is_logged_to_mlflow(clone: tuple[Path, str]) -> None:
    assert re.search(r"VGG16/t01 completed [\d.]+ \[[\d., ]+\]", follow("mlflow.md", clone[0]))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("fastapi") is None, reason="needs fastapi")
def test_the_service_with_fastapi_answers(clone: tuple[Path, str]) -> None:
    [service] = [text for language, text in blocks("fastapi.md") if language == "python"]
    (clone[0] / "service_fastapi.py").write_text(service)
    ask = (
        "import asyncio, glob, service_fastapi\n"
        "class Asked:\n"
        "    def __init__(self, body): self._body = body\n"
        "    async def body(self): return self._body\n"
        "photo = open(glob.glob('my-photos/*/*.png')[0], 'rb').read()\n"
        "print(asyncio.run(service_fastapi.answer(Asked(photo))))\n"
        "try: asyncio.run(service_fastapi.answer(Asked(b'none')))\n"
        "except service_fastapi.HTTPException as fault: print(fault.status_code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=clone[0], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"'class': '(dark|light)'.*\n400\n", done.stdout)
