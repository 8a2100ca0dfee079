"""How one word of the command line is read; what does not fit is refused and its flag named."""

from __future__ import annotations

import argparse
import math
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from search_spaces.refusals import UsageRefusal, one_of, whole_number

TABLES = SHORT_TABLES, ALL_TABLES = "short", "all"
"""How much of a result the terminal prints."""

_UNITS_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


class Parser(argparse.ArgumentParser):
    """Refuses in one line, like everything else here."""

    def error(self, message: str) -> NoReturn:
        raise UsageRefusal(message, where=self.prog, fix="See --help.")


def count(flag: str, least: int = 1, most: int = 999_999_999) -> Callable[[str], int]:
    """Reads a whole number of at least `least` and at most `most`."""

    def read(text: str) -> int:
        number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()) else text
        value = whole_number(number, at_least=least, where=flag)
        if value > most:
            raise UsageRefusal(
                f"a whole number of at most {most:,} is needed, got {value:,}",
                where=flag,
                fix=f"Give {most} or less.",
            )
        return value

    return read


def fresh_seeds(text: str) -> int:
    """Reads on how many fresh seeds a winner is confirmed: 0, or from 2 up.

    Raises:
        UsageRefusal: it is another number.
    """
    seeds = count("--confirm", 0, 100)(text)
    if seeds == 1:
        raise UsageRefusal(
            "two seeds at least are needed to see how much a seed changes, got 1",
            where="--confirm",
            fix="Give 2 or more, or 0 for none.",
        )
    return seeds


def words(flag: str, text: str) -> list[str]:
    """Split a list of words at its commas.

    Raises:
        UsageRefusal: a word is there twice, or missing before or after a comma, which is what a
            shell makes of a variable that is not set.
    """
    found = [word.strip() for word in text.split(",")]
    if not any(found):
        return []
    if "" in found:
        raise UsageRefusal(
            f"a name is needed on each side of a comma, got {text!r}",
            where=flag,
            fix="Leave the comma out, or give the name that is missing.",
        )
    folded = [word.casefold() for word in found]
    twice = [word for at, word in enumerate(found) if folded[at] in folded[:at]]
    if twice:
        raise UsageRefusal(
            f"each name is needed once, got {twice[0]!r} twice", where=flag, fix="Give it once."
        )
    return found


def choice(flag: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """Reads one of a few words, as it is spelled."""

    def read(text: str) -> str:
        if text not in allowed:
            raise UsageRefusal(
                f"one of {', '.join(allowed)} is needed, got {text!r}",
                where=flag,
                fix=f"Give {flag} {one_of(text, allowed, what='choice', where=flag)}.",
            )
        return text

    return read


def named(flag: str) -> Callable[[str], str]:
    """Reads a name or a path that is not empty and whose `~user` exists."""

    def read(text: str) -> str:
        if not text.strip():
            raise UsageRefusal(
                "a name or a path is needed, got nothing", where=flag, fix="Or leave the flag out."
            )
        try:
            Path(text).expanduser()
        except RuntimeError as fault:
            raise UsageRefusal(
                f"there is no such home folder, {text!r}", where=flag, fix="Give the whole path."
            ) from fault
        return text

    return read


def folders(flag: str) -> Callable[[str], tuple[str, ...]]:
    """Reads paths between commas, each of them once."""
    read = named(flag)

    def read_all(text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(read(word.strip()) for word in text.split(",") if word.strip()))

    return read_all


def place(flag: str) -> Callable[[str], Path]:
    """Reads a path, as `named`."""
    read = named(flag)
    return lambda text: Path(read(text))


def read_toml(path: Path, *, where: str) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageRefusal: it cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise UsageRefusal(
            f"a readable TOML file is needed: {fault}", where=where, fix="Correct it."
        ) from fault


def gpu_share(text: str) -> float:
    """Reads how much of a GPU, or how many, a trial has.

    Raises:
        UsageRefusal: it is no number, or more than one and a fraction.
    """
    try:
        share = float(text) if text.isascii() else math.nan
    except ValueError:
        share = math.nan
    if not (share == 0 or 0 < share < 1 or (share >= 1 and share.is_integer())):
        raise UsageRefusal(
            f"a fraction of one GPU or a whole number of them is needed, got {text!r}",
            where="--gpus-per-trial",
            fix="Give 0, 0.5, 1, ...",
        )
    return share


def price(text: str) -> float:
    """Reads what an hour costs, in whatever money.

    Raises:
        UsageRefusal: it is no number, or not positive.
    """
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text) or not float(text):
        raise UsageRefusal(
            f"a positive number is needed, got {text!r}",
            where="--price-per-hour",
            fix="Give a number such as 2.5.",
        )
    return float(text)


def parse_seconds(text: str) -> float:
    """Read `90s`, `30m`, `2h`, `1d` into seconds.

    Raises:
        UsageRefusal: it has another form, or is zero.
    """
    return _quantity(text, _UNITS_SECONDS, "--time-budget", "90s, 30m or 2h")


def size(flag: str) -> Callable[[str], int]:
    """Reads `500MB`, `20GB`, `1TB` into bytes (decimal units).

    The function raises UsageRefusal where the text has another form, or is zero.
    """
    return lambda text: int(_quantity(text, _UNITS_BYTES, flag, "500MB or 20GB"))


def _quantity(text: str, units: dict[str, int], where: str, examples: str) -> float:
    by_folded = {unit.casefold(): factor for unit, factor in units.items()}
    matched = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([a-z]+)", text.strip().casefold())
    factor = by_folded.get(matched[2]) if matched else None
    if matched is None or factor is None or float(matched[1]) == 0:
        raise UsageRefusal(
            f"a positive number with one of the units {', '.join(units)} is needed, got {text!r}",
            where=where,
            fix=f"Give {examples}.",
        )
    return float(matched[1]) * factor
