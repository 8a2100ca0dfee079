"""Every bad command line is one refusal that names flag and remedy; nothing else escapes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.backbones import PAPER_NAMES
from search_spaces.refusals import UsageRefusal
from search_spaces.space import DIMENSIONS
from sweep.terminal.arguments import parse_arguments
from sweep.terminal.flags import parser

COUNTS = (
    "--epochs",
    "--batch-size",
    "--image-size",
    "--seed",
    "--trials",
    "--confirm",
    "--max-concurrent",
    "--cpus-per-trial",
)
NO_COUNTS = (
    "",
    " ",
    "-1",
    "-0.5",
    "1.5",
    "1e3",
    "ten",
    "nan",
    "inf",
    "-inf",
    "0x10",
    "1_000",
    "1,000",
    "+",
    "--",
    "²",
    "٣",
    "9" * 29,
    "9" * 400,
    "None",
    "10\n20",
)
NO_QUANTITIES = (
    "",
    "5",
    "0s",
    "0GB",
    "-1h",
    "-1GB",
    "1e9GB",
    "nanh",
    "infGB",
    "h",
    "GB",
    "2 hours",
    "20GiB",
    "20 G B",
    "1h30m",
    "1.GB",
    ".5GB",
    "9" * 12 + "s",
    "9" * 12 + "GB",
    "٣GB",
    "٣h",
)
NO_GPUS = ("", "one", "-1", "-0.5", "1.5", "2.01", "nan", "inf", "-inf", "1e400", "1/2", "50%", "٣")
NO_PATHS = ("", " ", "\t", "~there_is_no_such_user/x")
OTHER_FLAGS = (
    "--version",
    "--epoch",
    "--backbone",
    "--GPUS",
    "--lr",
    "-b",
    "-v",
    "photos.zip",
    "---",
    "--overwritten",
)

BAD = [
    *((flag, value) for flag in COUNTS for value in NO_COUNTS),
    *((flag, "0") for flag in COUNTS if flag not in ("--seed", "--trials", "--confirm")),
    *((flag, value) for flag in ("--max-cache", "--max-disk") for value in NO_QUANTITIES),
    *((flag, "1h") for flag in ("--max-cache", "--max-disk")),
    *(("--time-budget", value) for value in (*NO_QUANTITIES, "1GB")),
    *(("--gpus-per-trial", value) for value in NO_GPUS),
    *(
        (flag, value)
        for flag in ("--data", "--weights", "--cache-dir", "--run-dir", "--resume")
        for value in NO_PATHS
    ),
    *(
        ("--backbones", value)
        for value in (
            "",
            ",",
            "vgg16,",
            ",vgg16",
            "vgg16,,xception",
            "VGG19",
            "vgg16 xception",
            "*",
        )
    ),
    *(
        ("--search", value)
        for value in ("", ",", "dropout,head,", "lr", "learning-rate", "all", "nesterov")
    ),
    *(("--early-stopping", value) for value in ("", "yes", "ASHA", "hyperband")),
    *(("--cache-dtype", value) for value in ("", "float64", "bfloat16", "Float32")),
    *(("--precision", value) for value in ("", "float16", "bfloat16", "Float32", "mixed")),
    ("--epochs", "10001"),
    *(("--tables", value) for value in ("", "none", "ALL", "short,all")),
    ("--image-size", "4097"),
    ("--trials", "10001"),
    ("--confirm", "1"),
    ("--confirm", "101"),
    ("--batch-size", "65537"),
]


def refusal(*words: str) -> UsageRefusal:
    with pytest.raises(UsageRefusal) as refused:
        parse_arguments(words)
    line = str(refused.value)
    assert refused.value.exit_code == 2
    assert len(line.splitlines()) == 1
    assert len(line) < 1000
    return refused.value


@pytest.mark.parametrize(("flag", "value"), BAD)
@pytest.mark.parametrize("form", ["two words", "one word"])
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_flag(
    flag: str, value: str, form: str
) -> None:
    refused = refusal(flag, value) if form == "two words" else refusal(f"{flag}={value}")
    assert flag in str(refused)
    assert refused.fix


@pytest.mark.parametrize("word", OTHER_FLAGS)
def test_a_word_that_does_not_exist_is_refused_by_its_name(word: str) -> None:
    refused = refusal(word)
    assert word in str(refused)
    assert "--help" in refused.fix


@pytest.mark.parametrize(
    "flag", ["--backbones", "--data", "--epochs", "--resume", "--max-disk", "--early-stopping"]
)
def test_a_flag_without_its_value_is_refused(flag: str) -> None:
    assert flag in str(refusal(flag))
    assert flag in str(refusal(flag, "--plan"))


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("--resume runs/a --run-dir runs/b", "--run-dir"),
        ("--resume runs/a --overwrite", "--resume"),
        ("--baseline-only --trials 3", "--trials"),
        ("--baseline-only --search learning_rate", "--search"),
        ("--baseline-only --space wide", "--space"),
        ("--plan=yes", "--plan"),
        ("--jit-compile=no", "--jit-compile"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(words: str, named: str) -> None:
    refused = refusal(*words.split())
    assert named in str(refused)
    assert refused.fix


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("vgg17", "Did you mean VGG16?"),
        ("resnet", "Did you mean ResNet50?"),
        ("inceptionv4", "Did you mean InceptionV3?"),
        ("zzz", "Choose from"),
    ],
)
def test_an_unknown_backbone_is_refused_with_the_nearest(value: str, hint: str) -> None:
    assert hint in refusal("--backbones", value).fix


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("", "backbones", None),
        ("", "trials", None),
        ("--backbones ALL", "backbones", PAPER_NAMES),
        ("--backbones xception,VGG16", "backbones", ("VGG16", "Xception")),
        ("--search optimizer,learning_rate", "search", ("learning_rate", "optimizer")),
        ("--search " + ",".join(DIMENSIONS), "search", DIMENSIONS),
        ("--trials 0", "trials", 0),
        ("--seed 0", "seed", 0),
        ("--epochs +3", "epochs", 3),
        ("--gpus-per-trial 0", "gpus_per_trial", 0.0),
        ("--gpus-per-trial 0.25", "gpus_per_trial", 0.25),
        ("--gpus-per-trial 2", "gpus_per_trial", 2.0),
        ("--time-budget 90s", "time_budget", 90.0),
        ("--time-budget 1.5H", "time_budget", 5400.0),
        ("--time-budget 2d", "time_budget", 172800.0),
        ("--max-cache 20gb", "max_cache", 20 * 10**9),
        ("--max-disk 0.5TB", "max_disk", 5 * 10**11),
        ("--run-dir=-strange", "run_dir", Path("-strange")),
        ("--cache-dir ~", "cache_dir", Path("~")),
        ("--baseline-only --trials 0", "baseline_only", True),
        ("--plan --verbose --tensorboard --overwrite", "overwrite", True),
        ("", "precision", None),
        ("--precision mixed_bfloat16", "precision", "mixed_bfloat16"),
        ("", "jit_compile", None),
        ("--jit-compile", "jit_compile", True),
        ("", "tables", "short"),
        ("--tables all", "tables", "all"),
    ],
)
def test_what_fits_is_read(words: str, name: str, value: Any) -> None:
    assert getattr(parse_arguments(words.split()), name) == value


def test_help_names_every_flag_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse_arguments(["--help"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    for action in parser()._actions:
        assert action.option_strings[-1] in shown
    assert "0 complete, 1 some trials failed or were not started, 2 usage, 3 data" in shown


FLAGS = [action.option_strings[-1] for action in parser()._actions]
ANYTHING = st.one_of(
    st.sampled_from(FLAGS),
    st.sampled_from([*NO_COUNTS, *NO_QUANTITIES, *NO_GPUS, "1", "0.5", "2h", "20GB", "all"]),
    st.text(max_size=12),
    st.builds("{}={}".format, st.sampled_from(FLAGS), st.text(max_size=8)),
)


@given(st.lists(ANYTHING, max_size=6))
def test_any_words_are_read_or_refused_or_answered_with_help(words: list[str]) -> None:
    try:
        found = parse_arguments(words)
    except (UsageRefusal, SystemExit):
        return
    assert isinstance(found, argparse.Namespace)
