"""The story: photos in, trials, the ledger, the best two averaged, tables out.

    python run_sweep.py --backbones all
    python run_sweep.py --backbones all --baseline-only
    python run_sweep.py --help

Each stage reads what the one before left on the disk, so that a run can end anywhere and go on.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from results.ledger.files import disk_faults_named, no_more_files
from search_spaces.refusals import Refusal, in_one_line
from sweep.process.environment import set_for_ray
from sweep.process.guardian import guarded
from sweep.process.messages import UNGUARDED, Guardian
from sweep.signals import Interrupted, signals_as_exceptions
from sweep.terminal.arguments import parse_arguments

_LOG = logging.getLogger(__name__)

COMPLETE, NOT_ALL, UNEXPECTED = 0, 1, 4


def main(words: Sequence[str], guardian: Guardian = UNGUARDED, prog: str = "run_sweep.py") -> int:
    """Run the command and return its exit code; what goes wrong is one line on stderr.

    Args:
        guardian: of this process, see `sweep.process.messages`.
        prog: what the command is called in its help.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        with signals_as_exceptions():
            return _story(parse_arguments(words, os.environ, prog=prog), words, guardian)
    except Interrupted as stop:
        return stop.exit_code
    except Exception as raised:
        fault = no_more_files(raised) or raised
        if "--verbose" in words:  # the rest may not be readable
            traceback.print_exc()
        if isinstance(fault, Refusal):
            print(f"error: {fault}", file=sys.stderr)
            return fault.exit_code
        _LOG.exception("unexpected")
        more = "(--verbose and the run's log.txt say more)"
        print(f"error: unexpected {in_one_line(fault)[:300]} {more}.", file=sys.stderr)
        return UNEXPECTED


def _story(arguments: Namespace, words: Sequence[str], guardian: Guardian) -> int:
    """The stages in their order. Libraries are loaded here, after `--help` has answered."""
    if arguments.print_config:
        from sweep.terminal.printed import as_toml

        print(as_toml(arguments), end="")
        return COMPLETE
    set_for_ray(arguments.address)  # before anything imports Ray

    from results.report.terminal import LastingConsole, told
    from results.report.write import draw_report, write_summary
    from results.scores.mistakes import rows_to_show
    from results.scores.summary import summarise
    from sweep.stages import Sweep, reproduce_trial

    if arguments.reproduce:
        return reproduce_trial(*arguments.reproduce)
    sweep = Sweep(arguments, words, LastingConsole())
    if arguments.plan:
        sweep.show_plan()
        return COMPLETE
    folder = sweep.folder
    with (
        folder.locked() as lock,
        sweep.leaving_nothing_unstarted(),
        signals_as_exceptions(sweep.hide_table),
    ):
        guardian.hold(folder.root, lock)
        sweep.check_folder()
        _log_to(folder.log, verbose=arguments.verbose)
        prepared = sweep.prepare()
        with sweep.tensorboard(), sweep.kept():
            sweep.train(prepared, guardian)
            with sweep.doing("measuring the backbones"):
                sweep.measure(prepared)
            with sweep.doing("computing the results"):
                summary = summarise(folder)
                sweep.keep_thumbnails(prepared, rows_to_show(summary))
                write_summary(folder, summary)
            for part in told(summary, arguments.tables):
                sweep.console.print(part)
            exported = summary.winner is not None
            with sweep.doing("writing report and models"), sweep.exporting(wanted=exported):
                draw_report(folder, summary)
            sweep.say_what_next(complete=summary.complete, exported=exported)
    return COMPLETE if summary.complete and not summary.trials.failed else NOT_ALL


def _log_to(log: Path, *, verbose: bool) -> None:
    with disk_faults_named(log):
        handlers: list[logging.Handler] = [logging.FileHandler(log)]
    if verbose:
        handlers.append(logging.StreamHandler())
    logging.basicConfig(
        level=logging.INFO,
        handlers=handlers,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def console() -> NoReturn:
    """The console script `run-sweep`."""
    sys.exit(guarded(partial(main, sys.argv[1:])))


if __name__ == "__main__":
    console()
