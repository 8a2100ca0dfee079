"""What a sweep visits: the baseline, its twin in the native scaling, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.ledger.store import RunFolder
from search_spaces.backbones import HEAD, Scaling
from search_spaces.config import TrialConfig
from search_spaces.space import SearchSpace
from sweep.schedule.assignment import Assignment
from sweep.schedule.optuna_trials import as_optuna
from sweep.schedule.order import first_probe, order_of
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


def test_the_last_searched_trial_is_the_baseline_in_its_own_scaling_and_runs_in_full(
    tmp_path: Path,
) -> None:
    *_, baseline, _, _, twin = visited(tmp_path, "--trials", "6")
    assert baseline.number == 0
    assert twin.config == replace(baseline.config, scaling=Scaling.NATIVE)
    assert (baseline.cutoffs, twin.cutoffs) == ({}, {})


def test_a_search_that_is_raised_later_trains_the_twin_once(tmp_path: Path) -> None:
    before = visited(tmp_path, "--trials", "4")
    after = visited(tmp_path, "--trials", "8")
    assert [assignment.number for assignment in after] == [5, 6, 7, 8]
    configs = [assignment.config for assignment in (*before, *after)]
    assert len(set(configs)) == len(configs) == 9


def test_the_first_trials_train_heads_then_the_baseline_then_deep_ones_from_the_best_head(
    tmp_path: Path,
) -> None:
    handed = visited(tmp_path, "--trials", "20")
    probes, baseline, others = handed[:8], handed[8], handed[9:]
    assert {assignment.config.unfreeze for assignment in probes} == {"head"}
    assert [assignment.number for assignment in handed] == [*range(1, 9), 0, *range(9, 21)]
    assert {assignment.config.head_from for assignment in (*probes, baseline)} == {0}
    assert all(assignment.cutoffs == {} for assignment in (*probes, baseline))
    native, unit = (
        TrialConfig(**{**vars(baseline.config), "scaling": scaling, **first})
        for scaling, first in [
            (Scaling.NATIVE, {"unfreeze": "head", "optimizer": "adam", "learning_rate": 1e-3}),
            (Scaling.UNIT, {"unfreeze": "head", "optimizer": "adam", "learning_rate": 1e-3}),
        ]
    )
    assert [assignment.config for assignment in probes[:2]] == [native, unit]
    deep = [assignment.config for assignment in others[:-1] if assignment.config.unfreeze != "head"]
    # Each made-up trial is as good as the first, so the first of its scaling is the best.
    first = {Scaling.NATIVE: 1, Scaling.UNIT: 2}
    assert deep
    assert [config.head_from for config in deep] == [first[config.scaling] for config in deep]


@pytest.mark.parametrize("words", [("--search", "learning_rate"), ("--trials", "1")])
def test_without_room_for_probes_the_baseline_is_first(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    first, *_ = visited(tmp_path, *words)
    assert first.number == 0


def test_the_first_probe_stays_within_the_range_of_rates() -> None:
    ranges = {"learning_rate": (1e-5, 1e-4)}
    narrow = settings("--backbones", "vgg16", "--trials", "4", ranges=ranges)
    probe = first_probe(narrow, "VGG16", 1)
    assert probe is not None
    assert probe.learning_rate == 1e-4
    without_adam = settings("--trials", "4", ranges={"optimizer": ("sgd",)})
    assert first_probe(without_adam, "VGG16", 1) is None


def test_without_a_searched_scaling_there_is_no_twin(tmp_path: Path) -> None:
    _, first, *_ = visited(tmp_path, "--trials", "2", "--search", "learning_rate")
    assert first.config.scaling == "unit"


def test_a_search_of_heads_alone_trains_no_layer_of_the_backbone_but_the_baselines(
    tmp_path: Path,
) -> None:
    handed = visited(tmp_path, "--trials", "6", "--space", "quick")
    assert {one.config.unfreeze for one in handed if one.number} == {HEAD}
    assert [one.number for one in handed if one.config.unfreeze != HEAD] == [0]


@pytest.mark.parametrize(
    "ranges", [{"scaling": ("unit",)}, {"optimizer": ("sgd",), "scaling": ("unit", "native")}]
)
def test_a_search_to_which_the_twin_does_not_belong_has_none(ranges: dict[str, Any]) -> None:
    words = ("--backbones", "vgg16", "--trials", "6", "--search", ",".join(ranges))
    assert order_of(settings(*words, ranges=ranges), "VGG16").twin is None


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
