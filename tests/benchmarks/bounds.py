"""What bounds a row of a whole sweep: where both sides' seconds went, as a table and a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.benchmarks.row import Row

Parts = Mapping[str, float]
STEPS, FROZEN, TEST = "steps", "frozen layers", "test"
_MEASURED_FIRST = (
    STEPS,
    FROZEN,
    "tracing",
    "import",
    "build",
    TEST,
    "traced test",
    "build, reset",
    "rest",
)


def sentence(row: Row) -> str:
    """Shares of ours and plain's seconds, and the ratio if ours had no fixed costs; or nothing."""
    ours, plain = row.profiles.get("ours"), row.profiles.get("plain")
    if not ours or sum(ours.values()) <= 0:
        return ""
    words = [
        f"What does not grow with photos (starting, imports, building, tracing, waiting) is "
        f"{_share(fixed(ours), ours)} of ours at this size, the frozen passes "
        f"{_share(ours.get(FROZEN, 0.0), ours)}, steps {_share(ours.get(STEPS, 0.0), ours)}"
    ]
    if plain and sum(plain.values()) > 0:
        words.append(
            f"of plain's, it is {_share(fixed(plain), plain)}, "
            f"steps {_share(plain.get(STEPS, 0.0), plain)}"
        )
        working = sum(ours.values()) - fixed(ours)
        if working > 0:
            ratio = sum(plain.values()) / working
            words.append(f"without any of it in ours alone the ratio would be {ratio:.1f} x")
    return "; ".join(words) + "."


def fixed(parts: Parts) -> float:
    """Worker-seconds that do not grow with photos and epochs."""
    return sum(seconds for name, seconds in parts.items() if name not in (STEPS, FROZEN, TEST))


def _share(seconds: float, parts: Parts) -> str:
    return f"{seconds / sum(parts.values()):.0%}"


def table(rows: Sequence[Row]) -> str:
    """One line per row and side, one column per part; empty if no row has parts."""
    told = [(row, side, parts) for row in rows for side, parts in row.profiles.items() if parts]
    present = {name for _, _, parts in told for name in parts}
    names = [name for name in _MEASURED_FIRST if name in present]
    names += sorted(present - set(names))
    if not told:
        return ""
    head = f"| | side | {' | '.join(names)} | all |\n|---|---|{'---|' * (len(names) + 1)}\n"
    lines = [
        f"| {row.goal.name} | {side} | "
        + " | ".join(f"{parts[name]:.1f}" if name in parts else "" for name in names)
        + f" | {sum(parts.values()):.1f} |"
        for row, side, parts in told
    ]
    return head + "\n".join(lines) + "\n"
