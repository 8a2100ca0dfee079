"""Shell completion knows every flag and its choices; bash itself is asked."""

from __future__ import annotations

import argparse
import shutil
import subprocess

import pytest

from search_spaces.settings import FLAGS
from sweep.terminal.completion import SHELLS, script
from sweep.terminal.flags import parser
from sweep.terminal.given import flag

REPORT = argparse.ArgumentParser()
REPORT.add_argument("run")
REPORT.add_argument("--tables", choices=("short", "all"), help="how many; it's short")
COMMANDS = {"run": ("train", parser()), "report": ("tell", REPORT)}


def completed(*words: str) -> list[str]:
    """What bash offers for the last word."""
    asked = (
        f"{script('bash', COMMANDS)}\n"
        f'COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _transfer_sweep\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "-c", asked, "bash", *words], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("transfer-sweep ", ["run", "report"]),
        ("transfer-sweep re", ["report"]),
        ("transfer-sweep nonsense --", []),
        ("transfer-sweep run --early-stopping ", ["asha", "none"]),
        ("transfer-sweep run --weights im", ["imagenet"]),
        ("transfer-sweep run --weights ./", []),
        ("transfer-sweep run --epochs ", []),
        ("transfer-sweep report --ta", ["--tables"]),
        ("transfer-sweep report --tables ", ["short", "all"]),
        ("run-sweep --space ", ["paper", "quick", "standard", "wide"]),
        ("/usr/bin/run-sweep --batch", ["--batch-size"]),
    ],
)
def test_bash_is_offered_what_fits(words: str, offered: list[str]) -> None:
    assert completed(*words.split(" ")) == offered


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", [*FLAGS])
def test_every_setting_is_completed(shell: str, name: str) -> None:
    typed = f"-l {flag(name)[2:]}" if shell == "fish" else flag(name)
    assert f"{typed} " in script(shell, COMMANDS)


def test_quotes_of_a_help_text_stay_inside_fishs() -> None:
    lines = script("fish", COMMANDS).splitlines()
    [line] = [one for one in lines if "-l tables" in one and "from report" in one]
    assert line.endswith(r"-a 'short all' -d 'how many; it\'s short'")
