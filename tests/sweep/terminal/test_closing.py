"""The last lines, and what Ctrl-C and a long silence say."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest
from rich.console import Console

from results.ledger.store import RunFolder
from sweep.process.activity import Activity, ActivityReporter
from sweep.signals import Interrupted, signals_as_exceptions
from sweep.terminal.closing import closing
from sweep.terminal.silence import SECONDS_OF_SILENCE, Silence, doing


def test_an_unfinished_run_without_models_says_how_to_go_on_and_offers_no_prediction() -> None:
    lines = closing(RunFolder(Path("/a b/run")), complete=False, exported=False)
    assert "  python run_sweep.py --resume '/a b/run'" in lines
    assert not any("predict" in line or "models" in line for line in lines)


def test_a_complete_run_below_this_folder_is_named_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = closing(RunFolder(tmp_path / "runs/one"), complete=True, exported=True)
    assert "report:      runs/one/report/report.html" in lines
    assert "  python -m trainables predict runs/one PHOTO..." in lines
    assert "  tensorboard --logdir runs/one/tensorboard" in lines
    assert not any("--resume" in line for line in lines)


def test_a_signal_is_announced_before_anything_is_ended() -> None:
    heard: list[str] = []

    def end_by_signal() -> None:
        with signals_as_exceptions(lambda: heard.append("said")):
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                heard.append("ended")

    with pytest.raises(Interrupted) as stop:
        end_by_signal()
    assert heard == ["said", "ended"]
    assert stop.value.exit_code == 130


def test_an_announcement_that_cannot_be_written_hinders_no_end() -> None:
    def fail() -> None:
        raise RuntimeError("reentrant call inside a writer")

    with pytest.raises(Interrupted), signals_as_exceptions(fail):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_line_is_due_after_the_silence_and_not_before() -> None:
    now = 0.0
    silence = Silence(lambda: now)
    now = SECONDS_OF_SILENCE - 1
    assert not silence.is_due
    now += 1
    assert silence.is_due
    silence.broken()
    assert not silence.is_due
    assert SECONDS_OF_SILENCE < 30


def test_short_work_is_silent_in_a_pipe() -> None:
    console = Console(file=io.StringIO(), record=True)
    with doing(console, "writing [/x]"):
        pass
    assert console.export_text() == ""


def test_a_stage_is_sent_at_once_and_its_share_once_a_second() -> None:
    now = 0.0
    sent: list[Activity] = []
    report = ActivityReporter(sent.append, clock=lambda: now)
    report("tracing", 0, None)
    for step in range(40):
        now = step / 10
        report("features", step, 40)
    assert sent[:2] == [Activity("tracing"), Activity("features", 0.0)]
    assert [activity.share for activity in sent[2:]] == [0.25, 0.5, 0.75]


def test_a_total_that_is_too_small_or_unknown_gives_no_wrong_share() -> None:
    sent: list[Activity] = []
    report = ActivityReporter(sent.append)
    report("a", 3, 2)
    report("b", 3, 0)
    assert [activity.share for activity in sent] == [1.0, None]
