"""`transfer-sweep`: every command under one name, refused in one line, helped without a library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.results.helpers import Trial, make_run
from transfer_sweep import COMMANDS, main


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "required: COMMAND"),
        ("repor runs/a", "Did you mean report?"),
        ("train", "there is no command 'train'"),
        ("--backbones all", "transfer-sweep"),
        ("run --epochs 0", "--epochs"),
        ("run --nonsense", "transfer-sweep run"),
        ("run predict", "predict"),
        ("report TMP", "there is no run here"),
        ("report", "transfer-sweep report"),
        ("compare TMP", "transfer-sweep compare"),
        ("verify", "transfer-sweep verify"),
        ("predict TMP photo.jpg", "there is no run here"),
        ("export", "transfer-sweep export"),
        ("reproduce TMP", "TRIAL"),
        ("completion", "shell"),
        ("completion tcsh", "tcsh"),
    ],
)
def test_words_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: str, named: str
) -> None:
    assert main(words.replace("TMP", str(tmp_path)).split()) == 2
    shown = capfd.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert shown.err.startswith("error: ")
    assert named in shown.err


def test_each_command_does_its_work(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = str(make_run(tmp_path / "run", [Trial("VGG16", 0), Trial("Xception", 0)]).root)
    for words, said in (
        (["report", run], "Recommended by validation"),
        (["compare", run, run], "Xception"),
        (["verify", run], "all as written"),
        (["run", "--print-config", "--data", "digits"], 'data = "digits"'),
    ):
        assert main(words) == 0
        assert said in capfd.readouterr().out


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_loads_no_heavy_library_and_names_the_command(command: str) -> None:
    code = (
        "import sys, transfer_sweep\n"
        "try: transfer_sweep.main([*sys.argv[1:], '--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'ray', 'optuna', 'h5py'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, *([command] if command else [])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"usage: transfer-sweep {command}".strip() in asked.stdout
    assert asked.stdout.endswith("loaded:\n")
