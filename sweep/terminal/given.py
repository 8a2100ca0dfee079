"""Settings as they were given: by flags, the environment or a file, under the same names.

    TRANSFER_SWEEP_TRIALS=8 python run_sweep.py --config sweep.toml --epochs 5

A file is TOML without tables: `epochs = 5`, `search = ["optimizer"]`, `overwrite = true`.
Whatever the source, a setting becomes words of the command line, which its flag's reader reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from search_spaces.refusals import UsageRefusal, one_of
from search_spaces.values import read_toml

PREFIX = "TRANSFER_SWEEP_"

TYPED_ALONE = (
    *("help", "config", "print_config", "resume", "reproduce", "verbose"),
    *("plan", "rate_file", "gpus", "cpus", "price_per_hour"),
)
"""What is done with settings, and which run is gone on with, is said on the command line."""

EXCLUDES = {
    "resume": ("names the run already", ("run_dir", "overwrite", "print_config")),
    "baseline_only": ("searches nothing", ("trials", "search", "space")),
}
"""By a setting, why and which others cannot stand beside it."""

NEEDS = {
    "rate_file": "plan",
    **dict.fromkeys(("gpus", "cpus", "price_per_hour"), "rate_file"),
}
"""By a setting, the one that must be given with it."""

_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


@dataclass(frozen=True)
class Given:
    """A setting as it was given.

    Attributes:
        words: behind its flag; none for a switch that is on, None for one that is off.
        where: where it was given, as refusals and `--print-config` name it.
    """

    words: tuple[str, ...] | None
    where: str

    def typed(self, name: str) -> list[str]:
        """The words of the command line that give it."""
        if self.words is None:
            return []
        one_word = len(self.words) == 1
        return [f"{flag(name)}={self.words[0]}"] if one_word else [flag(name), *self.words]


def flag(name: str) -> str:
    """How a setting is typed."""
    return f"--{name.replace('_', '-')}"


def from_environment(
    environment: Mapping[str, str], switches: Mapping[str, bool]
) -> dict[str, Given]:
    """Settings of `TRANSFER_SWEEP_*`; an empty variable gives nothing.

    Args:
        switches: by name of every setting, whether it is a switch.

    Raises:
        UsageRefusal: there is no such setting, or a switch is neither on nor off.
    """
    given = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        written = variable.removeprefix(PREFIX).lower()
        name = written if written == "config" else _known(written, switches, where=variable)
        value = _SWITCH.get(text.strip().casefold(), text) if switches[name] else text
        given[name] = Given(words_of(value, switch=switches[name], where=variable), variable)
    return given


def from_file(text: str, switches: Mapping[str, bool]) -> dict[str, Given]:
    """Settings of a TOML file, named as with `--config`.

    Raises:
        UsageRefusal: it cannot be read, is no TOML, or a name or a type does not fit.
    """
    path, given = Path(text).expanduser(), {}
    for written, value in read_toml(path, where=f"{flag('config')} {text}").items():
        where = f"{written} in {text}"
        name = _known(written.replace("-", "_"), switches, where=where)
        if name in given:
            raise UsageRefusal(
                f"each setting is needed once, got {name} twice", where=where, fix="Give it once."
            )
        given[name] = Given(words_of(value, switch=switches[name], where=where), where)
    return given


def words_of(value: Any, *, switch: bool, where: str) -> tuple[str, ...] | None:
    """A value of TOML or Python as the words of `Given`.

    Raises:
        UsageRefusal: no flag takes a value of its type.
    """
    needed = "true or false" if switch else "a text, a number or a list of names"
    if switch == isinstance(value, bool):
        if switch:
            return () if value else None
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            value = ",".join(value)
        if isinstance(value, str | os.PathLike | Real) and "\0" not in str(value):
            return (str(value),)
    raise UsageRefusal(
        f"{needed} is needed, got {_shortened(value)}", where=where, fix=f"Give {needed}."
    )


def merged(*sources: Mapping[str, Given]) -> dict[str, Given]:
    """What holds of several sources; an earlier source overrides a later one.

    A setting that cannot stand beside one of an earlier source (`EXCLUDES`) is overridden too. Two
    of one source that cannot stand beside each other are kept, for `resolved` to refuse.
    """
    chosen: dict[str, Given] = {}
    for source in sources:
        chosen |= {
            name: given
            for name, given in source.items()
            if name not in chosen and not _excluded(name, given, chosen)
        }
    return chosen


def _excluded(name: str, given: Given, chosen: Mapping[str, Given]) -> bool:
    on = {other for other, setting in chosen.items() if setting.words is not None}
    return given.words is not None and any(
        (name in others and first in on) or (name == first and not on.isdisjoint(others))
        for first, (_, others) in EXCLUDES.items()
    )


def _known(written: str, switches: Mapping[str, bool], *, where: str) -> str:
    if written in TYPED_ALONE:
        raise UsageRefusal(
            f"{flag(written)} belongs on the command line", where=where, fix="Leave it out here."
        )
    names = [name for name in switches if name not in TYPED_ALONE]
    return one_of(written, names, what="setting", where=where)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
