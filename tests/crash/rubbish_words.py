"""Command lines and TOML files that must be refused, and some that must not."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search_spaces.space import DIMENSIONS

GOOD = ("--backbones", "vgg16", "--epochs", "2", "--image-size", "75", "--weights", "random")


@dataclass(frozen=True)
class Case:
    """Attributes:
    words: the command line, but for what every one of them has.
    valid: whether it must be accepted; else it must be refused.
    note: what the words do not say.
    """

    words: tuple[str, ...]
    valid: bool = False
    note: str = ""


Generator = Callable[[random.Random, Path], Case]

_NO_NUMBERS = (
    *("", " ", "1.5", "1e3", "ten", "nan", "inf", "-inf", "0x10", "1_000", "1,000", "+", "--"),
    *(
        "²",
        "٣",
        "\uff11\uff12",
        "9" * 400,
        "None",
        "10\n20",
        "-1",
        "\udcff",
        "🐈",
        "3 4",
        "[bold]",
        "%s",
    ),
)
_NO_NAMES = (
    *("", " ", ",", ",,", "resnet-9000", "vgg16,vgg16", "vgg16,VGG16", "all,all", "*", "../x"),
    *("\udcff", "🐈", "vgg16;xception", "vgg16\nxception", "None", "[red]vgg16", "xcept ion"),
)
_BAD_WORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("--epochs", "--batch-size", "--image-size", "--seed", "--trials"), _NO_NUMBERS
    ),
    "--max-concurrent": (*_NO_NUMBERS, "0", "1000000"),
    "--cpus-per-trial": (*_NO_NUMBERS, "0", "999"),
    "--gpus-per-trial": ("", "-1", "1.5", "nan", "inf", "٣", "half", "1e400"),
    "--backbones": _NO_NAMES,
    "--search": (*_NO_NAMES, "lr", "optimizer,optimizer", "dropout,head,"),
    "--space": ("", "huge", "no.toml", "\udcff", "/dev/null.toml", "standard.toml"),
    "--time-budget": ("", "5", "0s", "-1h", "nanh", "1 hour", "infs", "٣h", "1e3s", "9" * 30 + "h"),
    "--max-disk": ("", "5", "0GB", "-1GB", "1e9GB", "GB", "20 GiB", "٣GB"),
    "--max-cache": ("", "5", "0GB", "-1GB", "20KB", "infGB"),
    "--cache-dtype": ("", "float64", "FLOAT16", "int8"),
    "--precision": ("", "float64", "bf16", "mixed"),
    "--class-weights": ("", "auto", "Balanced"),
    "--early-stopping": ("", "yes", "ASHA"),
    "--tables": ("", "some", "ALL"),
    "--cache-dir": ("", " ", "/dev/null", "/dev/null/x", "~nobody-here/x", "/etc/passwd"),
    "--run-dir": ("", " ", "/dev/null", "/dev/null/x", "~nobody-here/x", "/etc/passwd"),
    "--resume": ("", "/dev/null", "/no/where", "/", "~nobody-here"),
    "--data": ("", " ", "/no/where", "~nobody-here", "/dev/null", "/dev/zero", "\udcff", "a\nb"),
    "--weights": ("", " ", "~nobody-here", "/no/where", "/dev/null", "/etc/passwd"),
    "--colour": ("red",),
    "--epoch": ("3",),
}

_PATHS = ("--cache-dir", "--run-dir", "--resume", "--data", "--weights")
_ODD_LETTERS = (*range(1, 48), *range(58, 127), 0x7F, 0xA0, 0x661, 0x2028, 0x1F408, 0xDCFF, 0x202E)
"""No digits, which could make a number."""


def bad_word(choices: random.Random, folder: Path) -> Case:
    """One flag with a value that does not fit, among others that do."""
    flag = choices.choice(list(_BAD_WORDS))
    value = choices.choice(_BAD_WORDS[flag])
    if flag not in _PATHS and choices.random() < 0.4:
        value = "".join(chr(choices.choice(_ODD_LETTERS)) for _ in range(choices.randrange(1, 9)))
    typed = [f"{flag}={value}"] if choices.random() < 0.5 else [flag, value]
    good = [word for at in range(0, len(GOOD), 2) if GOOD[at] != flag for word in GOOD[at : at + 2]]
    words = [*good, *typed] if choices.random() < 0.5 else [*typed, *good]
    data = [] if flag in ("--data", "--resume") else ["--data", str(folder / "photos")]
    return Case((*words, *data))


def stray_word(choices: random.Random, folder: Path) -> Case:
    """A word that no flag asks for."""
    stray = choices.choice(["xception", "-", "--", "-x", "\udcff", "", "🐈", "--=", "--epochs"])
    words = [*GOOD, "--data", str(folder / "photos")]
    words.insert(choices.randrange(0, len(words), 2), stray)
    return Case((*words,), valid=False) if stray != "--" else Case((*words, "left-over"))


def contradiction(choices: random.Random, folder: Path) -> Case:
    """Words that exclude each other."""
    pair = choices.choice(
        [
            ("--baseline-only", "--trials", "3"),
            ("--baseline-only", "--search", "optimizer"),
            ("--baseline-only", "--space", "quick"),
            ("--resume", str(folder), "--run-dir", str(folder)),
            ("--resume", str(folder), "--overwrite"),
            ("--search", "momentum"),
            ("--search", "dropout", "--space", "quick", "--backbones", "mobilenetv3large"),
            ("--image-size", "20"),
        ]
    )
    good = [
        word for at in range(0, len(GOOD), 2) if GOOD[at] not in pair for word in GOOD[at : at + 2]
    ]
    return Case((*good, "--data", str(folder / "photos"), *pair))


def space_file(choices: random.Random, folder: Path) -> Case:
    """A TOML file of a search space with one thing wrong in it, or with nothing."""
    path = folder / "space.toml"
    path.unlink(missing_ok=True)
    valid = choices.random() < 0.25
    content = choices.choice(_GOOD_SPACES if valid else [*_BAD_SPACES, *_random_spaces(choices)])
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    words = (*GOOD, "--data", str(folder / "photos"), "--space", str(path))
    return Case(words, valid, note=repr(content[:300]))


_GOOD_SPACES: list[str | bytes] = [
    "[optimizer]\n",
    '[optimizer]\nchoices = ["adam", "SGD"]\n[unfreeze]\n',
    "[learning_rate]\nlow = 1e-5\nhigh = 1e-3\n",
    "[learning_rate]\nhigh = 1\n[weight_decay]\nchoices = [0, 0.5]\n",
    "[batch_size]\nchoices = [1, 2, 3]\n",
]
_BAD_SPACES: list[str | bytes] = [
    *("", "# nothing\n", "[", "[[optimizer]]\n", "optimizer = 3\n", "[colour]\n", "\x00", "{}"),
    *("[optimizer]\nchoices = []\n", '[optimizer]\nchoices = "adam"\n', "[optimizer]\nlow = 1\n"),
    '[optimizer]\nchoices = ["adam", "adam"]\n',
    '[optimizer]\nchoices = ["adam", "Adam"]\n',
    *("[optimizer]\nchoices = [1]\n", "[optimizer]\n[Optimizer]\n", "[optimizer]\n[optimizer]\n"),
    *("[unfreeze]\nchoices = ['head']\n", "[batch_size]\nchoices = [0]\n"),
    *("[batch_size]\nchoices = [1.5]\n", "[batch_size]\nchoices = [true]\n"),
    *("[batch_size]\nchoices = [-3]\n", '[batch_size]\nchoices = ["32"]\n'),
    *("[learning_rate]\nlow = 1\nhigh = 1\n", "[learning_rate]\nlow = nan\n"),
    *("[learning_rate]\nhigh = inf\n", "[learning_rate]\nlow = -1\n", "[learning_rate]\nlow = 0\n"),
    *('[learning_rate]\nlow = "1e-5"\n', "[learning_rate]\nchoices = [1e-3]\n"),
    *(
        "[learning_rate]\nlow = true\n",
        "[dropout]\nchoices = [1.5]\n",
        "[dropout]\nchoices = [nan]\n",
    ),
    *("[weight_decay]\nchoices = [-0.1]\n", "[momentum]\n", "[momentum]\nchoices = [[0.9]]\n"),
    *(b"\xff\xfe[\x00o\x00", b"[optimizer]\nchoices = ['\xff']\n", "[warmup]\nchoices = [-1]\n"),
    *(
        "[warmup]\nchoices = [99999]\n",
        "[head]\nchoices = ['none']\n",
        "[scaling]\nchoices = [{}]\n",
    ),
    "a" * 5_000,
    "[" * 5_000,
    "x = " + "[" * 3_000,
]


def _random_spaces(choices: random.Random) -> list[str]:
    """A dimension with a key that it has not, and one with a value that no dimension takes."""
    name = choices.choice(DIMENSIONS)
    odd = json.dumps("".join(chr(choices.randrange(33, 1000)) for _ in range(6)))
    return [f"[{name}]\n{odd} = 1\n", f"[{name}]\nchoices = [{{a = 1}}]\nlow = 'x'\n"]
