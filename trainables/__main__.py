"""Use a finished run: ask its model, write models, repeat a trial, measure the backbones.

    python -m trainables predict RUN PHOTO|FOLDER|PATTERN|URL|LIST.txt|-... [--top K] [--json]
                                     [--csv FILE] [--trial NAME]
    python -m trainables export RUN [--tflite]
    python -m trainables reproduce RUN TRIAL          (run_sweep.py --reproduce RUN TRIAL)
    python -m trainables characteristics RUN

A run is its folder. The exit code is 0, that of the refusal printed on stderr, 1 for a trial that
is not reproduced, 3 where photos were skipped, or 130 after Ctrl-C. TensorFlow is set up for the
run, and only then imported, when a sub-command starts: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from search_spaces.installed import version_of
from search_spaces.refusals import Refusal
from search_spaces.values import Parser, count

if TYPE_CHECKING:
    from trainables.finished.answers import ProgressLine

NOT_REPRODUCED = 1
SOME_SKIPPED = 3
INTERRUPTED = 130
_FEW_CPUS = 2


def main(arguments: Sequence[str], prog: str = "python -m trainables") -> int:
    """Run a sub-command; return its exit code."""
    try:
        options = _parser(prog)[0].parse_args(arguments)
        folder = RunFolder(options.run.absolute())
        code: int = options.command(folder, folder.read_run(), options)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # who read the answers has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def parsers(prog: str) -> dict[str, Parser]:
    """The parser of each sub-command."""
    return _parser(prog)[1]


def _parser(prog: str) -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(prog=prog, description="Use a finished run.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser("predict", help="what the run's recommended model says of photos")
    predict.set_defaults(command=_predict)
    export = commands.add_parser("export", help="write the winners as Keras models")
    export.set_defaults(command=_export)
    reproduce = commands.add_parser("reproduce", help="train one trial again and compare")
    reproduce.set_defaults(command=_reproduce)
    characteristics = commands.add_parser("characteristics", help="measure the paper's Table 1")
    characteristics.set_defaults(command=_characteristics)

    for command in (predict, export, reproduce, characteristics):
        command.add_argument("run", type=Path, metavar="RUN", help="the run's folder")
    predict.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO|FOLDER",
        help="or a quoted pattern, an address, a .txt file with one of these a line, or - for such "
        "lines from standard input",
    )
    predict.add_argument(
        "--top", type=count("--top"), metavar="K", help="name the K most probable classes"
    )
    predict.add_argument("--json", action="store_true", help="one JSON object a line")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="all probabilities per photo")
    predict.add_argument(
        "--trial", metavar="NAME", help="such as Xception/t07, or ensemble, or best: that so far"
    )
    export.add_argument(
        "--tflite", action="store_true", help="the recommended one for TensorFlow Lite as well"
    )
    reproduce.add_argument("trial", metavar="TRIAL", help="such as Xception/t07")
    return parser, commands.choices


def _configure(run: RunRecord, *, cpus: int, gpus: float) -> None:
    """Set TensorFlow up with the run's own oneDNN setting, absent in runs of older versions."""
    version_of("tensorflow")
    from trainables.networks.devices import configure

    configure(
        cpus=cpus,
        gpus=gpus,
        onednn=run.settings.onednn,
        jit_compile=run.settings.jit_compile,
    )


def _predict(folder: RunFolder, run: RunRecord, options: argparse.Namespace) -> int:
    from trainables.finished.answers import ProgressLine, Skipped, as_json, as_line, csv_kept
    from trainables.finished.predict import answering, predict
    from trainables.finished.sources import photo_files

    trials = answering(folder, options.trial)
    files = photo_files(options.photos, typed=_standard_input())
    _configure(run, cpus=_FEW_CPUS, gpus=0)

    from trainables.finished.rebuild import rebuilt

    model, classes = rebuilt(folder, run, trials), run.data.classes
    progress, skipped = ProgressLine(sys.stderr), 0
    with csv_kept(options.csv, classes) as keep:
        for outcome in predict(model, files, classes, size=run.data.image_size):
            if isinstance(outcome, Skipped):
                skipped += 1
                progress.clear()
                print(outcome, file=sys.stderr)
            else:
                keep(outcome)
            if options.json:
                _print_above(progress, as_json(outcome, classes, options.top))
            elif not isinstance(outcome, Skipped):
                _print_above(progress, as_line(outcome, classes, options.top))
            progress.count()
    progress.clear()
    return SOME_SKIPPED if skipped else 0


def _standard_input() -> Iterator[str]:
    """The lines of standard input; a name that is no UTF-8 keeps its bytes."""
    with open(0, encoding="utf-8", errors="surrogateescape", closefd=False) as lines:
        yield from lines


def _print_above(progress: ProgressLine, line: str) -> None:
    """Print at once, since who reads a pipe waits for it."""
    if sys.stdout.isatty():
        progress.clear()
    print(line, flush=True)


def _export(folder: RunFolder, run: RunRecord, options: argparse.Namespace) -> int:
    _configure(run, cpus=_FEW_CPUS, gpus=0)

    from trainables.finished.export import export
    from trainables.finished.tensorboard_results import draw_results

    export(folder, tflite=options.tflite)
    draw_results(folder)
    return 0


def _reproduce(folder: RunFolder, run: RunRecord, options: argparse.Namespace) -> int:
    hardware = run.hardware
    _configure(run, cpus=hardware["cpus_per_trial"], gpus=hardware["gpus_per_trial"])

    from trainables.finished.rebuild import scored_record
    from trainables.finished.reproduce import repeat, verdict

    record = scored_record(folder, options.trial)
    agrees, text = verdict(folder, record, lambda: repeat(folder, run, record))
    print(text)
    return 0 if agrees else NOT_REPRODUCED


def _characteristics(folder: RunFolder, run: RunRecord, _: argparse.Namespace) -> int:
    from trainables.finished.characteristics import measure_run

    set_up = partial(_configure, run, cpus=run.hardware["cpus"], gpus=run.hardware["gpus"])
    folder.write_characteristics(measure_run(run, set_up))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
