"""How GPUs and processors that are not here are shared among trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.refusals import UsageRefusal
from sweep.elsewhere import share_elsewhere
from sweep.terminal.arguments import parse_arguments

PLAN = ("--plan", "--rate-file", "rates.json")


@pytest.mark.parametrize(
    ("words", "at_once", "cpus", "gpus"),
    [
        ("--gpus 8", 8, 1, 1.0),
        ("--gpus 4 --gpus-per-trial 0.6", 4, 1, 0.6),
        ("--gpus 4 --gpus-per-trial 0.25", 16, 1, 0.25),
        ("--gpus 4 --gpus-per-trial 2", 2, 1, 2.0),
        ("--gpus 2 --max-concurrent 3", 3, 1, 0.5),
        ("--gpus 8 --cpus 4", 4, 1, 1.0),
        ("--gpus 8 --cpus 64", 8, 8, 1.0),
        ("--gpus 8 --cpus-per-trial 4", 8, 4, 1.0),
        ("--cpus 64", 64, 1, 0.0),
        ("--cpus 64 --cpus-per-trial 4", 16, 4, 0.0),
        ("--gpus 64", 20, 3, 1.0),
    ],
)
def test_as_many_trials_run_as_the_given_machine_has_room_for(
    tmp_path: Path, words: str, at_once: int, cpus: int, gpus: float
) -> None:
    typed = parse_arguments([*PLAN, *words.split(), "--cache-dir", str(tmp_path)])
    found = share_elsewhere(typed, most_trials=64 if typed.cpus else 20)
    assert (found.max_concurrent, found.cpus_per_trial, found.gpus_per_trial) == (
        at_once,
        cpus,
        gpus,
    )


@pytest.mark.parametrize(
    "words",
    [
        "--gpus 2 --gpus-per-trial 4",
        "--gpus 2 --gpus-per-trial 1 --max-concurrent 3",
        "--gpus 8 --gpus-per-trial 0",
    ],
)
def test_what_the_given_machine_has_no_room_for_is_refused(tmp_path: Path, words: str) -> None:
    typed = parse_arguments([*PLAN, *words.split(), "--cache-dir", str(tmp_path)])
    with pytest.raises(UsageRefusal):
        share_elsewhere(typed, most_trials=20)


@pytest.mark.parametrize(
    "words",
    [
        "--rate-file rates.json",
        "--plan --gpus 8",
        "--plan --cpus 8",
        "--plan --price-per-hour 2",
        "--plan --rate-file rates.json --price-per-hour 0",
        "--plan --rate-file rates.json --price-per-hour nan",
        "--plan --rate-file rates.json --gpus 0",
    ],
)
def test_half_of_such_a_plan_is_refused(words: str) -> None:
    with pytest.raises(UsageRefusal):
        parse_arguments(words.split())
