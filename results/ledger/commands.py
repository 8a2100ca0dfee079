"""What is typed for each command: in a copy of the code, or where the package is installed.

typed("run", "--resume", "runs/one")    # python run_sweep.py --resume runs/one
"""

from __future__ import annotations

import shlex
from pathlib import Path

_OF_A_COPY = {
    "run": "python run_sweep.py",
    "report": "python -m results",
    "compare": "python -m results compare",
    "verify": "python -m results verify",
    "rates": "python -m results rates",
    "predict": "python -m trainables predict",
    "export": "python -m trainables export",
}
_CODE = Path(__file__).parents[2]


def typed(command: str, *words: object, code: Path = _CODE) -> str:
    """A line that can be copied into a shell.

    Args:
        command: a sub-command of `transfer-sweep`.
        words: what follows it.
        code: where the rooms lie. Only a copy of the code has `pyproject.toml` beside them; every
            process of a sweep sees the same, whatever it was started by.
    """
    copied = (code / "pyproject.toml").is_file()
    start = _OF_A_COPY[command] if copied else f"transfer-sweep {command}"
    return " ".join([start, *(shlex.quote(str(word)) for word in words)])
