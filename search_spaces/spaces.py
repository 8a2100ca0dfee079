"""Search spaces by name, and from a file with a table for each dimension that varies.

    python run_sweep.py --space quick
    python run_sweep.py --space mine.toml

A file has one table per dimension that varies, empty where the declared choices will do::

    [learning_rate]
    low = 1e-5
    high = 1e-3
    [optimizer]
    choices = ["adam", "sgd"]
    [unfreeze]

`--search` beside `--space` replaces which dimensions vary; the space's bounds and choices stay.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_spaces.backbones import HEAD, Scaling
from search_spaces.config import TrialConfig, check_within
from search_spaces.refusals import UsageRefusal, one_of, whole_number
from search_spaces.space import DECLARED, DEFAULT_SEARCH, DIMENSIONS, SearchSpace
from search_spaces.values import read_toml

_FLAG = "--space"
_TYPES = {field.name: field.type for field in dataclasses.fields(TrialConfig)}


@dataclass(frozen=True)
class NamedSpace:
    """One row of the notebook.

    Attributes:
        name: as `--space` takes it.
        purpose: what it answers.
        space: what varies, and how far.
        cost: in words.
        measured: what it came to on a table of real trials, `tests/benchmarks/search/SPACES.md`.
    """

    name: str
    purpose: str
    space: SearchSpace
    cost: str
    measured: str

    @property
    def command(self) -> str:
        return f"python run_sweep.py --backbones all {_FLAG} {self.name}"


NAMED_SPACES: tuple[NamedSpace, ...] = (
    NamedSpace(
        "paper",
        "the documented baseline, and the same in the backbone's own scaling",
        SearchSpace(("scaling",), {"scaling": (Scaling.NATIVE.value,)}),
        "one trial at the paper's cut beside the baseline, whatever --trials",
        "90.8% of validation after 36 s, 2 trials",
    ),
    NamedSpace(
        "quick",
        "what frozen features give: rate, optimizer and scaling of the head alone",
        SearchSpace(("learning_rate", "optimizer", "unfreeze", "scaling"), {"unfreeze": (HEAD,)}),
        "that of the baseline and of features: a trial of a head takes a hundredth of a deep one",
        "92.4% of validation after 38 s, 21 trials",
    ),
    NamedSpace(
        "standard",
        "the default: rate, optimizer, unfreeze point and scaling",
        SearchSpace(DEFAULT_SEARCH),
        "half its trials train layers of the backbone",
        "95.0% of validation after 186 s, 21 trials",
    ),
    NamedSpace(
        "wide",
        "every dimension there is, for many trials",
        SearchSpace(DIMENSIONS),
        "a trial as in standard, and several times the trials; a second head and three views of "
        "each training photo are computed and stored",
        "not measured: the table of real trials has four of its dimensions",
    ),
)
"""What each searches, in the order of their cost."""


def parse_space(text: str) -> SearchSpace:
    """Read the name of a space, or the path of a TOML file that describes one.

    Raises:
        UsageRefusal: there is no such name or file, or the file does not describe a space.
    """
    if text.strip().casefold().endswith(".toml"):
        path = Path(text).expanduser()
        where = f"{_FLAG} {path}"
        return space_from(read_toml(path, where=where), where=where)
    by_name = {named.name: named.space for named in NAMED_SPACES}
    return by_name[one_of(text, by_name, what="search space", where=_FLAG)]


def space_from(tables: Mapping[str, Any], *, where: str) -> SearchSpace:
    """Make a space of a TOML document's tables.

    Raises:
        UsageRefusal: a name, a bound or a choice does not fit.
    """
    ranges: dict[str, tuple[Any, ...]] = {}
    varied: list[str] = []
    for written, table in tables.items():
        name = one_of(written, DIMENSIONS, what="search dimension", where=where)
        place = f"{where}, [{name}]"
        if name in varied:
            raise _refusal(f"one table per dimension is needed, got {written!r} again", place)
        if not isinstance(table, dict):
            raise _refusal(f"a table is needed, got {table!r}", place)
        varied.append(name)
        if limits := _limits(name, table, place):
            ranges[name] = limits
    if not varied:
        raise UsageRefusal(
            "at least one dimension must vary",
            where=where,
            fix="Write a table such as [optimizer].",
        )
    return SearchSpace(tuple(name for name in DIMENSIONS if name in varied), ranges)


def _limits(name: str, table: dict[str, Any], where: str) -> tuple[Any, ...]:
    """Bounds or choices of one table; empty if it keeps the declared ones."""
    declared = DECLARED[name]
    allowed = ("low", "high") if "range" in declared else ("choices",)
    values = {one_of(key, allowed, what="key", where=where): table[key] for key in table}
    if "range" in declared:
        low, high = (
            values.get(key, usual) for key, usual in zip(allowed, declared["range"], strict=True)
        )
        return _bounds(low, high, where) if values else ()
    return _choices(name, values["choices"], where) if values else ()


def _bounds(low: Any, high: Any, where: str) -> tuple[float, float]:
    numbers = all(type(bound) in (int, float) and math.isfinite(bound) for bound in (low, high))
    if not (numbers and 0 < low < high):
        raise _refusal(f"0 < low < high must hold for numbers, got {low!r} and {high!r}", where)
    return float(low), float(high)


def _choices(name: str, choices: Any, where: str) -> tuple[Any, ...]:
    declared = DECLARED[name]
    if declared["choices"] is None:
        raise _refusal("unfreeze points are each backbone's own: [unfreeze] takes none", where)
    if not isinstance(choices, list) or not choices:
        raise _refusal(f"choices must be a list of at least one value, got {choices!r}", where)
    read = tuple(_choice(name, value, where) for value in choices)
    if len(set(read)) < len(read):
        raise _refusal(f"each choice is needed once, got {choices!r}", where)
    return read


def _choice(name: str, value: Any, where: str) -> Any:
    declared = DECLARED[name]
    if isinstance(declared["choices"][0], str):
        if not isinstance(value, str):
            raise _refusal(f"a name is needed, got {value!r}", where)
        return str(one_of(value, declared["choices"], what=name.replace("_", " "), where=where))
    if bounds := declared["bounds"]:
        check_within(value, bounds, what=name, where=where)
    if _TYPES[name] == "int":
        return whole_number(value, at_least=0 if declared["bounds"] else 1, where=where)
    return float(value)


def _refusal(what: str, where: str) -> UsageRefusal:
    return UsageRefusal(what, where=where, fix="Correct the file.")
