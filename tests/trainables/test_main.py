"""`python -m trainables`: refusals in one line, and help that loads nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from trainables.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["train", "runs/x"], "invalid choice: 'train'"),
        (["export"], "the following arguments are required: RUN"),
        (["reproduce", "runs/x"], "the following arguments are required: TRIAL"),
        (["predict", "runs/x"], "the following arguments are required: PHOTO|FOLDER"),
        (["predict", "runs/x", "a.jpg", "--top", "0"], "at least 1 is needed, got 0 (--top)"),
    ],
)
def test_words_that_cannot_be_read_are_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["", "a" * 5000])
@pytest.mark.parametrize("command", [["export"], ["characteristics"], ["predict"], ["reproduce"]])
def test_a_folder_that_is_no_run_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str
) -> None:
    more = {"predict": ["photo.jpg"], "reproduce": ["VGG16/t01"]}.get(command[0], [])
    assert main([*command, str(tmp_path / name), *more]) != 0
    printed = capsys.readouterr()
    assert str(tmp_path / name) in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("command", [[], ["predict"], ["export"]])
def test_help_loads_no_heavy_library(command: list[str]) -> None:
    code = (
        "import sys; from trainables.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'h5py', 'PIL', 'sklearn'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python -m trainables" in answer.stdout
    assert answer.stdout.endswith("loaded:\n")
