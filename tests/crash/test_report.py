"""The crash report: rows made again take the place of former ones, the others stay."""

from __future__ import annotations

import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from tests.crash.__main__ import made as all_made
from tests.crash.report import Result, report
from tests.crash.row import Row


def made(what: str, count: int, *examples: str, seed: int = 1) -> Result:
    row = Row(what, "kills", seed=seed, count=count).must_not("lost")
    for example in examples:
        row.fault("lost", example)
    return Result(row, goal=10, pieces=2, seconds=60.0)


def told(*results: Result, former: str = "") -> str:
    return report(results, former=former, seed=1, jobs=2)


def test_a_row_says_what_was_done_with_which_seeds_and_what_went_wrong() -> None:
    text = told(made("kills", 7, "trial 3 | gone\nfor good"), made("cuts", 4))
    assert "| kills | 7 kills | 10 | 1 to 2 | lost: 1 |  | 60 | 20" in text
    assert "- kills: lost: trial 3 / gone for good\n" in text
    assert "all rows\ntogether 2 minutes" in text


def test_a_row_made_again_takes_the_place_of_the_former_with_what_went_wrong_then() -> None:
    former = told(made("kills", 7, "trial 3"), made("cuts: of all", 4, "trial 5"))
    again = told(made("kills", 9), former=former)
    assert "| kills | 9 kills |" in again
    assert "| kills | 7 kills |" not in again
    assert again.index("| kills |") < again.index("| cuts: of all | 4 kills |")
    assert "trial 3" not in again
    assert "- cuts: of all: lost: trial 5\n" in again


def test_a_row_made_with_another_seed_stands_beside_the_former() -> None:
    former = told(made("kills", 7, "trial 3"), made("cuts", 4))
    more = told(made("kills", 9, seed=50), former=former)
    places = [
        more.index(f"| {cells} |") for cells in ("kills | 7 kills", "kills | 9 kills", "cuts")
    ]
    assert places == sorted(places)
    assert "- kills: lost: trial 3\n" in more
    assert "all rows\ntogether 3 minutes" in more


def test_without_faults_nothing_is_said_to_have_gone_wrong() -> None:
    assert "went wrong\n" not in told(made("kills", 7), former=told(made("kills", 7, "trial 3")))


def test_a_row_whose_process_dies_is_told_and_the_others_are_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def make(name: str, *_: float) -> Result:
        if name == "kills":
            raise BrokenProcessPool("a process was killed")
        return made(name, 1)

    rows = dict(all_made(["kills", "soak", "orders"], 5, time.monotonic() + 60, 2, make))
    assert set(rows) == {"orders", "soak"}
    assert "kills: no row, BrokenProcessPool: a process was killed" in capsys.readouterr().err
