"""A sweep started from Python: settings by keyword, refusals raised, interrupts passed on."""

from __future__ import annotations

import doctest
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import sweep
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, Refusal, UsageRefusal
from sweep import notebook
from tests.sweeps import HOME, finish, photo_folder, small, when, with_table_1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"epoch": 5}, "Did you mean epochs?"),
        ({"epochs": 0}, "run(epochs=...)"),
        ({"epochs": True}, "a text, a number or a list of names"),
        ({"epochs": 1.5}, "a whole number"),
        ({"epochs": object()}, "a text, a number or a list of names"),
        ({"backbones": ["vgg16", 5]}, "a list of names"),
        ({"overwrite": "yes"}, "true or false"),
        ({"plan": True}, "there is no setting 'plan'"),
        ({"reproduce": ("runs/a", "VGG16/t01")}, "there is no setting"),
        ({"baseline_only": True, "trials": 5}, "searches nothing"),
        ({"resume": "runs/a", "run_dir": "runs/b"}, "names the run already"),
        ({"config": "missing.toml"}, "missing.toml"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_starts(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(UsageRefusal) as refused:
        sweep.run(**settings)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "kind", "named"),
    [
        ({"data": "missing", "weights": "random"}, UsageRefusal, "--data"),
        ({"data": Path("empty"), "weights": "random"}, DataRefusal, "empty"),
        ({"data": "digits", "weights": "empty"}, EnvironmentRefusal, "there are no weights of"),
        ({"resume": "empty"}, UsageRefusal, "there is no run here"),
    ],
)
def test_what_the_command_refuses_is_raised_as_its_kind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    kind: type[Refusal],
    named: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRANSFER_SWEEP_TRIALS", "1")
    (tmp_path / "empty").mkdir()
    shown: list[str] = []
    with pytest.raises(kind) as refused:
        sweep.run(show=shown.append, cache_dir=tmp_path / "cache", overwrite=None, **settings)
    assert type(refused.value) is kind
    assert named in str(refused.value)
    assert not str(refused.value).endswith("..")
    assert "error:" not in "".join(shown)


STOPPABLE = """
import signal, sys, time
def stop(*_):
    print("stopping", flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, stop)
print("training", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("fault", [KeyboardInterrupt, BrokenPipeError])
def test_an_interrupt_is_passed_on_once_and_any_other_fault_ends_the_process(
    fault: type[BaseException],
) -> None:
    shown: list[str] = []

    def show(line: str) -> None:
        shown.append(line)
        if line == "training\n":
            raise fault

    with subprocess.Popen(
        [sys.executable, "-c", STOPPABLE], stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        if fault is KeyboardInterrupt:
            assert notebook._follow(process, show) == 130
        else:
            with pytest.raises(fault):
                notebook._follow(process, show)
    assert process.returncode == (130 if fault is KeyboardInterrupt else -signal.SIGTERM)
    assert shown == ["training\n", *(["stopping\n"] if fault is KeyboardInterrupt else [])]


def test_the_example_is_true() -> None:
    outcome = doctest.testmod(notebook, optionflags=doctest.ELLIPSIS)
    assert (outcome.failed, outcome.attempted) == (0, 2)


def test_the_package_has_no_other_lazy_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'runs'"):
        sweep.runs  # type: ignore[attr-defined]  # noqa: B018


def called(words: list[str]) -> str:
    """The same as Python: `run(backbones='vgg16', ...)`."""
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    keywords = {name[2:].replace("-", "_"): value for name, value in pairs.items()}
    return (
        "import signal, sys\nfrom sweep import run\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # as kernels do\n"
        f"monday = run(**{keywords!r})\n"
    )


CHECKS = """
assert len(monday.trials()) == 3, monday.trials()
assert monday.summary.complete and monday._repr_html_() and monday.figures
assert not {'tensorflow', 'keras', 'ray', 'optuna', 'h5py'} & set(sys.modules)
print('as promised')
"""


def start(code: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HOME)},
    )


@pytest.mark.slow
def test_a_sweep_shows_its_progress_and_returns_its_run_and_an_interrupt_ends_it(
    tmp_path: Path, table_1: Path
) -> None:
    photos, run = photo_folder(tmp_path / "photos"), tmp_path / "run"
    cache, alone = with_table_1(tmp_path / "cache", table_1), ("--max-concurrent", "1")
    words = small(photos, cache, run, backbones="vgg16")
    first = start(called([*words, *alone]), tmp_path)
    when(first, lambda: any(run.glob("trials/*/*/trial.json")), signal.SIGINT)
    code, out, err = finish(first)
    assert code != 0
    assert "KeyboardInterrupt: the sweep is stopped; go on with run(resume=" in err
    assert "trials done and kept" in " ".join(out.split())
    assert not (run / "report").exists()

    words = ["--resume", str(run), "--cache-dir", str(cache), *alone]
    code, out, err = finish(start(called(words) + CHECKS, tmp_path))
    assert (code, err) == (0, "")
    assert out.endswith("as promised\n")
    assert "report:" in out
    assert {path.name for path in tmp_path.iterdir()} == {"photos", "cache", "run"}
