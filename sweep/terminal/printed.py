"""`--print-config`: what holds, as a file for `--config`, with where each setting came from.

print(as_toml(parse_arguments(["--epochs", "5"], os.environ)))
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from results.ledger.units import clean
from search_spaces.flags import OF_PRESET
from search_spaces.presets import DEMONSTRATION, PAPER
from search_spaces.settings import FLAGS
from sweep.terminal.arguments import preset_of, settings_from
from sweep.terminal.given import EXCLUDES, TYPED_ALONE, Given

_HEADER = """\
# What `run_sweep.py --config FILE` reads back. Flags and TRANSFER_SWEEP_* come before it.
"""


def as_toml(arguments: argparse.Namespace) -> str:
    """A TOML document that, read back, gives the same settings.

    What the machine decides is left out; what depends on whether the paper's photos and weights can
    be reached is a comment.

    Raises:
        UsageRefusal: settings do not fit each other.
    """
    settings_from(arguments, preset_of(arguments) or PAPER)
    lines = [*_given(arguments), *_usual(arguments)]
    return _HEADER + "".join(f"{line:<32}  # {clean(where)}\n" for line, where in lines)


def _given(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for name, one in arguments.given.items():
        if name not in TYPED_ALONE:
            yield f"{name} = {_value(one, getattr(arguments, name))}", one.where


def _usual(arguments: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Settings that were not given and that nothing else decides: a preset's, or the default."""
    decided = {
        *({"search"} if arguments.space else ()),
        *(EXCLUDES["baseline_only"][1] if arguments.baseline_only else ()),
    }
    preset = preset_of(arguments)
    for name, setting in FLAGS.items():
        if name in arguments.given or name in decided:
            continue
        if setting.default is not OF_PRESET:
            yield f"{name} = {_toml(setting.default)}", "default"
        elif preset is not None:
            yield f"{name} = {_toml(getattr(preset, name))}", "preset"
        else:
            value, other = (_toml(getattr(of, name)) for of in (PAPER, DEMONSTRATION))
            yield (
                f"# {name} = {value}",
                f"preset; {other} where the paper's photos are out of reach",
            )


def _value(given: Given, read: Any) -> str:
    """The words as TOML: a number if the reader made the same number of them, else a text."""
    if not given.words:
        return _toml(given.words is not None)
    [word] = given.words
    number = isinstance(read, int | float) and not isinstance(read, bool) and word == str(read)
    return word if number else _toml(word)


def _toml(value: Any) -> str:
    """A value as TOML, whose texts are those of JSON but for one more escaped letter."""
    shown = list(value) if isinstance(value, tuple) else value
    return json.dumps(shown, ensure_ascii=False).replace("\x7f", "\\u007f")
