"""The live table: what runs, the best so far per backbone, how far the sweep is.

On a terminal one table is redrawn in place; in a pipe or a log every finished trial is one line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from results.ledger.records import Status, TrialRecord
from search_spaces.config import TrialId
from sweep.schedule.assignment import Assignment


@dataclass(frozen=True)
class Running:
    """A trial that is being trained, and its last epoch: 0 and None before the first has ended."""

    assignment: Assignment
    epoch: int = 0
    validation_accuracy: float | None = None


class LiveTable:
    """Follows a sweep; a context manager.

    Args:
        console: where to draw.
        backbones, planned: of the sweep, resumed trials included.
        finished: records that a resumed run already has.
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self,
        console: Console,
        backbones: Sequence[str],
        planned: int,
        finished: Sequence[TrialRecord] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._backbones = backbones
        self._planned = planned
        self._finished = list(finished)
        self._finished_before = len(self._finished)
        self._running: dict[TrialId, Running] = {}
        self._clock = clock
        self._started = clock()
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> LiveTable:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def running(self, state: Running) -> None:
        """A trial started or ended an epoch."""
        self._running[state.assignment.trial_id] = state

    def finished(self, record: TrialRecord) -> None:
        """A trial has its record."""
        self._running.pop(record.id, None)
        self._finished.append(record)
        if not self._console.is_terminal:
            self._console.print(escape(self.line(record)), soft_wrap=True, highlight=False)

    def line(self, record: TrialRecord) -> str:
        """One finished trial in one line."""
        start = f"[{len(self._finished)}/{self._planned}] {record.trial}"
        if record.status == Status.FAILED:
            return f"{start}  failed: {record.error}"
        early = "  stopped early" if record.status == Status.STOPPED_EARLY else ""
        return (
            f"{start}  validation {record.validation_accuracy:.4f} at epoch {record.best_epoch}"
            f"  {record.cost.seconds_total:.0f} s{early}"
        )

    def table(self) -> Table:
        """The whole state, for a terminal."""
        table = Table(
            title=f"{len(self._finished)} of {self._planned} trials, {self._remaining()}",
            title_justify="left",
            expand=False,
        )
        for name in ("backbone", "done", "best", "validation", "running", "config", "epoch", "now"):
            left = name in ("backbone", "best", "running", "config")
            table.add_column(name, justify="left" if left else "right", no_wrap=True)
        for backbone in self._backbones:
            for row in self._rows(backbone):
                table.add_row(*row)
        return table

    def _rows(self, backbone: str) -> list[tuple[str, ...]]:
        """One row per running trial, at least one; the first shows the backbone's progress too."""
        records = [record for record in self._finished if record.backbone == backbone]
        scored = [record for record in records if record.validation_accuracy is not None]
        best = max(scored, key=lambda record: record.validation_accuracy or 0.0, default=None)
        progress = (
            backbone,
            str(len(records)),
            TrialId(backbone, best.number).label if best else "",
            f"{best.validation_accuracy:.4f}" if best else "",
        )
        # A copy: the thread that draws reads this while trials start and finish.
        running = [
            _running_cells(state)
            for trial_id, state in list(self._running.items())
            if trial_id.backbone == backbone
        ] or [("",) * 4]
        return [
            (*(("",) * len(progress) if row else progress), *cells)
            for row, cells in enumerate(running)
        ]

    def _remaining(self) -> str:
        finished_here = len(self._finished) - self._finished_before
        elapsed = self._clock() - self._started
        if not finished_here:
            return f"{_minutes(elapsed)} so far"
        left = elapsed / finished_here * (self._planned - len(self._finished))
        return f"{_minutes(elapsed)} so far, about {_minutes(left)} left"


def _running_cells(state: Running) -> tuple[str, str, str, str]:
    config = state.assignment.config
    return (
        state.assignment.trial_id.label,
        f"{config.unfreeze}, {config.optimizer} {config.learning_rate:.1e}",
        f"{state.epoch}/{config.epochs}",
        "" if state.validation_accuracy is None else f"{state.validation_accuracy:.4f}",
    )


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
