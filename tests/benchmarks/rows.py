"""The measurements in the order of their importance, and what each is expected to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import rows_commands, rows_numerics, rows_parts, rows_sweeps
from tests.benchmarks.row import Row
from tests.benchmarks.sizes import Sizes, sizes_for
from tests.benchmarks.workplace import Workplace

Work = Callable[[Sizes], int]
"""How much a measurement does at some sizes, to compare with another's."""


def _always_the_same(_: Sizes) -> int:
    return 1


def _papers_work(sizes: Sizes) -> int:
    return sizes.photos * sizes.epochs


def _searched_work(sizes: Sizes) -> int:
    return sizes.photos * sizes.searched_epochs


def _head_work(sizes: Sizes) -> int:
    return sizes.head_photos


def _stopping_work(sizes: Sizes) -> int:
    return sizes.stopping_trials * sizes.stopping_epochs


@dataclass(frozen=True)
class Measurement:
    """A function that gives some rows, and what it costs on two cores.

    Attributes:
        name: for `--rows`.
        goals: the rows it gives, as `row.GOALS` names them.
        measure: the function; what it raises is written in its rows.
        seconds: expected, of what does not depend on the sizes.
        growing: expected in addition, at the sizes of an hour.
        work: what `growing` grows with.
        is_sweep: of whole sweeps, each repeated.
        reads: another measurement, whose figures are taken if it ran, and made here if not.
    """

    name: str
    goals: tuple[str, ...]
    measure: Callable[[Workplace], list[Row]]
    seconds: float
    growing: float = 0.0
    work: Work = _always_the_same
    is_sweep: bool = False
    reads: Measurement | None = None

    def expected(self, sizes: Sizes, *, kept: bool) -> float:
        """Seconds that it should take; `kept`: what it reads was measured."""
        missing = 0.0 if kept or self.reads is None else self.reads.expected(sizes, kept=True)
        share = self.work(sizes) / self.work(sizes_for(60))
        times = sizes.sweep_repeats if self.is_sweep else 1
        return times * (self.seconds + self.growing * share) + missing


def _memory(place: Workplace) -> list[Row]:
    return [*rows_parts.memory_of_photos(place), *rows_parts.memory_of_trials(place)]


_G1 = Measurement("G1", ("G1",), rows_sweeps.papers_cuts, 310, 730, _papers_work, is_sweep=True)

MEASUREMENTS = (
    Measurement("G0", ("G0",), rows_parts.equal_results, 240),
    _G1,
    Measurement("G3", ("G3", "G3 fused"), rows_sweeps.head_only, 40, 330, _head_work, True),
    Measurement("G2", ("G2 known", "G2 optimizer", "G2 cut"), rows_parts.further_trials, 55),
    Measurement("G7", ("G7", "first"), rows_sweeps.second_run, 65),
    Measurement("command", ("help", "plan"), rows_commands.command, 10),
    Measurement("G4", ("G4 fetch", "G4 share"), rows_parts.cached_rows, 40),
    Measurement("loop", ("loop",), rows_parts.many_at_once, 15),
    Measurement("G5", ("G5",), rows_sweeps.lower_bound, 85, reads=_G1),
    Measurement("K", ("K",), rows_parts.cuts_in_one_pass, 30),
    Measurement("memory", ("memory rows", "memory head", "memory paper"), _memory, 60),
    Measurement("G6", ("G6",), rows_sweeps.early_stopping, 110, 420, _stopping_work, True),
    Measurement("G1b", ("G1b",), rows_sweeps.default_space, 230, 370, _searched_work, True),
    Measurement("real", ("real",), rows_commands.real_photos, 85, is_sweep=True),
    Measurement("float16", ("float16 accuracy", "float16 bytes"), rows_numerics.half_precision, 45),
)

NAMES = tuple(one.name for one in MEASUREMENTS)
