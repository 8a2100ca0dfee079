"""Shell completion of `transfer-sweep` and `run-sweep`, made of the flags that argparse knows.

    source <(transfer-sweep completion bash)      in ~/.bashrc; zsh likewise, in ~/.zshrc
    transfer-sweep completion fish | source       in ~/.config/fish/config.fish

A flag's choices are the words in lower case of its metavar, `asha|none`; where there are none, or
none fits, the shell completes file names.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping

SHELLS = ("bash", "zsh", "fish")

Commands = Mapping[str, tuple[str, argparse.ArgumentParser]]
"""By name, what each command does, and its parser."""


def script(shell: str, commands: Commands) -> str:
    """What the shell is to read.

    Args:
        shell: one of `SHELLS`.
    """
    if shell == "fish":
        return "".join(f"{line}\n" for line in _fish(commands))
    loaded = "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n"
    return (loaded if shell == "zsh" else "") + "".join(f"{line}\n" for line in _bash(commands))


def _bash(commands: Commands) -> Iterator[str]:
    yield "_transfer_sweep() {"
    yield "    local command=${COMP_WORDS[1]} current=${COMP_WORDS[COMP_CWORD]} words="
    yield "    local before=${COMP_WORDS[COMP_CWORD-1]}"
    yield "    if [[ ${COMP_WORDS[0]##*/} == run-sweep ]]; then command=run"
    yield f'    elif (( COMP_CWORD == 1 )); then command= words="{" ".join(commands)}"; fi'
    yield '    case "$command $before" in'
    for name, (_, parser) in commands.items():
        for action in parser._actions:
            for typed in action.option_strings:
                if action.nargs != 0:
                    yield f'        "{name} {typed}") words="{" ".join(_choices(action))}";;'
    yield "        *) case $command in"
    for name, (_, parser) in commands.items():
        yield f'            {name}) words="{" ".join(_words(parser))}";;'
    yield "        esac;;"
    yield "    esac"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$current"))'
    yield "}"
    yield "complete -o default -F _transfer_sweep transfer-sweep run-sweep"


def _fish(commands: Commands) -> Iterator[str]:
    for name, (what, parser) in commands.items():
        said = _fish_quoted(what)
        yield f"complete -c transfer-sweep -n __fish_use_subcommand -f -a {name} -d {said}"
        starts = [f"-c transfer-sweep -n '__fish_seen_subcommand_from {name}'"]
        for start in [*starts, *(["-c run-sweep"] if name == "run" else [])]:
            for action in parser._actions:
                yield from _fish_action(start, action)


def _fish_action(start: str, action: argparse.Action) -> Iterator[str]:
    choices = f" -a '{' '.join(_choices(action))}'" if _choices(action) else ""
    typed = [word for word in action.option_strings if word.startswith("--")]
    for word in typed:
        needs = "" if action.nargs == 0 else " -r"
        said = f" -d {_fish_quoted(action.help)}" if action.help else ""
        yield f"complete {start} -l {word[2:]}{needs}{choices}{said}"
    if not typed and choices:
        yield f"complete {start} -f{choices}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """What can be typed first: flags, and choices of what has no flag."""
    return [
        word
        for action in parser._actions
        for word in (action.option_strings or _choices(action))
        if word != "-h"
    ]


def _choices(action: argparse.Action) -> list[str]:
    if action.choices:
        return [str(choice) for choice in action.choices]
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    words = metavar.split("|")
    return [word for word in words if len(words) > 1 and re.fullmatch("[a-z][a-z0-9_]*", word)]
