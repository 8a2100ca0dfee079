"""A run opened in a notebook: the report's numbers, escaped where shown, nothing heavy loaded."""

from __future__ import annotations

import csv
import doctest
import subprocess
import sys
from pathlib import Path

import pytest

import results
from results import notebook
from results.figures.style import Picture
from results.report.write import write_report
from search_spaces.refusals import UsageRefusal
from tests.house import ROOT
from tests.results.helpers import Trial, make_run

BETTER = {"optimizer": "rmsprop", "learning_rate": 0.0001}
TRIALS = [
    *(Trial("VGG16", 0, skill=0.6), Trial("Xception", 0, skill=0.7)),
    Trial("Xception", 1, skill=0.95, changes=BETTER),
]
EVIL = '<script>alert("x")'


@pytest.mark.parametrize("path", [".", "missing"])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageRefusal, match="there is no run here"):
        results.open_run(tmp_path / path)


def test_the_package_has_no_other_lazy_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_runs'"):
        results.open_runs  # type: ignore[attr-defined]  # noqa: B018


def test_the_example_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / "runs/monday", TRIALS)
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(notebook)
    assert (outcome.failed, outcome.attempted) == (0, 5)


def test_trials_are_those_of_the_reports_table(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [*TRIALS, Trial("VGG16", 1, status="failed")])
    run = results.open_run(tmp_path)
    write_report(folder, run.summary)
    with (folder.report / "tables/trials.csv").open() as file:
        written = list(csv.DictReader(file))
    as_text = [
        {name: "" if value is None else str(value) for name, value in trial.items()}
        for trial in run.trials()
    ]
    assert as_text == written
    assert {type(trial["learning_rate"]) for trial in run.trials()} == {float}


def test_a_trial_that_lacked_memory_is_listed_and_drawn_as_it_was_trained(tmp_path: Path) -> None:
    halved = Trial("VGG16", 0, batch_halved=True)
    run = results.open_run(make_run(tmp_path, [halved, Trial("Xception", 0)]).root)
    [row, _] = run.trials()
    assert (row["batch_size"], row["learning_rate"]) == (16, 2.5e-5)
    assert run.summary.backbones[0].baseline.config is not None
    assert run.summary.backbones[0].baseline.config.batch_size == 16
    assert "adam 2.5e-05" in run.figures["learning-rate"].svg()


def test_figures_are_those_of_the_report_and_show_themselves(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TRIALS)
    run = results.open_run(tmp_path)
    write_report(folder, run.summary)
    assert set(run.figures) == {path.stem for path in (folder.report / "figures").glob("*.png")}
    picture = run.figures["intervals"]
    assert isinstance(picture, Picture)
    assert picture._repr_png_().startswith(b"\x89PNG")


def test_the_display_has_the_result_and_nothing_from_outside_unescaped(tmp_path: Path) -> None:
    make_run(tmp_path / EVIL, TRIALS, demonstration=True, weights=EVIL)
    shown = results.open_run(tmp_path / EVIL)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script" in shown
    assert "DEMONSTRATION of the machinery" in shown
    assert "Recommended by validation" in shown
    assert "Xception/t01" in shown
    assert shown.count("<tr>") == 5  # a head, the ensemble, two baselines and a better trial
    assert not any(word in shown for word in ("src=", "href=", "url(", "<link", "<img"))


def test_a_run_without_a_finished_trial_is_shown_too(tmp_path: Path) -> None:
    make_run(tmp_path, [], unfinished=("VGG16/baseline",))
    run = results.open_run(tmp_path)
    assert run.trials() == []
    assert "PARTIAL: 0 of 1" in run._repr_html_()
    assert str(tmp_path) in repr(run)


def test_neither_import_nor_display_load_a_heavy_library(tmp_path: Path) -> None:
    make_run(tmp_path, TRIALS)
    code = (
        "import sys, results, sweep\n"
        "light = {'numpy', 'rich', 'matplotlib'} & set(sys.modules)\n"
        "run = results.open_run(sys.argv[1])\n"
        "run._repr_html_(), run.trials(), run.figures\n"
        "from sweep import run\n"
        "heavy = {'tensorflow', 'keras', 'ray', 'optuna', 'h5py'} & set(sys.modules)\n"
        "print('loaded:', *sorted(light | heavy))\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == "loaded:\n"
