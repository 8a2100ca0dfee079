"""Test answers are sealed per trial: only those of named methods are read, and it is said."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest
from rich.console import Console

from results.figures.gallery import gallery
from results.ledger.records import TrialRecord
from results.ledger.store import RunFolder
from results.report.page import page
from results.report.terminal import table_13
from results.report.write import write_report
from results.scores.summary import summarise
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import SMALL, Trial, counted, make_run, make_split

SPLIT = make_split(2, SMALL)
VALIDATION = SPLIT.labels[SPLIT.indices("validation")]
TEST = SPLIT.labels[SPLIT.indices("test")]

RIGHT = {"baseline": 6, "t01": 12, "t02": 3, "t03": 3}
"""Of 12 validation photos, by trial: one is right on all, so the greedy rule takes it alone."""

NAMED = ("VGG16/baseline", "VGG16/t01", "Xception/baseline", "Xception/t01")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Two backbones of four trials; those that are not named are all right on test."""
    trials = [
        Trial(
            *(name, number),
            validation=counted(VALIDATION, right),
            test=counted(TEST, 16 if number > 1 else 8 + number),
            changes={"learning_rate": 1e-5 * (1 + number)},
        )
        for name in ("VGG16", "Xception")
        for number, right in enumerate(RIGHT.values())
    ]
    return make_run(tmp_path / "run", trials, split=SPLIT)


@pytest.mark.parametrize("trial", NAMED)
def test_an_unreadable_seal_of_a_named_trial_is_refused_in_one_line(
    run: RunFolder, trial: str
) -> None:
    path = run.trial(trial) / "sealed_test.npz"
    path.write_bytes(b"broken")
    with pytest.raises(EnvironmentRefusal, match="a file of the run is damaged") as caught:
        summarise(run)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_test_answers_of_other_photos_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, [Trial("VGG16", 0, test=counted(TEST[:15], 8))], split=SPLIT)
    with pytest.raises(EnvironmentRefusal, match="predictions of test must have the shape"):
        summarise(run)


@pytest.mark.parametrize("trial", ["VGG16/t02", "Xception/t03"])
def test_an_unreadable_seal_of_any_other_trial_changes_nothing(run: RunFolder, trial: str) -> None:
    before = summarise(run)
    (run.trial(trial) / "sealed_test.npz").write_bytes(b"broken")
    assert summarise(run) == before


def test_exactly_the_named_trials_are_opened(run: RunFolder) -> None:
    summary = summarise(run)
    assert summary.test_opened == NAMED
    assert summary.test_sealed == 8


def test_the_scalings_compared_and_the_greedy_members_are_named(tmp_path: Path) -> None:
    native = Trial("VGG16", 1, validation=counted(VALIDATION, 3), changes={"scaling": "native"})
    helper = Trial("VGG16", 2, validation=1 - counted(VALIDATION, 6))
    trials = [
        *(Trial("VGG16", 0, validation=counted(VALIDATION, 7)), native, helper),
        Trial("Xception", 0, validation=counted(VALIDATION, 8)),
    ]
    summary = summarise(make_run(tmp_path, trials, split=SPLIT))
    [greedy] = [row for row in summary.ensembles if row.rule.startswith("greedy")]
    assert "VGG16/t02" in greedy.members
    assert set(summary.test_opened) == {trial.name for trial in trials}


def test_the_papers_rule_chooses_among_named_trials_alone(run: RunFolder) -> None:
    [by_test] = [row for row in summarise(run).ensembles if row.uses_test]
    assert set(by_test.members) <= set(NAMED)


def test_what_stands_for_each_trial_has_no_test_number() -> None:
    assert not [field.name for field in dataclasses.fields(TrialRecord) if "test" in field.name]


def test_the_table_of_all_trials_has_no_test_number(run: RunFolder) -> None:
    write_report(run, summarise(run))
    with (run.report / "tables" / "trials.csv").open(newline="") as file:
        header = next(csv.reader(file))
    assert "validation_accuracy" in header
    assert not [key for key in header if "test" in key]


def test_the_page_and_the_terminal_say_exactly_what_was_looked_at(run: RunFolder) -> None:
    summary = summarise(run)
    console = Console(width=100, color_system=None)
    with console.capture() as captured:
        console.print(table_13(summary))
    said = (
        "Every trial's test probabilities were stored sealed; those of 4 of 8 trials were read: "
        "VGG16 (baseline, t01), Xception (baseline, t01)."
    )
    assert said in " ".join(captured.get().split())
    assert said.replace("'", "&#39;") in page(summary, gallery(summary), {})


def test_a_run_without_scores_says_that_nothing_was_read(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, [Trial("VGG16", 0, "failed")]))
    assert (summary.test_opened, summary.test_sealed) == ((), 0)
    assert "No trial has test probabilities yet." in page(summary, gallery(summary), {})
