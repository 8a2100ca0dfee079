"""The live table: what runs, the best so far per backbone, how far the sweep is.

On a terminal one table is redrawn in place. In a pipe or a log every finished trial is one line,
and a long silence is broken by a line that says what runs.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from results.ledger.records import EpochRecord, Status, TrialRecord
from results.ledger.repeats import is_cut
from search_spaces.config import TrialId
from search_spaces.metrics import ACCURACY, metric_words, signed
from sweep.schedule.tally import tallied
from sweep.terminal.eta import Running, seconds_left
from sweep.terminal.forecasts import Forecast, Forecasts
from sweep.terminal.plan import BackbonePlan
from sweep.terminal.silence import Silence, print_plain, ticking

_LOG = logging.getLogger(__name__)
_REMEMBERED = {"a fifth": 0.2, "half": 0.5}
"""Shares of a sweep's time after which the end that was told is compared with the real one."""
_LEAST_BUSY = 0.5
"""A smaller share is due to a failure, not to trials that wait for others: it will not go on."""
_WIDTH_WITH_CONFIG = 100
_SECONDS_BETWEEN_TICKS = 2.0


class LiveTable:
    """Follows a sweep; a context manager.

    Args:
        console: where to draw.
        plans: of the sweep, resumed trials included.
        finished: records that a resumed run already has.
        at_once: how many trials can run at a time.
        budget: seconds after which no trial starts and those that run end with their epoch.
        metric: the run's, which is shown of trials and epochs.
        usage: tells how busy the machine is.
        clock: tells seconds, from whatever start.
    """

    def __init__(
        self,
        console: Console,
        plans: Sequence[BackbonePlan],
        finished: Sequence[TrialRecord] = (),
        *,
        at_once: int = 1,
        budget: float = math.inf,
        metric: str = ACCURACY,
        usage: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._plans = plans
        self._tallies = tallied({plan.name: plan.course for plan in plans}, finished)
        self._at_once = at_once
        self._budget = budget
        self._metric = metric
        self._usage = usage
        self._used = ""
        self._running: dict[TrialId, tuple[Running, float]] = {}
        self._first: float | None = None
        self._worked = 0.0
        self._clock = clock
        self._started = clock()
        self._forecasts = Forecasts()
        self._silence = Silence(clock)
        self._live = Live(
            console=console, get_renderable=self.table, refresh_per_second=2, transient=True
        )
        self._ticks = ExitStack()

    def __enter__(self) -> LiveTable:
        if self._console.is_terminal:
            self._live.start()
        self._ticks.enter_context(ticking(self.tick, _SECONDS_BETWEEN_TICKS))
        return self

    def __exit__(self, *_: object) -> None:
        self._ticks.close()
        self.hide()

    def hide(self) -> None:
        """Take the table off the terminal, for good."""
        if self._console.is_terminal:
            self._live.stop()

    def tick(self) -> None:
        """Look at the machine, or break a long silence."""
        if self._console.is_terminal:
            self._used = self._usage()
        elif self._silence.is_due:
            self.say(self.heartbeat())

    @property
    def _planned(self) -> int:
        return sum(plan.trials for plan in self._plans)

    @property
    def _finished(self) -> int:
        return sum(tally.finished for tally in self._tallies.values())

    def running(self, state: Running) -> None:
        """A trial started, ended an epoch or said what it is doing."""
        self._first = self._clock() if self._first is None else self._first
        trial_id = state.assignment.trial_id
        _, started = self._running.get(trial_id, (state, self._clock()))
        self._running[trial_id] = (state, started)
        self._note()

    def finished(self, record: TrialRecord) -> None:
        """A trial has its record."""
        # Not its own seconds: the first trial of a process waits until that has loaded TensorFlow.
        _, started = self._running.pop(record.id, (None, self._clock()))
        self._worked += self._clock() - started
        if not is_cut(record):
            self._tallies[record.backbone].add(record)
        self._plans = [plan.settled(self._tallies[plan.name]) for plan in self._plans]
        self._note()
        if not self._console.is_terminal:
            self.say(self.line(record))

    def search_ended(self, backbone: str, left_out: int) -> None:
        """The time budget has no room for the rest of a backbone's search."""
        [plan] = [plan for plan in self._plans if plan.name == backbone]
        searched = plan.course.searched
        line = (
            f"{backbone}: the search ended after {searched - left_out} of {searched} trials, the "
            "rest of the time budget is for the fresh seeds"
        )
        fewer = replace(plan, trials=plan.trials - left_out).settled(self._tallies[backbone])
        self._plans = [fewer if other is plan else other for other in self._plans]
        _LOG.info(line)
        self.say(line)

    def ended(self) -> None:
        """The sweep is over: if nothing is left of it, log how far off the told ends were."""
        if self._finished < self._planned:
            return
        for words, share in _REMEMBERED.items():
            if (told := self.forecast(share)) is not None:
                _LOG.info(
                    "after %s of %s the end was told %s ahead: off by %+.0f %% of what was left",
                    words,
                    _minutes(told.elapsed + told.left),
                    _minutes(told.told),
                    100 * told.error,
                )

    def forecast(self, share: float) -> Forecast | None:
        """What was told after this share of the time so far; None if nothing was known then."""
        return self._forecasts.after(share, self._clock() - self._started)

    def _note(self) -> None:
        elapsed = self._clock() - self._started
        if self._forecasts.is_due(elapsed) and (left := self._left()) is not None:
            self._forecasts.note(elapsed, left)

    def say(self, line: str) -> None:
        """Show a line; on a terminal the table stays below it."""
        self._silence.broken()
        print_plain(self._console, line)

    def line(self, record: TrialRecord) -> str:
        """One finished trial in one line."""
        start = f"[{self._finished}/{self._planned}] {record.trial}"
        if record.status == Status.FAILED:
            return f"{start}  failed: {record.error}"
        stops = {Status.STOPPED_EARLY: "  stopped early", Status.OUT_OF_TIME: "  out of time"}
        early = stops.get(record.status, "")
        words = "" if self._metric == ACCURACY else f"{metric_words(self._metric)} "
        return (
            f"{start}  validation {words}{self._shown(record)} at epoch {record.best_epoch}"
            f"  {record.cost.seconds_total:.0f} s{early}"
        )

    def heartbeat(self) -> str:
        """What runs and how far the sweep is, in one line."""
        runs = [
            f"{state.assignment.trial_id.name} {doing(state)}"
            for state, _ in list(self._running.values())
        ]
        far = f"[{self._finished}/{self._planned}] {self._remaining()}"
        return f"{far}: {', '.join(runs)}" if runs else far

    def table(self) -> Group:
        """The whole state, for a terminal."""
        title = f"{self._finished} of {self._planned} trials, {self._remaining()}"
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
        table.add_column("backbone", overflow="fold")
        table.add_column("done", justify="right", no_wrap=True)
        for name in ("best", "validation", "running", "doing", "now"):
            right = name in ("validation", "now")
            table.add_column(
                name.replace("validation", "val"),
                justify="right" if right else "left",
                no_wrap=True,
            )
        if self._shows_config:
            table.add_column("config", overflow="fold")
        for plan in self._plans:
            for row in self._rows(plan):
                table.add_row(*map(Text, row))
        return Group(Text(f"{title}\n{self._used}" if self._used else title), table)

    @property
    def _shows_config(self) -> bool:
        return self._console.width >= _WIDTH_WITH_CONFIG

    def _rows(self, plan: BackbonePlan) -> list[tuple[str, ...]]:
        """One row per running trial, at least one; the first shows the backbone's progress too."""
        tally = self._tallies[plan.name]
        best = tally.best
        progress = (
            plan.name,
            f"{tally.finished}/{plan.trials}",
            TrialId(plan.name, best.number).label if best else "",
            self._shown(best) if best else "",
        )
        columns = 4 if self._shows_config else 3
        # A copy: the thread that draws reads these while trials start and finish.
        running = [
            self._running_cells(state)[:columns]
            for trial_id, (state, _) in list(self._running.items())
            if trial_id.backbone == plan.name
        ] or [("",) * columns]
        return [
            (*(("",) * len(progress) if row else progress), *cells)
            for row, cells in enumerate(running)
        ]

    def _running_cells(self, state: Running) -> tuple[str, ...]:
        config, epoch = state.assignment.config, state.epoch
        return (
            state.assignment.trial_id.label,
            doing(state),
            "" if epoch is None else self._shown(epoch),
            f"{config.optimizer} {config.learning_rate:.1e}, {config.unfreeze}",
        )

    def _shown(self, one: TrialRecord | EpochRecord) -> str:
        """The run's metric on validation."""
        return "" if one.score is None else f"{signed(self._metric, one.score):.4f}"

    def _remaining(self) -> str:
        left = self._left()
        rest = "estimating what is left" if left is None else f"about {_minutes(left)} left"
        starting = "" if self._running or self._first is not None else "starting Ray, "
        return f"{starting}{_minutes(self._clock() - self._started)} so far, {rest}"

    def _left(self) -> float | None:
        """Seconds until the end; None while nothing is known."""
        now = self._clock()
        running = [(state, now - started) for state, started in list(self._running.values())]
        worked = self._worked + sum(elapsed for _, elapsed in running)
        could = self._at_once * (now - (now if self._first is None else self._first))
        busy = min(1.0, max(_LEAST_BUSY, worked / could)) if worked and could else 1.0
        left = seconds_left(self._plans, self._tallies, running, self._at_once, busy)
        return None if left is None else min(left, max(0.0, self._started + self._budget - now))


def doing(state: Running) -> str:
    """What a trial does, such as `features 40 %` or `epoch 3/10`."""
    epochs, activity = state.assignment.config.epochs, state.activity
    if state.epochs_done == epochs:
        return "testing"
    if activity is not None and activity.stage != "training":
        share = "" if activity.share is None else f" {100 * activity.share:.0f} %"
        return f"{activity.stage}{share}"
    if activity is None and state.epoch is None:
        return "starting"
    return f"epoch {state.epochs_done + 1}/{epochs}"


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
