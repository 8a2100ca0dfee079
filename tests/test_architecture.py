"""The house stands: imports point one way, heavy libraries keep to their rooms, files are small."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house import (
    LONGER_FILES,
    MOST_LINES_FILE,
    ROOT,
    complaints,
    cycle,
    module_edges,
    sources,
)


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("search_spaces/a.py", "import results.ledger.records", "imports results.ledger.records"),
        ("search_spaces/a.py", "import numpy", "imports numpy"),
        ("results/a.py", "from trainables import training", "imports trainables.training"),
        (
            "results/a.py",
            "def f() -> None:\n import sweep.schedule.pool",
            "imports sweep.schedule.pool",
        ),
        ("trainables/a.py", "from results.report import page", "imports results.report.page"),
        ("trainables/a.py", "from results.scores import summary", "results.scores.summary"),
        ("trainables/finished/a.py", "from results.report import page", "results.report.page"),
        ("trainables/a.py", "import ray", "imports ray"),
        ("trainables/a.py", "def f() -> None:\n import sklearn", "imports sklearn delayed"),
        ("trainables/photos/digits.py", "import sklearn", "imports sklearn eager"),
        ("sweep/a.py", "import results.scores.summary", "imports results.scores.summary"),
        ("sweep/a.py", "import results.notebook", "imports results.notebook"),
        ("sweep/notebook.py", "import results.scores.summary", "imports results.scores.summary"),
        (
            "sweep/a.py",
            "def f() -> None:\n import trainables.training.train",
            "trainables.training.train delayed",
        ),
        (
            "sweep/process/worker.py",
            "import trainables.training.train",
            "trainables.training.train eager",
        ),
        ("sweep/a.py", "import h5py.h5", "imports h5py.h5"),
        ("sweep/a.py", "import run_sweep", "imports run_sweep"),
        ("sweep/a.py", "from . import pool", "imports .."),
        ("run_sweep.py", "import trainables", "imports trainables"),
        ("results/a.py", "import pandas", "imports pandas"),
        ("results/a.py", "print('x')", "prints"),
        ("sweep/a.py", "logging.getLogger().addHandler(x)", "configures logging"),
        ("sweep/a.py", "importlib.import_module('keras')", "cannot see"),
        ("results/a.py", "def f(a, *b: int) -> None: ...", "not annotated: a"),
        ("results/a.py", "def f(a: int, **c): ...", "not annotated: c"),
        ("results/a.py", "class A:\n def f(self): ...", "not annotated: return"),
        ("results/a.py", "def f() -> None:\n" + " x\n" * 60, "f has 61 lines"),
        ("results/a.py", "x\n" * 301, "has 301 lines"),
    ],
)
def test_a_planted_fault_is_found(path: str, text: str, complaint: str) -> None:
    found = list(complaints(path, text))
    assert any(complaint in one for one in found), found


def test_a_planted_cycle_is_found() -> None:
    files = {
        "results/a.py": "from results import b",
        "results/b.py": "def f() -> None:\n from results.c import x",
        "results/c.py": "import results.a",
    }
    assert cycle(module_edges(files)) == ["results.a", "results.b", "results.c", "results.a"]


def test_every_file_keeps_the_house() -> None:
    assert [one for path, text in sources() for one in complaints(path, text)] == []


def test_no_import_leads_back() -> None:
    files = dict(sources())
    edges = module_edges(files)
    assert cycle(edges) == []
    assert len(files) > 50
    assert "sweep.stages" in edges["run_sweep"]
    assert "sweep.schedule.pool" in edges["sweep.stages"]


def test_every_named_exception_is_still_needed() -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources()}
    assert [path for path in LONGER_FILES if lengths[path] <= MOST_LINES_FILE] == []


def test_tests_are_no_longer_than_code_may_be() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in ROOT.glob("tests/**/*.py")}
    assert {path.name for path, lines in lengths.items() if lines > MOST_LINES_FILE} == set()


def test_help_answers_without_any_heavy_library() -> None:
    code = (
        "import sys, run_sweep\n"
        "try: run_sweep.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'ray', 'optuna', 'h5py', 'numpy'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "--backbones" in asked.stdout
    assert asked.stdout.endswith("loaded:\n")
