"""The command line, with what the environment and a file add. `None`: not given, a preset decides.

arguments = parse_arguments(["--backbones", "all"], os.environ)
settings = settings_from(arguments, PAPER)
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.backbones import PAPER_NAMES
from search_spaces.flags import OF_PRESET, Flag
from search_spaces.presets import DEMONSTRATION, PAPER, Preset
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import FLAGS, Settings
from search_spaces.space import SearchSpace
from sweep.terminal.flags import parser, switches
from sweep.terminal.given import EXCLUDES, NEEDS, Given, flag, from_environment, from_file, merged


def parse_arguments(
    words: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    prog: str = "run_sweep.py",
) -> argparse.Namespace:
    """Read the command line, and what the environment and `--config` add to it.

    Returns:
        The values by name, and beside them `given`: by name, how and where each was given.

    Raises:
        UsageRefusal: a word is unknown or a value does not fit.
        SystemExit: `--help` was asked for and printed.
    """
    return resolved(_from_words(words, prog), environment or {})


def resolved(typed: Mapping[str, Given], environment: Mapping[str, str]) -> argparse.Namespace:
    """Read what was given, as `parse_arguments` does, and returns it.

    Raises:
        UsageRefusal: a value does not fit, or settings contradict each other.
    """
    known = switches()
    around = from_environment(environment, known)
    config = typed.get("config") or around.pop("config", None)
    file = from_file(config.words[0], known) if config and config.words else {}
    arguments = _read(merged(typed, around, file))
    for name, (reason, others) in EXCLUDES.items():
        beside = [flag(other) for other in others if getattr(arguments, other)]
        if getattr(arguments, name) and beside:
            raise UsageRefusal(
                f"{flag(name)} {reason}", where=", ".join(beside), fix="Leave it out."
            )
    for name, other in NEEDS.items():
        if getattr(arguments, name) and not getattr(arguments, other):
            raise UsageRefusal(f"{flag(other)} is needed", where=flag(name), fix="Give both.")
    return arguments


def _from_words(words: Sequence[str], prog: str) -> dict[str, Given]:
    """What was typed, not read yet."""
    reader = parser(prog)
    for action in reader._actions:
        action.type, action.default = None, argparse.SUPPRESS
    typed: dict[str, str | bool | list[str]] = vars(_parsed(reader, words))
    return {name: Given(_as_words(value), flag(name)) for name, value in typed.items()}


def _as_words(value: str | bool | list[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return () if isinstance(value, bool) else tuple(value)


def _read(given: Mapping[str, Given]) -> argparse.Namespace:
    """The values of what was given, each refused by the name of where it was given."""
    reader = parser()
    arguments = reader.parse_args([])
    for name, one in given.items():
        try:
            setattr(arguments, name, getattr(_parsed(reader, one.typed(name)), name))
        except UsageRefusal as refusal:
            where = refusal.where if one.where == flag(name) else one.where
            raise UsageRefusal(refusal.what, where=where, fix=refusal.fix) from refusal
    arguments.given = given
    return arguments


def _parsed(reader: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    _refuse_other_encodings(words)
    dashes = [word for word in words if word.endswith("=--")]
    if dashes:  # which argparse itself cannot read
        raise UsageRefusal("-- is no value", where=dashes[0], fix="See --help.")
    return reader.parse_args(words)


def preset_of(arguments: argparse.Namespace) -> Preset | None:
    """The preset that completes what was given; None if it depends on what can be reached."""
    if arguments.data is None and arguments.weights is None:
        return None
    return DEMONSTRATION if arguments.data == DEMONSTRATION.data else PAPER


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
            name: typed[name] if typed[name] is not None else _default(name, setting, preset)
            for name, setting in FLAGS.items()
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
        f"{name} was {before[name]} and is {value}{_place(arguments, name)}"
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


def _place(arguments: argparse.Namespace, name: str) -> str:
    """Where a setting was given, unless it was typed."""
    given = arguments.given.get(name)
    return "" if given is None or given.where == flag(name) else f" ({given.where})"


def _typed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Each setting as it would be recorded; None where nothing was typed."""
    typed = {
        name: None if (value := getattr(arguments, name)) is None else setting.recorded(value)
        for name, setting in FLAGS.items()
    }
    if arguments.baseline_only:
        typed["trials"] = 0
    space: SearchSpace | None = arguments.space
    typed["ranges"] = None if space is None else dict(space.ranges)
    if space is not None and typed["search"] is None:
        typed["search"] = space.varied
    return typed


def _default(name: str, setting: Flag, preset: Preset) -> Any:
    if setting.default is OF_PRESET:
        return getattr(preset, name)
    return setting.recorded(setting.default)
