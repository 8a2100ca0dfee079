"""The story: photos in, trials, the ledger, the best two averaged, tables out.

    python run_sweep.py --backbones all
    python run_sweep.py --backbones all --baseline-only
    python run_sweep.py --help

Each stage reads what the one before left on the disk, so that a run can end anywhere and go on.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from search_spaces.refusals import Refusal
from sweep.signals import Interrupted, signals_as_exceptions
from sweep.terminal.arguments import parse_arguments

if TYPE_CHECKING:
    from rich.console import Console

    from results.ledger.store import RunFolder
    from sweep.hardware import Hardware, Machine
    from sweep.prepare import Prepared

_LOG = logging.getLogger(__name__)

COMPLETE, NOT_ALL, UNEXPECTED = 0, 1, 4


def main(words: Sequence[str]) -> int:
    """Run the command and return its exit code; what goes wrong is one line on stderr."""
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        with signals_as_exceptions():
            return _run(parse_arguments(words), words)
    except Refusal as refusal:
        _complain(str(refusal), words)
        return refusal.exit_code
    except Interrupted as stop:
        return stop.exit_code
    except Exception as fault:
        _LOG.exception("unexpected")
        text = " ".join(f"{type(fault).__name__}: {fault}".split())
        _complain(f"unexpected {text[:300]} (--verbose and the run's log.txt say more).", words)
        return UNEXPECTED


def _complain(line: str, words: Sequence[str]) -> None:
    print(f"error: {line}", file=sys.stderr)
    if "--verbose" in words:
        traceback.print_exc()


def _run(arguments: Namespace, words: Sequence[str]) -> int:
    from rich.console import Console

    from sweep.hardware import detect, share
    from sweep.prepare import run_folder
    from sweep.terminal.arguments import most_trials

    if arguments.reproduce:
        return _reproduce(*arguments.reproduce)
    console = Console()
    folder = run_folder(arguments)
    run = folder.read_run() if arguments.resume else None
    most, hardware = len(run.planned) if run else most_trials(arguments), detect()
    machine = share(arguments, hardware, most_trials=most, resumed=run)
    if arguments.plan:
        _show_plan(arguments, folder, machine, console)
        return COMPLETE
    with folder.locked(), _ending_well(folder, console), signals_as_exceptions():
        prepared = _prepare(arguments, words, folder, machine, hardware, console)
        with _board(arguments, folder, console):
            _train(prepared, folder, console)
            return _tell(prepared, folder, console)


@contextmanager
def _ending_well(folder: RunFolder, console: Console) -> Iterator[None]:
    """Say how to go on after a signal; leave no empty folder behind a refusal."""
    try:
        yield
    except Interrupted:
        if folder.exists():
            done, planned = len(folder.records()), len(folder.read_run().planned)
            _say(
                console,
                f"stopped with {done} of {planned} trials done and kept; "
                f"go on with: run_sweep.py --resume {shlex.quote(str(folder.root))}",
            )
        raise
    finally:
        folder.discard_unstarted()


@contextmanager
def _board(arguments: Namespace, folder: RunFolder, console: Console) -> Iterator[None]:
    """TensorBoard, served if it was asked for, else how to open it."""
    from sweep.terminal.tensorboard_server import command, served

    _say(console, f"watch: {command(folder.tensorboard)}")
    with served(folder.tensorboard, wanted=arguments.tensorboard) as address:
        if address:
            _say(console, f"TensorBoard: {address} while this command runs")
        yield


def _reproduce(run: str, trial: str) -> int:
    from pathlib import Path

    from results.ledger.store import RunFolder
    from sweep.process.commands import reproduce

    folder = RunFolder(Path(run).expanduser().absolute())
    folder.read_run()
    return reproduce(folder, trial)


def _show_plan(arguments: Namespace, folder: RunFolder, machine: Machine, console: Console) -> None:
    from search_spaces.settings import Settings
    from sweep.prepare import gather
    from sweep.process.environment import run_onednn
    from sweep.rates import known_rates
    from sweep.terminal.bars import showing
    from sweep.terminal.plan import plan, plan_table

    if arguments.resume:
        run = folder.read_run()
        settings, onednn = Settings.from_dict(run.settings), run.settings.get("onednn")
        counts, finished = folder.read_split().counts(), folder.records()
    else:
        with showing(console) as progress:
            materials = gather(arguments, machine, progress=progress, warn=_warn(console))
        settings, counts, finished = materials.settings, materials.split.counts(), ()
        onednn = run_onednn(os.environ)
    rates = known_rates(settings, machine, onednn)
    console.print(plan_table(plan(settings, counts, finished, rates), settings, machine))


def _prepare(
    arguments: Namespace,
    words: Sequence[str],
    folder: RunFolder,
    machine: Machine,
    hardware: Hardware,
    console: Console,
) -> Prepared:
    from sweep.prepare import gather, refuse_taken, resume, start
    from sweep.terminal.bars import showing

    if not arguments.resume:
        refuse_taken(arguments, folder)
    _log_to(folder, verbose=arguments.verbose)
    with showing(console) as progress:
        if arguments.resume:
            return resume(arguments, folder, machine, progress=progress)
        materials = gather(arguments, machine, progress=progress, warn=_warn(console))
        return start(materials, folder, machine, hardware, words=words)


def _train(prepared: Prepared, folder: RunFolder, console: Console) -> None:
    from sweep.process.environment import set_for_ray

    set_for_ray(prepared.job.machine.address)

    from sweep.rates import known_rates
    from sweep.schedule.pool import Pool
    from sweep.terminal.live import LiveTable
    from sweep.terminal.plan import plan, plan_table
    from sweep.tune.runner import run_trials

    _log_libraries_like_us()
    run, job = prepared.run, prepared.job
    pool = Pool(folder, job.settings, run.lag)
    finished = tuple(pool.finished.values())
    rates = known_rates(job.settings, job.machine, job.onednn)
    plans = plan(job.settings, folder.read_split().counts(), finished, rates)
    console.print(plan_table(plans, job.settings, job.machine))
    _say(console, f"run: {folder.root}")
    with LiveTable(console, job.settings.backbones, len(run.planned), finished) as table:
        run_trials(pool, job, on_epoch=table.running, on_finished=table.finished)


def _tell(prepared: Prepared, folder: RunFolder, console: Console) -> int:
    from results.report.terminal import story, table_13
    from results.report.write import write_report
    from results.scores.mistakes import rows_to_show
    from results.scores.summary import summarise
    from sweep.process.commands import export_winners, measure_backbones
    from sweep.process.worker import small_photos
    from sweep.rates import keep_rates
    from sweep.schedule.suggest import importances

    job, settings, records = prepared.job, prepared.job.settings, folder.records()
    keep_rates(settings, job.machine, job.onednn, records, folder.read_split().counts())
    if not measure_backbones(folder):
        _say(console, f"Table 1 could not be measured, see {folder.log}")
    folder.write_importances(importances(records, settings.space))
    folder.write_thumbnails(small_photos(job, rows_to_show(summarise(folder))))
    summary = write_report(folder)
    for table in story(summary) if settings.trials else [table_13(summary)]:
        console.print(table)
    _say(console, f"report: {folder.report_html}")
    if summary.trials.completed + summary.trials.stopped_early:
        export_winners(folder)
        _say(console, f"models: {folder.models}")
    return COMPLETE if summary.complete and not summary.trials.failed else NOT_ALL


def _say(console: Console, line: str) -> None:
    """Show a line with a path in it: as it is, so that it can be copied."""
    console.print(line, soft_wrap=True, markup=False, highlight=False)


def _warn(console: Console) -> Any:
    return partial(console.print, style="yellow", markup=False, highlight=False)


def _log_to(folder: RunFolder, *, verbose: bool) -> None:
    handlers: list[logging.Handler] = [logging.FileHandler(folder.log)]
    if verbose:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def _log_libraries_like_us() -> None:
    """Send what Ray and Optuna log to where our own messages go."""
    for name in ("ray", "optuna"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def console() -> NoReturn:
    """The console script `run-sweep`."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    console()
