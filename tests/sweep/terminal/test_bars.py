"""Bars before the first trial: on a terminal only, and whatever a file is called."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from sweep.terminal.bars import showing


def shown(stage: str, *, terminal: bool, total: int | None = 10) -> str:
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100, color_system=None)
    with showing(console) as report:
        report(stage, 0, total)
        report(stage, 5, total)
        report(stage, 10, 10)
    return file.getvalue()


@pytest.mark.parametrize("stage", ["downloading [bold]x[/].zip", "downloading [/x].zip", "[link=]"])
def test_a_stage_is_shown_as_it_is_whatever_it_is_called(stage: str) -> None:
    assert stage in shown(stage, terminal=True)


@pytest.mark.parametrize("total", [None, 0, 3])
def test_a_total_may_be_unknown_or_wrong(total: int | None) -> None:
    assert "reading photos" in shown("reading photos", terminal=True, total=total)


def test_a_pipe_sees_nothing() -> None:
    assert shown("reading photos", terminal=False).strip() == ""


def test_a_pipe_hears_of_long_work_after_a_silence() -> None:
    console = Console(file=io.StringIO(), record=True, width=100)
    now = 0.0
    with showing(console, clock=lambda: now, seconds=0.001) as report:
        report("downloading [/x].zip", 4, 10)
        now = 26.0
        while not (text := console.export_text(clear=False)):
            time.sleep(0.001)
    assert text == "downloading [/x].zip, 40 %, 26 s so far\n"


def test_every_stage_has_a_bar_of_its_own() -> None:
    file = io.StringIO()
    with showing(Console(file=file, force_terminal=True, width=100)) as report:
        report("reading photos", 1, 10)
        report("downloading", 1, None)
        report("reading photos", 10, 10)
    last = file.getvalue()
    assert "reading photos" in last
    assert "downloading" in last
