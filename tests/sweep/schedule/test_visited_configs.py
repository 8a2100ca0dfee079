"""What a sweep visits: the baseline, its twin in the native scaling, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from search_spaces.backbones import Scaling
from search_spaces.config import TrialConfig
from search_spaces.space import SearchSpace
from sweep.schedule.assignment import Assignment
from sweep.schedule.optuna_trials import as_optuna
from sweep.schedule.pool import Pool
from sweep.schedule.suggest import suggest
from tests.sweep.helpers import record, settings


def visited(folder: Path, *words: str) -> list[Assignment]:
    """Every assignment of a sweep of VGG16, each trial finishing before the next starts."""
    run = RunFolder(folder)
    pool = Pool(run, settings("--backbones", "vgg16", *words), lag=1)
    handed: list[Assignment] = []
    while (assignment := pool.next()) is not None:
        accuracies = (0.5, 0.6, 0.7)
        run.write_record(record("VGG16", assignment.number, accuracies, config=assignment.config))
        pool.finish(assignment.trial_id)
        handed.append(assignment)
    return handed


@pytest.mark.parametrize(
    ("search", "size"),
    [
        ("scaling", 2),
        ("optimizer", 4),
        ("optimizer,scaling", 8),
        ("optimizer,momentum", 7),  # momentum is SGD's alone
        ("dropout,head", 4),  # the pooled head has no Dropout
    ],
)
def test_a_small_search_space_is_visited_once_and_no_further(
    search: str, size: int, tmp_path: Path
) -> None:
    handed = visited(tmp_path, "--trials", "30", "--search", search)
    assert len(handed) == len({assignment.config for assignment in handed}) == size


def test_a_batch_size_of_the_run_is_in_its_own_search_space(tmp_path: Path) -> None:
    handed = visited(tmp_path, "--trials", "3", "--search", "batch_size", "--batch-size", "8")
    assert {assignment.config.batch_size for assignment in handed} == {8, 16, 32, 64}


def test_a_value_outside_the_search_space_tells_nothing_about_it() -> None:
    odd = record("VGG16", 0, config=replace(settings().baseline("VGG16"), batch_size=5))
    assert as_optuna(odd, SearchSpace(varied=("batch_size",))).params == {}


def test_the_first_searched_trial_is_the_baseline_in_its_own_scaling_and_runs_in_full(
    tmp_path: Path,
) -> None:
    baseline, twin, *_ = visited(tmp_path, "--trials", "3")
    assert twin.config == replace(baseline.config, scaling=Scaling.NATIVE)
    assert (baseline.cutoffs, twin.cutoffs) == ({}, {})


def test_without_a_searched_scaling_there_is_no_twin(tmp_path: Path) -> None:
    _, first, *_ = visited(tmp_path, "--trials", "2", "--search", "learning_rate")
    assert first.config.scaling == "unit"


def test_a_taken_configuration_is_not_suggested_again() -> None:
    baseline = settings().baseline("VGG16")
    space = SearchSpace(varied=("optimizer",))
    taken: list[TrialConfig] = [baseline]
    for number in (1, 2, 3):
        taken.append(suggest(space, baseline, number, seed=1, history=(), taken=taken))
    assert {config.optimizer for config in taken} == {"adam", "adagrad", "rmsprop", "sgd"}


def test_a_wide_search_hands_out_configurations_that_differ(tmp_path: Path) -> None:
    handed = visited(tmp_path, "--trials", "20", "--space", "wide")
    assert len({assignment.config for assignment in handed}) == 21
    assert all(
        assignment.config.momentum == 0.9
        for assignment in handed
        if assignment.config.optimizer != "sgd"
    )


def test_the_papers_space_trains_the_baseline_and_its_twin(tmp_path: Path) -> None:
    handed = visited(tmp_path, "--trials", "9", "--space", "paper")
    baseline, twin = (assignment.config for assignment in handed)
    assert twin == replace(baseline, scaling=Scaling.NATIVE)
