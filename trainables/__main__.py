"""Use a finished run: ask its model, write models, repeat a trial, measure the backbones.

    python -m trainables predict RUN PHOTO|FOLDER... [--csv FILE] [--trial NAME]
    python -m trainables export RUN
    python -m trainables reproduce RUN TRIAL          (run_sweep.py --reproduce RUN TRIAL)
    python -m trainables characteristics RUN

A run is its folder. The exit code is 0, that of the refusal printed on stderr, 1 for a trial that
is not reproduced, or 3 where photos were skipped. TensorFlow is set up for the run, and only then
imported, when a sub-command starts: `--help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from results.ledger.files import write_text
from results.ledger.run_record import RunRecord
from results.ledger.store import RunFolder
from search_spaces.installed import version_of
from search_spaces.refusals import Refusal
from search_spaces.values import Parser

NOT_REPRODUCED = 1
SOME_SKIPPED = 3
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
    predict.add_argument("photos", type=Path, nargs="+", metavar="PHOTO|FOLDER")
    predict.add_argument("--csv", type=Path, metavar="FILE", help="all probabilities per photo")
    predict.add_argument(
        "--trial", metavar="NAME", help="ask a trial, such as Xception/t07, or ensemble"
    )
    reproduce.add_argument("trial", metavar="TRIAL", help="such as Xception/t07")
    return parser, commands.choices


def _configure(run: RunRecord, *, cpus: int, gpus: float) -> None:
    """Set TensorFlow up with the run's own oneDNN setting, absent in runs of older versions."""
    version_of("tensorflow")
    from trainables.networks.devices import configure

    configure(cpus=cpus, gpus=gpus, onednn=run.settings.onednn)


def _predict(folder: RunFolder, run: RunRecord, options: argparse.Namespace) -> int:
    from trainables.finished.predict import Answer, answering, as_csv, photo_files, predict

    trials = answering(folder, options.trial)
    files = photo_files(options.photos)
    _configure(run, cpus=_FEW_CPUS, gpus=0)

    from trainables.finished.rebuild import rebuilt

    model = rebuilt(folder, run, trials)
    answers: list[Answer] = []
    for outcome in predict(model, files, run.data.classes, size=run.data.image_size):
        if isinstance(outcome, Answer):
            answers.append(outcome)
        print(outcome, file=sys.stdout if isinstance(outcome, Answer) else sys.stderr)
    if options.csv:
        write_text(options.csv, as_csv(answers, run.data.classes))
    return 0 if len(answers) == len(files) else SOME_SKIPPED


def _export(folder: RunFolder, run: RunRecord, _: argparse.Namespace) -> int:
    _configure(run, cpus=_FEW_CPUS, gpus=0)

    from trainables.finished.export import export
    from trainables.finished.tensorboard_results import draw_results

    export(folder)
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
    _configure(run, cpus=run.hardware["cpus"], gpus=run.hardware["gpus"])

    from trainables.finished.characteristics import measure_run

    folder.write_characteristics(measure_run(run))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
