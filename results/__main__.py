"""Look at runs again, without Ray or TensorFlow.

    python -m results RUN                 re-make the report from the ledger and print the result
    python -m results RUN --tables all    and all its tables
    python -m results compare RUN RUN     print two runs side by side; --html FILE: and a page
    python -m results verify RUN          check that every file is as it was written
    python -m results rates RUN           print what its trials took, for `--plan --rate-file`

A run is its folder. One called `compare` is reached as `./compare`. `verify` ends with 3 if a file
is damaged, missing, or not the trial's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from results.ledger.commands import typed
from results.ledger.files import write_text
from results.ledger.rates import measured_rates
from results.ledger.store import RunFolder
from results.ledger.verify import NOT_COVERED, verify
from results.report.compare_page import compare_page
from results.report.sheets_comparisons import compared
from results.report.terminal import LastingConsole, draw, told
from results.report.write import write_report
from results.scores.compare import compare
from results.scores.summary import summarise
from search_spaces.refusals import Refusal, UsageRefusal
from search_spaces.values import SHORT_TABLES, TABLES, Parser, place

REPORT, COMPARE, VERIFY, RATES = "report", "compare", "verify", "rates"
DAMAGED = 3


def main(arguments: Sequence[str], prog: str = "python -m results") -> int:
    """Run the command; return its exit code: 0, or that of the refusal printed on stderr."""
    actions = {REPORT: _report, COMPARE: _compare, VERIFY: _verify, RATES: _print_rates}
    first = arguments[0] if arguments else ""
    name, words = (
        (first, arguments[1:]) if first in (COMPARE, VERIFY, RATES) else (REPORT, arguments)
    )
    try:
        return actions[name](parsers(prog)[name].parse_args(words))
    except Refusal as refusal:
        sys.stderr.write(f"error: {refusal}\n")
        return refusal.exit_code


def parsers(prog: str) -> dict[str, Parser]:
    """The parser of each command."""
    return {
        REPORT: _reporting(prog),
        COMPARE: _comparing(prog),
        VERIFY: _of_a_run(f"{prog} {VERIFY}", "Check that every file is as it was written."),
        RATES: _of_a_run(f"{prog} {RATES}", "Print what a run's trials took: a --rate-file."),
    }


def _report(typed: argparse.Namespace) -> int:
    folder, console = RunFolder(typed.run), LastingConsole()
    summary = summarise(folder)
    write_report(folder, summary)
    for part in told(summary, typed.tables):
        console.print(part)
    _say(console, f"report: {folder.report_html}")
    return 0


def _compare(typed: argparse.Namespace) -> int:
    first, second = typed.runs
    if typed.html is not None and typed.html.is_dir():
        raise UsageRefusal(
            f"a file is needed, got the folder {typed.html}",
            where="--html",
            fix="Give a name such as compare.html.",
        )
    comparison, console = compare(RunFolder(first), RunFolder(second)), LastingConsole()
    console.print(draw(compared(comparison)))
    if typed.html is not None:
        write_text(typed.html, compare_page(comparison))
        _say(console, f"comparison: {typed.html}")
    return 0


def _say(console: Console, line: str) -> None:
    """Show a line with a path in it as it is."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _verify(typed: argparse.Namespace) -> int:
    verdict = verify(RunFolder(typed.run))
    for fault in verdict.faults:
        sys.stderr.write(f"{fault}\n")
    if verdict.faults:
        sys.stderr.write(
            f"error: {len(verdict.faults)} of {verdict.files} files are not as written\n"
        )
        return DAMAGED
    beside = ", ".join(NOT_COVERED)
    line = f"{verdict.files} files, all as written (not covered, since never read: {beside})"
    _say(LastingConsole(), line)
    return 0


def _print_rates(typed: argparse.Namespace) -> int:
    """Print what a run measured, by backbone: a rate file."""
    folder = RunFolder(typed.run)
    run, records = folder.read_run(), folder.records()
    photos = folder.read_split().counts()["train"]
    measured = {
        name: measured_rates([one for one in records if one.backbone == name], photos)
        for name in run.settings.backbones
    }
    known = {name: asdict(rates) for name, rates in measured.items() if rates is not None}
    unknown = [name for name, rates in measured.items() if rates is None]
    if not known:
        raise UsageRefusal(
            "a run that computed features is needed, this one read them all from the store or "
            "trained nothing",
            where=str(folder.root),
            fix="Give the first run on these photos.",
        )
    if unknown:
        names = ", ".join(unknown)
        sys.stderr.write(f"not measured, features were stored or nothing was trained: {names}\n")
    _say(LastingConsole(), json.dumps(known, indent=2))
    return 0


def _of_a_run(prog: str, description: str) -> Parser:
    parser = Parser(prog=prog, description=description)
    parser.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    return parser


def _reporting(prog: str) -> Parser:
    parser = _of_a_run(prog, "Re-make a run's report from its ledger and print its tables.")
    parser.epilog = (
        f"{typed(COMPARE)} RUN RUN prints two runs side by side; {typed(VERIFY)} RUN checks "
        f"every file of one; {typed(RATES)} RUN prints what its trials took."
    )
    parser.add_argument(
        "--tables", choices=TABLES, default=SHORT_TABLES, help="how many; default: short"
    )
    return parser


def _comparing(prog: str) -> Parser:
    parser = Parser(prog=f"{prog} {COMPARE}", description="Print two runs side by side.")
    parser.add_argument("runs", type=Path, nargs=2, metavar="RUN", help="the runs' folders")
    parser.add_argument(
        "--html", type=place("--html"), metavar="FILE", help="and write them as one offline page"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
