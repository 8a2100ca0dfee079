"""The stages of one sweep, each reading what the one before left on the disk.

Made by `run_sweep.py`, which tells their order. Ray is loaded by `train` alone, so that a plan or a
repetition does not wait for it.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console

from results.ledger.rates import read_rate_file
from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from results.ledger.thumbnails import write_thumbnails
from search_spaces.config import TrialId
from search_spaces.installed import version_of
from search_spaces.settings import Settings
from sweep.elsewhere import share_elsewhere
from sweep.hardware import detect, share, usable
from sweep.keeping import fetch_missing, kept, storage_of
from sweep.preflight import refuse_unfit
from sweep.prepare import Prepared, gather, refuse_taken, resume, run_folder, start
from sweep.process.commands import (
    exporting_winners,
    gpus_of_tensorflow,
    measure_backbones,
    reproduce,
)
from sweep.process.environment import run_onednn
from sweep.process.messages import Guardian
from sweep.process.worker import small_photos
from sweep.rates import keep_rates, known_rates
from sweep.schedule.reserve import Reserve
from sweep.terminal.arguments import most_trials, refuse_contradictions
from sweep.terminal.bars import showing
from sweep.terminal.clock import elsewhere
from sweep.terminal.closing import closing
from sweep.terminal.fit import time_budget_words
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import BackbonePlan, plan, plan_table
from sweep.terminal.silence import doing, print_plain
from sweep.terminal.tensorboard_server import command, served
from sweep.terminal.usage import MachineUsage


class Sweep:
    """One sweep, new or resumed.

    Attributes:
        folder: where the run is or will be.
        console: where it is shown.
    """

    def __init__(
        self, arguments: argparse.Namespace, words: Sequence[str], console: Console
    ) -> None:
        version_of("tensorflow")  # refused before photos are decoded
        if arguments.log_to:
            version_of(arguments.log_to)
        self.folder = run_folder(arguments)
        self.console = console
        self._storage = storage_of(self.folder, arguments.storage)
        self._keep: Callable[[str], None] = lambda _: None
        if arguments.resume and self._storage:
            fetch_missing(self.folder, self._storage)
        self._arguments = arguments
        self._words = words
        self._warn = partial(console.print, style="yellow", markup=False, highlight=False)
        self._hardware = detect()
        read = self.folder.read_run() if arguments.resume else None
        self._resumed = run = read.with_more_trials(arguments.trials) if read else None
        most = len(run.planned) if run else most_trials(arguments)
        settings = run.settings if run else None
        if arguments.rate_file:
            read_rate_file(arguments.rate_file, ())  # refused before photos are decoded
        if arguments.gpus or arguments.cpus:
            self._machine = share_elsewhere(arguments, most_trials=most, resumed=settings)
        else:
            if not arguments.address and arguments.gpus_per_trial != 0:
                self._hardware = usable(self._hardware, self._gpus_found, self._warn)
            self._machine = share(arguments, self._hardware, most_trials=most, resumed=settings)
        self._onednn = run.settings.onednn if run else run_onednn(os.environ)  # refused early
        self._table: LiveTable | None = None
        self._kept: frozenset[TrialId] = frozenset()

    def _gpus_found(self) -> int | None:
        with self.doing("asking TensorFlow for its GPUs"):
            return gpus_of_tensorflow()

    def show_plan(self) -> None:
        """Print what would run, without starting it."""
        if self._resumed:
            refuse_contradictions(self._arguments, self._resumed.settings)
            counts = self.folder.read_split().counts()
            self._show(self._resumed.settings, counts, self.folder.records())
            return
        with showing(self.console) as progress:
            new = gather(self._arguments, self._machine, progress=progress, warn=self._warn)
        self._show(new.settings, new.split.counts())

    def _show(
        self, settings: Settings, counts: dict[str, int], finished: tuple[TrialRecord, ...] = ()
    ) -> None:
        """Draw a plan, by the rates of a file where one is given."""
        file, notes = self._arguments.rate_file, []
        if file is None:
            rates = known_rates(settings, self._machine, self._onednn)
        else:
            rates = read_rate_file(file, settings.backbones)
        plans = plan(settings, counts, finished, rates)
        if file is not None:
            notes = elsewhere(plans, self._machine, self._arguments)
        budget = self._budget_words(plans, finished)
        self.console.print(plan_table(plans, settings, self._machine, notes, budget))

    def check_folder(self) -> None:
        """Refuse a folder that holds something else than the run, and a machine that is unfit."""
        if not self._arguments.resume:
            refuse_taken(self._arguments, self.folder)
            if self._storage and not self._arguments.overwrite:
                self._storage.refuse_taken()
        refuse_unfit(self._machine, self._hardware, self.folder.root)

    def prepare(self) -> Prepared:
        """Open photos and weights, and write `run.json` or check it."""
        with showing(self.console) as progress:
            if self._arguments.resume:
                return resume(self._arguments, self.folder, self._machine, progress=progress)
            new = gather(self._arguments, self._machine, progress=progress, warn=self._warn)
            return start(new, self.folder, self._machine, self._hardware, words=self._words)

    @contextmanager
    def leaving_nothing_unstarted(self) -> Iterator[None]:
        """Leave no empty folder behind a refusal."""
        try:
            yield
        finally:
            self.folder.discard_unstarted()

    @contextmanager
    def tensorboard(self) -> Iterator[None]:
        """TensorBoard, served if it was asked for, else how to open it."""
        self.say(f"watch: {command(self.folder.tensorboard)}")
        wanted = self._arguments.tensorboard
        with served(self.folder.tensorboard, wanted=wanted) as address:
            if address:
                self.say(f"TensorBoard: {address} while this command runs")
            yield

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Copy the run to the storage, trial by trial, if one was asked for."""
        with kept(self._storage) as self._keep:
            yield

    def train(self, prepared: Prepared, guardian: Guardian) -> None:
        """Train every trial that is left, as far as the budgets go."""
        from sweep.schedule.mlflow_runs import logged_to_mlflow
        from sweep.schedule.pool import Pool
        from sweep.tune.runner import run_trials

        _log_libraries_like_us()
        run, context = prepared.run, prepared.context
        finished = self.folder.records()
        rates = known_rates(context.settings, self._machine, self._onednn)
        plans = plan(context.settings, self.folder.read_split().counts(), finished, rates)
        pool = Pool(self.folder, context.settings, run.lag, self._reserve(context.settings, plans))
        self._kept = frozenset(pool.finished)
        budget = self._budget_words(plans, finished)
        self.console.print(plan_table(plans, context.settings, self._machine, budget=budget))
        self.say(f"run: {self.folder.root}")
        usage = MachineUsage(gpus=self._hardware.gpus > 0)
        with (
            logged_to_mlflow(self.folder, self._warn, wanted=bool(self._arguments.log_to)) as log,
            LiveTable(
                self.console,
                plans,
                finished,
                at_once=self._machine.max_concurrent,
                budget=self._machine.time_budget or math.inf,
                metric=context.settings.metric,
                usage=usage.words,
            ) as table,
        ):
            self._table = table
            pool.on_search_end = table.search_ended
            log(finished)

            def finish(record: TrialRecord) -> None:
                table.finished(record)
                log([record])
                self._keep(record.trial)

            run_trials(
                pool,
                context,
                on_running=table.running,
                on_finished=finish,
                say=table.say,
                watched=guardian.watching_ray,
            )
            table.ended()
        self._table = None

    def _budget_words(self, plans: Sequence[BackbonePlan], finished: Sequence[TrialRecord]) -> str:
        at_once = self._machine.max_concurrent
        return time_budget_words(plans, finished, self._machine.time_budget, at_once)

    def _reserve(self, settings: Settings, plans: Sequence[BackbonePlan]) -> Reserve | None:
        """What keeps time for the fresh seeds, where there is a budget and something to confirm."""
        seconds = self._machine.time_budget
        if seconds is None or not (settings.confirm and settings.trials):
            return None
        courses = {planned.name: planned.course for planned in plans}
        return Reserve(settings, courses, seconds, self._machine.max_concurrent)

    def measure(self, prepared: Prepared) -> None:
        """Note what the report needs besides the ledger: rates, Table 1, importances."""
        from sweep.schedule.importances import importances

        context, records = prepared.context, self.folder.records()
        counts = self.folder.read_split().counts()
        # Of trials before a resume nothing is known of the machine that they ran on.
        trained = [record for record in records if record.id not in self._kept]
        keep_rates(context.settings, self._machine, self._onednn, trained, counts)
        if not measure_backbones(self.folder):
            self.say(f"Table 1 could not be measured, see {self.folder.log}")
        self.folder.write_importances(importances(records, context.settings.space))

    def keep_thumbnails(self, prepared: Prepared, rows: list[int]) -> None:
        """Keep small copies of some photos for the report."""
        write_thumbnails(self.folder, small_photos(prepared.context, rows))

    def exporting(self, *, wanted: bool) -> AbstractContextManager[None]:
        """Write the winners as Keras models beside the block, if there are any."""
        return exporting_winners(self.folder) if wanted else nullcontext()

    def doing(self, what: str) -> AbstractContextManager[None]:
        """Say what the block does, where it takes its time."""
        return doing(self.console, what)

    def say_what_next(self, *, complete: bool, exported: bool) -> None:
        """Show where things are and what can be typed next."""
        for line in closing(self.folder, complete=complete, exported=exported):
            self.say(line)

    def hide_table(self) -> None:
        """Leave the terminal as it was; a signal is about to end this process."""
        if self._table is not None:
            self._table.hide()

    def say(self, line: str) -> None:
        """Show a line with a path in it as it is, so that it can be copied."""
        print_plain(self.console, line)


def reproduce_trial(run: str, trial: str) -> int:
    """Train one finished trial again; return the exit code."""
    return reproduce(RunFolder(Path(run).expanduser().absolute()), trial)


def _log_libraries_like_us() -> None:
    """Send what Ray and Optuna log to where our own messages go."""
    for name in ("ray", "optuna"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # Tune writes no results of its own here, and would say so for every trial.
    logging.getLogger("ray.tune.analysis").setLevel(logging.ERROR)
