"""The live table: what runs, the best so far per backbone, how far the sweep is.

On a terminal one table is redrawn in place; in a pipe or a log every finished trial is one line.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from results.ledger.records import Status, TrialRecord


@dataclass(frozen=True)
class Running:
    """A trial that is being trained, and its last epoch."""

    trial: str
    point: str
    epoch: int
    epochs: int
    validation_accuracy: float | None


class Board:
    """Follows a sweep; a context manager.

    Args:
        console: where to draw.
        backbones, planned: of the sweep, resumed trials included.
        finished: records that a resumed run already has.
    """

    def __init__(
        self,
        console: Console,
        backbones: Sequence[str],
        planned: int,
        finished: Sequence[TrialRecord] = (),
    ) -> None:
        self._console = console
        self._backbones = backbones
        self._planned = planned
        self._finished = list(finished)
        self._before = len(self._finished)
        self._running: dict[str, Running] = {}
        self._started = time.monotonic()
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=2, transient=True
        )

    def __enter__(self) -> Board:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def running(self, state: Running) -> None:
        """A trial started or ended an epoch."""
        self._running[state.trial] = state

    def finished(self, record: TrialRecord) -> None:
        """A trial has its record."""
        self._running.pop(record.trial, None)
        self._finished.append(record)
        if not self._console.is_terminal:
            self._console.print(escape(self.line(record)), soft_wrap=True, highlight=False)

    def line(self, record: TrialRecord) -> str:
        """One finished trial in one line."""
        done = f"[{len(self._finished)}/{self._planned}] {record.trial}"
        if record.status == Status.FAILED:
            return f"{done}  failed: {record.error}"
        early = "  stopped early" if record.status == Status.STOPPED_EARLY else ""
        return (
            f"{done}  validation {record.validation_accuracy:.4f} at epoch {record.best_epoch}"
            f"  {record.cost.seconds_total:.0f} s{early}"
        )

    def table(self) -> Table:
        """The whole state, for a terminal."""
        table = Table(
            title=f"{len(self._finished)} of {self._planned} trials, {self._remaining()}",
            title_justify="left",
            expand=False,
        )
        for name in ("backbone", "done", "best", "validation", "running", "point", "epoch", "now"):
            left = name in ("backbone", "best", "running", "point")
            table.add_column(name, justify="left" if left else "right", no_wrap=True)
        for backbone in self._backbones:
            for row in self._rows(backbone):
                table.add_row(*row)
        return table

    def _rows(self, backbone: str) -> list[tuple[str, ...]]:
        """One row per running trial, at least one; the first says how the backbone stands."""
        own = [one for one in self._finished if one.backbone == backbone]
        scored = [one for one in own if one.validation_accuracy is not None]
        best = max(scored, key=lambda one: one.validation_accuracy or 0.0, default=None)
        stand = (
            backbone,
            str(len(own)),
            _short(best.trial) if best else "",
            f"{best.validation_accuracy:.4f}" if best else "",
        )
        running = [
            one for name, one in list(self._running.items()) if name.startswith(f"{backbone}/")
        ]
        if not running:
            return [(*stand, "", "", "", "")]
        rest = ("",) * len(stand)
        return [
            (*(rest if place else stand), *_running_cells(one)) for place, one in enumerate(running)
        ]

    def _remaining(self) -> str:
        done = len(self._finished) - self._before
        elapsed = time.monotonic() - self._started
        if not done:
            return f"{_clock(elapsed)} so far"
        left = elapsed / done * (self._planned - len(self._finished))
        return f"{_clock(elapsed)} so far, about {_clock(left)} left"


def _running_cells(state: Running) -> tuple[str, str, str, str]:
    now = "" if state.validation_accuracy is None else f"{state.validation_accuracy:.4f}"
    return _short(state.trial), escape(state.point), f"{state.epoch}/{state.epochs}", now


def _short(trial: str) -> str:
    return trial.rsplit("/", 1)[-1]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
