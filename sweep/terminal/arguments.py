"""The command line, as typed. `None` means: not given, the preset decides.

python run_sweep.py --help answers from this file alone; it imports nothing heavy.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from search_spaces.backbones import PAPER_NAMES
from search_spaces.flags import OF_PRESET, Flag
from search_spaces.presets import PAPER, Preset
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import FLAGS, MACHINE, SEARCHED, Settings
from search_spaces.space import SearchSpace
from search_spaces.spaces import NAMED_SPACES, parse_space
from search_spaces.values import (
    SHORT_TABLES,
    TABLES,
    choice,
    count,
    gpu_share,
    parse_seconds,
    place,
    size,
)

_EPILOG = """\
examples:
  run_sweep.py --backbones all                   the paper's photos and weights, or a demonstration
  run_sweep.py --backbones all --baseline-only   the paper's six configurations, nothing searched
  run_sweep.py --backbones xception --data PHOTOS.zip --weights DIR
  run_sweep.py --resume runs/NAME                do what is left of a run

exit codes: 0 complete, 1 some trials failed or were not started, 2 usage, 3 data,
            4 environment, 130/143 signals
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageRefusal(message, where="command line", fix="See run_sweep.py --help.")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(
        prog="run_sweep.py",
        description="Fine-tune ImageNet backbones on labelled photos, search for something better, "
        "average the best two, and report honestly.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    headings = dict.fromkeys(flag.group for flag in FLAGS.values())
    groups = {heading: top.add_argument_group(heading) for heading in headings}
    for name, flag in FLAGS.items():
        _add_setting(groups[flag.group], name, flag)
    groups[SEARCHED].add_argument(
        "--space",
        type=parse_space,
        metavar="|".join(named.name for named in NAMED_SPACES) + "|FILE.toml",
        help="what varies and how far; --search beside it picks the dimensions; default: standard",
    )
    groups[SEARCHED].add_argument(
        "--baseline-only", action="store_true", help="the documented baselines, nothing searched"
    )
    _add_machine(groups[MACHINE])
    _add_run(top.add_argument_group("the run"))
    return top


def _add_setting(group: argparse._ArgumentGroup, name: str, flag: Flag) -> None:
    typed = f"--{name.replace('_', '-')}"
    if flag.read is None:
        group.add_argument(typed, action="store_const", const=True, help=flag.help)
    else:
        group.add_argument(typed, type=flag.read, metavar=flag.metavar, help=flag.help)


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-concurrent", type=count("--max-concurrent"), metavar="N")
    group.add_argument("--cpus-per-trial", type=count("--cpus-per-trial"), metavar="N")
    group.add_argument(
        "--gpus-per-trial", type=gpu_share, metavar="X", help="fractions let trials share a GPU"
    )
    group.add_argument("--address", metavar="ADDRESS", help="a Ray cluster; default: this machine")
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
    group.add_argument("--overwrite", action="store_true", help="replace the run in --run-dir")
    group.add_argument("--plan", action="store_true", help="print what would run, and stop")
    group.add_argument(
        "--time-budget",
        type=parse_seconds,
        metavar="2h",
        help="of training; then no trial starts, and running ones end with their epoch",
    )
    group.add_argument(
        "--max-disk",
        type=size("--max-disk"),
        metavar="20GB",
        help="of the run's folder; then no trial starts",
    )
    group.add_argument(
        "--tables",
        type=choice("--tables", TABLES),
        default=SHORT_TABLES,
        metavar="|".join(TABLES),
        help="how many are printed at the end; default: short",
    )
    group.add_argument("--tensorboard", action="store_true", help="serve the board on localhost")
    group.add_argument("--verbose", action="store_true", help="tracebacks and Ray's own messages")


def is_verbose(words: Sequence[str]) -> bool:
    """Whether tracebacks are asked for, also where the rest cannot be read."""
    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    only.add_argument("--verbose", action="store_true")
    return bool(only.parse_known_args(words)[0].verbose)


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line.

    Raises:
        UsageRefusal: a word is unknown or a value does not fit.
        SystemExit: `--help` was asked for and printed.
    """
    _refuse_other_encodings(words)
    dashes = [word for word in words if word.endswith("=--")]
    if dashes:  # which argparse itself cannot read
        raise UsageRefusal("-- is no value", where=dashes[0], fix="See run_sweep.py --help.")
    arguments = parser().parse_args(words)
    if arguments.resume and (arguments.run_dir or arguments.overwrite):
        raise UsageRefusal("--resume names the run already", where="--run-dir", fix="Leave it out.")
    if arguments.baseline_only and (arguments.trials or arguments.search or arguments.space):
        raise UsageRefusal(
            "--baseline-only searches nothing",
            where="--trials, --search, --space",
            fix="Leave them out.",
        )
    return arguments


def _refuse_other_encodings(words: Sequence[str]) -> None:
    """Names are recorded in JSON, which is UTF-8."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as fault:
            raise UsageRefusal(
                f"names must be UTF-8, got {word!a}",
                where="command line",
                fix="Rename the file or folder, or name it by a link.",
            ) from fault


def settings_from(arguments: argparse.Namespace, preset: Preset) -> Settings:
    """What was typed, completed by a preset.

    Raises:
        UsageRefusal: the photos would be too small for a backbone.
    """
    typed = _typed(arguments)
    return Settings(
        **{
            name: typed[name] if typed[name] is not None else _default(name, flag, preset)
            for name, flag in FLAGS.items()
        },
        ranges=dict(preset.ranges) if typed["ranges"] is None else typed["ranges"],
    )


def most_trials(arguments: argparse.Namespace) -> int:
    """How many trials what was typed can come to, whatever the preset."""
    typed = _typed(arguments)
    searched = PAPER.trials if typed["trials"] is None else typed["trials"]
    return (1 + int(searched)) * len(typed["backbones"] or PAPER_NAMES)


def refuse_contradictions(arguments: argparse.Namespace, recorded: Settings) -> None:
    """Check that what was typed next to `--resume` is what the run was started with, but for more
    `--trials`.

    Raises:
        UsageRefusal: it is not; the line names each difference.
    """
    before = recorded.to_dict()
    differences = [
        f"{name} was {before[name]} and is {value}"
        for name, value in _typed(arguments).items()
        if value is not None
        and value != before[name]
        and not (name == "trials" and value > before[name])
    ]
    if differences:
        raise UsageRefusal(
            f"a resumed run keeps its settings: {'; '.join(differences)}",
            where="--resume",
            fix="Leave these out, or start another run.",
        )


def _typed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Each setting as it would be recorded; None where nothing was typed."""
    typed = {
        name: None if (value := getattr(arguments, name)) is None else flag.recorded(value)
        for name, flag in FLAGS.items()
    }
    if arguments.baseline_only:
        typed["trials"] = 0
    space: SearchSpace | None = arguments.space
    typed["ranges"] = None if space is None else dict(space.ranges)
    if space is not None and typed["search"] is None:
        typed["search"] = space.varied
    return typed


def _default(name: str, flag: Flag, preset: Preset) -> Any:
    if flag.default is OF_PRESET:
        return getattr(preset, name)
    return flag.recorded(flag.default)
