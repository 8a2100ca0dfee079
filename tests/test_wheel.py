"""The wheel: built without a network, unpacked elsewhere, and used from another folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house import ROOMS, ROOT
from tests.results.helpers import Trial, make_run
from tests.sweeps import photo_folder, small, with_table_1

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the wheel in it, built from a copy of the code."""
    copied = tmp_path_factory.mktemp("source")
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / room, copied / room, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "run_sweep.py", "transfer_sweep.py"):
        shutil.copy(ROOT / name, copied)
    wheels, site = copied / "wheels", tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(wheels)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(copied)], check=True, cwd=copied
    )
    [wheel] = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def command(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`transfer-sweep` of the unpacked wheel, in a folder of its user's."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "transfer_sweep", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_holds_all_that_the_code_reads_and_nothing_else(site: Path) -> None:
    packed = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    packed = {path for path in packed if ".dist-info/" not in path}
    ours = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not {"__pycache__", "pictures"} & set(path.parts)
    }
    assert packed == {*ours, "run_sweep.py", "transfer_sweep.py"}
    [scripts] = site.glob("*.dist-info/entry_points.txt")
    assert "transfer-sweep = transfer_sweep:console" in scripts.read_text()
    [about] = site.glob("*.dist-info/METADATA")
    needed = [line for line in about.read_text().splitlines() if line.startswith("Requires-Dist:")]
    tensorflows = [line for line in needed if "tensorflow" in line]
    assert len(tensorflows) == 3
    assert all("extra ==" in line for line in tensorflows)


def test_help_and_report_work_from_anywhere(site: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", [Trial("VGG16", 0), Trial("Xception", 1)])
    asked = command(site, tmp_path, "--help")
    assert (asked.returncode, asked.stderr) == (0, "")
    told = command(site, tmp_path, "report", "run")
    assert (told.returncode, told.stderr) == (0, "")
    assert folder.report_html.is_file()


def test_a_sweep_trains_from_it_and_leaves_nothing_in_the_users_folder(
    site: Path, tmp_path: Path, table_1: Path
) -> None:
    home = tmp_path / "home"
    (home / "results").mkdir(parents=True)  # a name of ours
    photos = photo_folder(tmp_path / "photos")
    cache = with_table_1(tmp_path / "cache", table_1)
    words = small(photos, cache, tmp_path / "run", backbones="vgg16")
    words += ["--trials", "1", "--max-concurrent", "1"]
    before = {path for path in site.rglob("*") if "__pycache__" not in path.parts}
    done = command(site, home, "run", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "run/models/VGG16.keras").is_file()
    assert list(home.rglob("*")) == [home / "results"]
    after = {path for path in site.rglob("*") if "__pycache__" not in path.parts}
    assert after == before
    answered = command(site, home, "predict", str(tmp_path / "run"), str(photos / "dark/0.png"))
    assert answered.returncode == 0, answered.stderr
    assert "0.png" in answered.stdout
