"""All commands as one, `transfer-sweep`: the console script of an installed package.

    transfer-sweep run --backbones all        python run_sweep.py --backbones all
    transfer-sweep predict RUN PHOTO...       python -m trainables predict RUN PHOTO...
    transfer-sweep report RUN                 python -m results RUN
    transfer-sweep completion bash            a script for the shell: source <(...)

`transfer-sweep --help` lists them; each is imported when it is asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NoReturn

from search_spaces.refusals import Refusal, one_of
from search_spaces.values import Parser
from sweep.process.guardian import guarded
from sweep.process.messages import UNGUARDED, Guardian

NAME = "transfer-sweep"

COMMANDS = {
    "run": "train a sweep, or go on with one",
    "predict": "what a run's recommended model says of photos",
    "report": "make a run's report again and print its result",
    "compare": "print two runs side by side",
    "verify": "check that every file of a run is as it was written",
    "rates": "print what a run's trials took, for a plan of another machine",
    "export": "write a run's winners as Keras models",
    "reproduce": "train one trial again and compare",
    "completion": "print a script that completes these words in a shell",
}
"""What each does, in the order of use."""


Lead = Callable[[Callable[[Guardian], int]], int]
"""Does the work of a sweep, such as `sweep.process.guardian.guarded`."""


def main(words: Sequence[str], lead: Lead = lambda work: work(UNGUARDED)) -> int:
    """Run a command; return its exit code.

    Args:
        lead: for `run`, whose processes somebody must end; by default the caller.
    """
    if words and words[0] in COMMANDS:
        return _command(words[0], words[1:], lead)
    try:
        _parser().parse_args(words)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    return 0


def _command(name: str, words: Sequence[str], lead: Lead) -> int:
    match name:
        case "run":
            import run_sweep

            return lead(partial(run_sweep.main, words, prog=f"{NAME} run"))
        case "report":
            import results.__main__

            return results.__main__.main(words, prog=f"{NAME} report")
        case "compare" | "verify" | "rates":
            import results.__main__

            return results.__main__.main([name, *words], prog=NAME)
        case "completion":
            return _complete(words)
    import trainables.__main__

    return trainables.__main__.main([name, *words], prog=NAME)


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:12}{what}" for name, what in COMMANDS.items())
    parser = Parser(
        prog=NAME,
        description="Fine-tune ImageNet backbones on labelled photos, and use what came out.",
        epilog=f"commands:\n{listed}\n\n{NAME} COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", metavar="COMMAND", type=_known)
    return parser


def _known(word: str) -> str:
    return one_of(word, COMMANDS, what="command", where=NAME)


def _complete(words: Sequence[str]) -> int:
    import results.__main__
    import trainables.__main__
    from sweep.terminal.completion import SHELLS, script
    from sweep.terminal.flags import parser

    asked = Parser(prog=f"{NAME} completion", description=COMMANDS["completion"])
    asked.add_argument("shell", choices=SHELLS)
    known: dict[str, argparse.ArgumentParser] = {
        **dict.fromkeys(COMMANDS, asked),
        **results.__main__.parsers(NAME),
        **trainables.__main__.parsers(NAME),
        "run": parser(),
    }
    try:
        shell = asked.parse_args(words).shell
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return refusal.exit_code
    print(script(shell, {name: (what, known[name]) for name, what in COMMANDS.items()}), end="")
    return 0


def console() -> NoReturn:
    """The console script."""
    sys.exit(main(sys.argv[1:], guarded))


if __name__ == "__main__":
    console()
