"""RESULTS.md: what was measured, beside what was asked, and what bounds each miss."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import write_text
from tests.benchmarks.bounds import sentence, table
from tests.benchmarks.row import MISSED, UNMEASURED, Row
from tests.benchmarks.sizes import BATCH, SEED, Sizes

_ABOUT = """\
# What the speed costs and gives

Ours against `plain_ray_keras.py`, the script that Ray Tune's and Keras' documentation lead to: same
trials, split, weights, batch size, oneDNN setting, concurrency and threads; the photos decoded
already for both. Every figure is of a process of its own, timed from its start to its end, and of
the processor that is named below. Rows of whole sweeps have as many repeats as the table says, with
plain first, then ours first, by turns. `x` is plain's seconds over ours, `of` is a share. Figures
are medians, with the smallest and the largest of the repeats. A size that fits the budget is
smaller than a user's, so imports, building and tracing weigh more on both sides; rows of whole
sweeps say what the same parts come to for 4,000 photos and ten epochs, which is computed, not
measured.

    make bench      all of it, 150 minutes on 2 idle cores; in 60, one repeat of whole sweeps
    python -m tests.benchmarks --minutes 20 --rows G1,G3 --out RESULTS.md
"""
_PART_NAMES = (
    "steps are epochs at their steady speed, validation included; frozen layers include their "
    "tracing; rest is starting Ray and processes, imports where not named, records, and waiting"
)


@dataclass(frozen=True)
class Occasion:
    """When and on what the figures were taken, in words and numbers."""

    date: str
    commit: str
    minutes: float
    versions: Mapping[str, str]
    cpus: int
    memory_megabytes: int
    load: float
    concurrent: int
    threads: int
    onednn: str
    sizes: Sizes


def processor() -> str:
    """The kind of processor, as far as it decides speed."""
    flags: set[str] = set()
    info, lines = Path("/proc/cpuinfo"), list[str]()
    if info.is_file():
        lines = info.read_text().splitlines()
        flags = set(next((line for line in lines if line.startswith("flags")), "").split())
    kind = "an AVX-512 " if "avx512f" in flags else "an AVX2 " if "avx2" in flags else "a "
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = f" ({named[0]})" if named and named[0] else ""
    return f"{kind}{platform.machine().replace('_', '-')} CPU{model}"


def commit() -> str:
    """The commit that is measured, with what differs from it in a word; or that there is none."""
    found = [_git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--", "*.py")]
    if not found[0]:
        return "commit unknown"
    return f"commit {found[0]}{' with changes' if found[1] else ''}"


def _git(*words: str) -> str:
    try:
        ran = subprocess.run(
            ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def load() -> float:
    """Processes that wanted to run in the last minute: above zero, the machine was not idle."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def write_page(path: Path, rows: Sequence[Row], occasion: Occasion, elapsed: float) -> None:
    """Write the whole page; called after every row, so that a kill loses nothing."""
    parts = [
        _ABOUT,
        _when(occasion, elapsed),
        _table(rows),
        *_misses(rows),
        *_unmeasured(rows),
        *_profiles(rows),
    ]
    write_text(path, "\n".join(parts))


def _when(one: Occasion, elapsed: float) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in one.versions.items())
    sizes = one.sizes
    return (
        f"{one.date}; {one.cpus} cores of {processor()}, {one.memory_megabytes / 1024:.0f} GB; "
        f"load {one.load:.1f} when it began; budget {one.minutes:g} minutes, "
        f"{elapsed / 60:.0f} used.\n\n"
        f"{one.commit}; {versions}.\n\n"
        f"{one.concurrent} trials at a time with {one.threads} thread each, "
        f"TF_ENABLE_ONEDNN_OPTS={one.onednn}, seed {SEED}, batch {BATCH}, synthetic photos and "
        f"random weights unless a row says otherwise, {sizes.image} px; {sizes.photos} photos are "
        f"split 60 : 20 : 20.\n"
    )


def _table(rows: Sequence[Row]) -> str:
    head = (
        "| | what | goal | measured | spread | repeats | verdict |\n|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(_line(row) for row in rows) + "\n"


def _line(row: Row) -> str:
    goal = row.goal
    spread = "" if row.spread is None else f"{_figure(row.spread[0])} to {_figure(row.spread[1])}"
    value = "" if row.value is None else f"{_figure(row.value)} {goal.unit}"
    verdict = f"**{row.verdict}**" if row.verdict == MISSED else row.verdict
    cells = (goal.name, goal.what, goal.text, value, spread, str(row.repeats or ""), verdict)
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.1e}"


def _misses(rows: Sequence[Row]) -> list[str]:
    missed = [row for row in rows if row.verdict == MISSED]
    if not missed:
        return []
    lines = [f"- **{row.goal.name}**: {_miss(row)}" for row in missed]
    return ["## Misses, and what bounds them\n", "\n".join(lines) + "\n"]


def _miss(row: Row) -> str:
    assert row.value is not None
    said = f"{_figure(row.value)} {row.goal.unit}, asked {row.goal.text}. {row.note}."
    bound = sentence(row)
    return f"{said} {bound}" if bound else said


def _unmeasured(rows: Sequence[Row]) -> list[str]:
    left = [row for row in rows if row.verdict == UNMEASURED]
    if not left:
        return []
    return ["## Not measured\n", "\n".join(f"- {one.goal.name}: {one.note}" for one in left) + "\n"]


def _profiles(rows: Sequence[Row]) -> list[str]:
    told = [row for row in rows if row.value is not None and row.note]
    notes = [f"- **{row.goal.name}**: {row.note}." for row in told if row.verdict != MISSED]
    parts = table(rows)
    found = ["## Notes\n", "\n".join(notes) + "\n"] if notes else []
    if parts:
        about = f"Worker-seconds (seconds times trials at a time): {_PART_NAMES}.\n"
        found += ["## Where the seconds went\n", about, parts]
    return found
