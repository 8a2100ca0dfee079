"""Every flag of the command line, declared once; those of settings follow from their fields.

python run_sweep.py --help answers from here alone; nothing heavy is imported.
"""

from __future__ import annotations

import argparse

from results.ledger.commands import typed
from search_spaces.flags import Flag
from search_spaces.settings import FLAGS, MACHINE, SEARCHED
from search_spaces.spaces import NAMED_SPACES, parse_space
from search_spaces.values import (
    SHORT_TABLES,
    TABLES,
    Parser,
    choice,
    count,
    gpu_share,
    named,
    parse_seconds,
    place,
    price,
    size,
)
from sweep.terminal.given import flag

_EPILOG = """\
examples:
  {prog} --backbones all                   the paper's photos and weights, or a demonstration
  {prog} --backbones all --baseline-only   the paper's six configurations, nothing searched
  {prog} --backbones xception --data PHOTOS.zip --weights DIR
  {prog} --resume runs/NAME                do what is left of a run

Flags come before TRANSFER_SWEEP_* of the environment (TRANSFER_SWEEP_EPOCHS=5), these before the
file of --config, and this before the preset.

exit codes: 0 complete, 1 some trials failed or were not started, 2 usage, 3 data,
            4 environment, 130/143 signals
"""


def parser(prog: str = "run_sweep.py") -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(
        prog=prog,
        description="Fine-tune ImageNet backbones on labelled photos, search for something better, "
        "average the best two, and report honestly.",
        epilog=_EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    headings = dict.fromkeys(setting.group for setting in FLAGS.values())
    groups = {heading: top.add_argument_group(heading) for heading in headings}
    for name, setting in FLAGS.items():
        _add_setting(groups[setting.group], name, setting)
    groups[SEARCHED].add_argument(
        "--space",
        type=parse_space,
        metavar="|".join(space.name for space in NAMED_SPACES) + "|FILE.toml",
        help="what varies and how far; --search beside it picks the dimensions; default: standard",
    )
    groups[SEARCHED].add_argument(
        "--baseline-only", action="store_true", help="the documented baselines, nothing searched"
    )
    _add_machine(groups[MACHINE])
    _add_run(top.add_argument_group("the run"))
    _add_elsewhere(top.add_argument_group("beside --plan, for another machine"))
    return top


def switches() -> dict[str, bool]:
    """By name of every flag, whether it is a switch, without a word behind it."""
    return {action.dest: action.nargs == 0 for action in parser()._actions}


def _add_setting(group: argparse._ArgumentGroup, name: str, setting: Flag) -> None:
    if setting.read is None:
        group.add_argument(flag(name), action="store_const", const=True, help=setting.help)
    else:
        group.add_argument(
            flag(name), type=setting.read, metavar=setting.metavar, help=setting.help
        )


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-concurrent", type=count("--max-concurrent"), metavar="N")
    group.add_argument("--cpus-per-trial", type=count("--cpus-per-trial"), metavar="N")
    group.add_argument(
        "--gpus-per-trial", type=gpu_share, metavar="X", help="fractions let trials share a GPU"
    )
    group.add_argument(
        "--address",
        metavar="auto|HOST:PORT",
        help="a Ray cluster, whose nodes need share nothing; default: this machine",
    )
    group.add_argument(
        "--cache-dir",
        type=place("--cache-dir"),
        metavar="DIR",
        help="datasets, features, downloads",
    )
    group.add_argument(
        "--max-cache",
        type=size("--max-cache"),
        metavar="20GB",
        help="of frozen features on the disk",
    )


def _add_elsewhere(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--rate-file",
        type=place("--rate-file"),
        metavar="FILE.json",
        help=f"what trials take there, as `{typed('rates')} RUN` prints it",
    )
    group.add_argument("--gpus", type=count("--gpus", most=9999), metavar="N")
    group.add_argument(
        "--cpus",
        type=count("--cpus", most=99999),
        metavar="N",
        help="default beside --gpus: as many as its trials need",
    )
    group.add_argument(
        "--price-per-hour", type=price, metavar="X", help="of the whole machine, in any money"
    )


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--run-dir", type=place("--run-dir"), metavar="DIR", help="default: runs/<date-time>"
    )
    group.add_argument(
        "--resume", type=place("--resume"), metavar="RUN", help="do what is left of a run"
    )
    group.add_argument(
        "--reproduce",
        nargs=2,
        metavar=("RUN", "TRIAL"),
        help="train one finished trial again and compare",
    )
    group.add_argument(
        "--storage",
        type=named("--storage"),
        metavar="DIR|s3://…|gs://…",
        help="keeps a copy of the run, trial by trial, from which --resume brings it back",
    )
    group.add_argument("--overwrite", action="store_true", help="replace the run in --run-dir")
    group.add_argument("--plan", action="store_true", help="print what would run, and stop")
    group.add_argument(
        "--time-budget",
        type=parse_seconds,
        metavar="2h",
        help="of training; the search ends in time for the fresh seeds (--confirm), and when it is "
        "spent running trials end with their epoch",
    )
    group.add_argument(
        "--max-disk",
        type=size("--max-disk"),
        metavar="20GB",
        help="of the run's folder while it trains; then weights of trials that are not among the "
        "best go, and then no trial starts",
    )
    group.add_argument(
        "--tables",
        type=choice("--tables", TABLES),
        default=SHORT_TABLES,
        metavar="|".join(TABLES),
        help="how many are printed at the end; default: short",
    )
    group.add_argument("--tensorboard", action="store_true", help="serve the board on localhost")
    group.add_argument(
        "--log-to",
        type=choice("--log-to", ("mlflow",)),
        metavar="mlflow",
        help="log finished trials there, too; the ledger stays what counts",
    )
    group.add_argument("--verbose", action="store_true", help="tracebacks and Ray's own messages")
    group.add_argument(
        "--config",
        type=named("--config"),
        metavar="FILE.toml",
        help="settings by the names of their flags, such as epochs = 5",
    )
    group.add_argument(
        "--print-config", action="store_true", help="print what holds as such a file, and stop"
    )
