"""How numbers and names are written: the same in the terminal, on the page and in the figures."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from results.ledger.units import UNKNOWN, clean
from results.scores.metrics import Interval
from search_spaces.config import TrialConfig
from search_spaces.space import DIMENSIONS, FIRST_DIMENSIONS

LONGEST_NAME = 240
"""Characters of a name from outside that the page shows; thousands would break its layout."""


_LATER = {
    field.name: field.default
    for field in fields(TrialConfig)
    if field.name in DIMENSIONS and field.name not in FIRST_DIMENSIONS
}
"""Dimensions that are named only where they differ from the documented baseline's value."""


def shorten(text: object) -> str:
    """A cleaned text, cut to `LONGEST_NAME` characters."""
    line = clean(text)
    return line if len(line) <= LONGEST_NAME else f"{line[:LONGEST_NAME]}…"


def weights_in_words(weights: str, sources: Collection[str]) -> str:
    """What a run started from: random weights say how they were drawn, others are named.

    Args:
        weights: a name or folder as given.
        sources: what is known of each backbone's; none in runs that did not record it.
    """
    drawn = {source for source in sources if source.startswith("random")}
    return ", ".join(sorted(drawn)) or weights


def percent(share: float | None, digits: int = 2) -> str:
    """`95.88` for 0.95875."""
    return UNKNOWN if share is None else f"{100 * share:.{digits}f}"


def points(difference: float | None) -> str:
    """`+1.25` percentage points for 0.0125."""
    return UNKNOWN if difference is None else f"{100 * difference:+.2f}"


def between(interval: Interval | None) -> str:
    """`94.3-97.0`, in percent."""
    if interval is None:
        return UNKNOWN
    return f"{100 * interval.low:.1f}-{100 * interval.high:.1f}"


def difference(interval: Interval | None) -> str:
    """`-0.4 to +3.1`, in percentage points."""
    if interval is None:
        return UNKNOWN
    return f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"


def p_value(p: float | None) -> str:
    """Two significant digits, or `<0.0001`."""
    if p is None:
        return UNKNOWN
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def whole(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def several(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`, `2 classes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def configuration(config: TrialConfig | None) -> str:
    """What a search varies, on one line."""
    if config is None:
        return UNKNOWN
    line = (
        f"{config.optimizer} {config.learning_rate:.3g}, from {config.unfreeze}, "
        f"{config.scaling}, batch {config.batch_size}"
    )
    if config.head_from:
        line += f", head of t{config.head_from:02d}"
    later = {name: getattr(config, name) for name in _LATER}
    return ", ".join(
        [
            line,
            *(
                f"{name.replace('_', ' ')} {value}"
                for name, value in later.items()
                if value != _LATER[name]
            ),
        ]
    )
