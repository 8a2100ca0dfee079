"""What can be refused, and how a refusal reads.

Every refusal is one line that says what must hold, what was got and what to do::

    error: the learning rate must be positive, got -1 (--learning-rate). Give a number such as 5e-5.

The tree of what can go wrong, each with the exit code of the whole command:

    Refusal
      UsageRefusal          2   the command line, or a run folder that belongs to something else
      DataRefusal           3   photos, archives and dataset files
      EnvironmentRefusal    4   disk, network, weights, Ray
        Unreachable         4   a download that cannot be had from here
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class Refusal(Exception):
    """A reason not to go on, in words for the person who typed the command."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        remedy = f" {self.fix}" if self.fix else ""
        return " ".join(f"{self.what}{place}.{remedy}".split())

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.fix))


class UsageRefusal(Refusal):
    """The command line asks for something that does not exist or does not fit."""

    exit_code = 2


class DataRefusal(Refusal):
    """The photos cannot be used as they are."""

    exit_code = 3


class EnvironmentRefusal(Refusal):
    """The machine, the network or a file beside the photos cannot do what is asked."""

    exit_code = 4


class Unreachable(EnvironmentRefusal):
    """Photos or weights are not on this machine, and their server gives none."""


def _rebuild(kind: type[Refusal], what: str, where: str, fix: str) -> Refusal:
    return kind(what, where=where, fix=fix)


def in_one_line(fault: BaseException) -> str:
    """The class and the text of a fault that is no refusal."""
    return " ".join(f"{type(fault).__name__}: {fault}".split())


def one_of(value: str, allowed: Iterable[str], *, what: str, where: str) -> str:
    """Return the member of `allowed` that `value` names in any case.

    Raises:
        UsageRefusal: no member has that name; the line lists all of them and the nearest.
    """
    names = list(allowed)
    by_folded = {name.casefold(): name for name in names}
    member = by_folded.get(value.strip().casefold())
    if member is not None:
        return member
    near = difflib.get_close_matches(value.casefold(), by_folded, n=1)
    hint = f"Did you mean {by_folded[near[0]]}?" if near else f"Choose from: {', '.join(names)}."
    known = f"; known are {', '.join(names)}" if near else ""
    raise UsageRefusal(f"there is no {what} {value!r}{known}", where=where, fix=hint)


def whole_number(value: Any, *, at_least: int, where: str) -> int:
    """Return `value` if it is a whole number of at least `at_least`.

    Raises:
        UsageRefusal: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise UsageRefusal(
            f"a whole number of at least {at_least} is needed, got {value!r}",
            where=where,
            fix=f"Give {at_least} or more.",
        )
    return value
