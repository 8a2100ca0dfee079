"""How a setting is typed on the command line, and what is recorded of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OF_PRESET = object()
"""A default that the preset has under the field's name."""


@dataclass(frozen=True)
class Flag:
    """How a setting is typed: the flag's name is the field's.

    Attributes:
        group: heading in `--help`.
        help, metavar: as `argparse` has them.
        read: makes a value of the word that was typed; None for a switch without a word.
        default: where nothing was typed.
        recorded: makes what is recorded of what was typed.
    """

    group: str
    help: str
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    default: Any = OF_PRESET
    recorded: Callable[[Any], Any] = lambda value: value


def setting(flag: Flag, *, absent: Any = dataclasses.MISSING) -> Any:
    """A field with its flag; `absent` is what runs of versions without the setting did."""
    return dataclasses.field(default=absent, metadata={"flag": flag})


def located(names: tuple[str, ...]) -> Callable[[str], str]:
    """Records a known name as it is, and a path as absolute, so that a resume finds it again."""
    return lambda text: text if text in names else str(Path(text).expanduser().absolute())
