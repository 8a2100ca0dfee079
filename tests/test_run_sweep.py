"""The command as a whole, as far as it goes without Ray and TensorFlow."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from run_sweep import main
from search_spaces.presets import DIGITS_PER_CLASS

ROOT = Path(__file__).resolve().parent.parent
WITHOUT_MLFLOW = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is not None, reason="MLflow is installed"
)
DIGITS = ["--data", "digits", "--weights", "random", "--image-size", "75"]
HOLD = (
    "import pathlib, sys\n"
    "from results.ledger.store import RunFolder\n"
    "with RunFolder(pathlib.Path(sys.argv[1])).locked():\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which may configure logging and take locks."""
    return subprocess.run(
        [sys.executable, "run_sweep.py", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        ("--epochs 0", 2, "--epochs"),
        ("--epochs ten", 2, "--epochs"),
        ("--no-such-flag", 2, "--no-such-flag"),
        ("--verbose=3", 2, "--verbose"),
        ("--backbones VGG19", 2, "Did you mean VGG16?"),
        ("--gpus-per-trial inf", 2, "--gpus-per-trial"),
        ("--gpus-per-trial 999", 2, "this machine has"),
        ("--cpus-per-trial 99999", 2, "this machine has"),
        ("--max-disk 5", 2, "--max-disk"),
        ("--data=--", 2, "--data"),
        ("--data TMP/\udcff", 2, "names must be UTF-8"),
        ("--run-dir=TMP/\udcff", 2, "names must be UTF-8"),
        ("--cache-dir TMP/\udcff", 2, "names must be UTF-8"),
        ("--data ~there_is_no_such_user", 2, "--data"),
        ("--resume TMP", 2, "there is no run here"),
        ("--resume TMP/missing", 2, "there is no run here"),
        ("--resume TMP/file", 2, "this is a file"),
        ("--run-dir TMP/file/below", 2, "this is a file"),
        ("--run-dir /proc/x", 4, "cannot write"),
        ("--max-concurrent 1000000", 2, "too many for"),
        ("--log-to wandb", 2, "--log-to"),
        pytest.param("--plan --log-to mlflow", 4, "pip install mlflow", marks=WITHOUT_MLFLOW),
        ("--plan --data TMP/missing --weights random", 2, "--data"),
        ("--plan --data TMP/empty --weights random", 3, "empty"),
        ("--plan --data TMP/file --weights random", 3, "file"),
        ("--plan --data digits --weights random --image-size 50", 2, "--image-size"),
        ("--plan --gpus 8 --data digits", 2, "--rate-file is needed"),
        ("--rate-file TMP/file --data digits", 2, "--plan is needed"),
        ("--plan --gpus 8 --rate-file TMP/missing --data digits", 2, "No such file"),
        ("--plan --gpus 8 --rate-file TMP/file --data digits", 2, "rates by backbone"),
        ("--plan --data digits --weights TMP/empty", 4, "there are no weights of"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, named: str
) -> None:
    (tmp_path / "file").write_text("no photo")
    (tmp_path / "empty").mkdir()
    typed = words.replace("TMP", str(tmp_path)).split()
    assert main([*typed, "--cache-dir", str(tmp_path / "cache")]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert len(shown.err.splitlines()) == 1
    assert named in shown.err
    assert "Traceback" not in shown.err


def test_the_traceback_is_shown_to_those_who_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--epochs", "0", "--verbose"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_run_that_another_process_holds_is_refused_by_its_name(tmp_path: Path) -> None:
    words = [*DIGITS, "--cache-dir", str(tmp_path / "cache"), "--run-dir", str(tmp_path / "run")]
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused = command(*words)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: the run is in use by process {holder.pid} on ")
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "cache").exists()
    with RunFolder(tmp_path / "run").locked():
        pass


def test_a_folder_that_is_no_runs_is_refused_and_its_files_stay(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    refused = command(*DIGITS, "--run-dir", str(tmp_path), "--overwrite")
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: this folder holds something that is no run")
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a place that takes no folder")
def test_a_place_that_takes_no_folder_is_refused() -> None:
    refused = command(*DIGITS, "--run-dir", "/sys/kernel/transfer-sweep")
    assert refused.returncode == 4
    assert refused.stderr.startswith("error: cannot write")
    assert len(refused.stderr.splitlines()) == 1


def test_a_plan_is_a_table_and_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = ["--cache-dir", str(tmp_path / "cache"), "--run-dir", str(tmp_path / "[/x]")]
    search = ["--backbones", "vgg16,xception", "--trials", "3", "--confirm", "0"]
    assert main(["--plan", *DIGITS, *search, *places]) == 0
    shown = capsys.readouterr()
    assert "The plan" in shown.out
    assert shown.err == ""
    # Every photo goes through the frozen layers once per scaling.
    frozen = f"{2 * 10 * DIGITS_PER_CLASS:,}"
    [row] = [line for line in shown.out.splitlines() if line.strip().startswith("VGG16 ")]
    assert row.split()[:3] == ["VGG16", "4", frozen]
    assert "not known yet; measured by the first run here" in shown.out
    assert not (tmp_path / "[/x]").exists()


def test_a_plan_loads_neither_keras_nor_ray(tmp_path: Path) -> None:
    code = (
        "import sys, run_sweep\n"
        f"code = run_sweep.main({['--plan', *DIGITS, '--cache-dir', str(tmp_path)]!r})\n"
        "print('loaded:', *({'tensorflow', 'keras', 'ray', 'optuna'} & set(sys.modules)))\n"
        "sys.exit(code)\n"
    )
    planned = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert planned.stdout.endswith("loaded:\n")
