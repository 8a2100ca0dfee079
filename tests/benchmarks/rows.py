"""The measurements in the order of their importance, and what each is expected to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import rows_commands, rows_numerics, rows_parts, rows_sweeps
from tests.benchmarks.row import Row
from tests.benchmarks.sizes import PHOTOS, USERS_EPOCHS, Sizes
from tests.benchmarks.workplace import Workplace


@dataclass(frozen=True)
class Measurement:
    """A function that gives some rows, and what it costs on two cores.

    Attributes:
        name: for `--rows`.
        goals: the rows it gives, as `row.GOALS` names them.
        measure: the function; what it raises is written in its rows.
        seconds: expected, of what does not depend on the sizes.
        growing: expected in addition, at 160 photos and the epochs of an hour.
        reads: another measurement, whose figures are taken if it ran, and made here if not.
    """

    name: str
    goals: tuple[str, ...]
    measure: Callable[[Workplace], list[Row]]
    seconds: float
    growing: float = 0.0
    reads: Measurement | None = None

    def expected(self, sizes: Sizes, *, kept: bool) -> float:
        """Seconds that it should take; `kept`: what it reads was measured."""
        work = sizes.photos * sizes.epochs / (PHOTOS * USERS_EPOCHS)
        missing = 0.0 if kept or self.reads is None else self.reads.expected(sizes, kept=True)
        return self.seconds + self.growing * work + missing


def _memory(place: Workplace) -> list[Row]:
    return [*rows_parts.memory_of_photos(place), *rows_parts.memory_of_trials(place)]


_G1 = Measurement("G1", ("G1",), rows_sweeps.papers_cuts, 300, 800)

MEASUREMENTS = (
    Measurement("G0", ("G0",), rows_parts.equal_results, 180),
    _G1,
    Measurement("G3", ("G3", "G3 fused"), rows_sweeps.head_only, 100, 320),
    Measurement("G2", ("G2 known", "G2 optimizer", "G2 cut"), rows_parts.further_trials, 80),
    Measurement("G7", ("G7", "first"), rows_sweeps.second_run, 110),
    Measurement("command", ("help", "plan"), rows_commands.command, 10),
    Measurement("G4", ("G4 fetch", "G4 share"), rows_parts.cached_rows, 60),
    Measurement("G5", ("G5",), rows_sweeps.lower_bound, 130, reads=_G1),
    Measurement("K", ("K",), rows_parts.cuts_in_one_pass, 40),
    Measurement("memory", ("memory rows", "memory head", "memory paper"), _memory, 90),
    Measurement("G6", ("G6",), rows_sweeps.early_stopping, 180, 380),
    Measurement("G1b", ("G1b",), rows_sweeps.default_space, 280, 350),
    Measurement("real", ("real",), rows_commands.real_photos, 100),
    Measurement("float16", ("float16 accuracy", "float16 bytes"), rows_numerics.half_precision, 70),
    Measurement("oneDNN", ("oneDNN",), rows_numerics.onednn, 120),
)

NAMES = tuple(one.name for one in MEASUREMENTS)
