"""A suggestion is a function of seed, number and history, and leaves what diverges."""

from __future__ import annotations

import math
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from results.ledger.records import Status, TrialRecord
from search_spaces import paper
from search_spaces.config import TrialConfig
from search_spaces.space import DIMENSIONS, SearchSpace
from sweep.schedule import suggest as suggestions
from sweep.schedule.optuna_trials import as_optuna, distributions
from sweep.schedule.suggest import suggest
from tests.sweep.helpers import record
from tests.sweep.schedule.histories import BASELINE, SPACE, VARIED, long_history, told

State = optuna.trial.TrialState

LONG = long_history(16)


def suggested(number: int = 16, *, seed: int = 42, seen: list[TrialRecord] = LONG) -> TrialConfig:
    return suggest(SPACE, BASELINE, number, seed=seed, history=told(seen))


def test_a_suggestion_depends_on_seed_number_and_history() -> None:
    config = suggested()
    assert suggested() == config
    different = [
        suggested(seed=43),
        suggested(17),
        suggested(seen=LONG[:-4]),
        suggested(seen=[*LONG[:-1], record("VGG16", 15, [0.99], config=LONG[-1].config)]),
        suggest(SPACE, paper.baseline("ResNet50"), 16, seed=42, history=[]),
    ]
    assert config not in different


def test_history_is_looked_at() -> None:
    assert suggested(seen=LONG[:12]) != suggested(seen=LONG)


@hypothesis(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    number=st.integers(1, 10**6),
    length=st.integers(0, len(LONG)),
    low=st.floats(1e-9, 1e-3),
    ratio=st.floats(1.1, 1e4),
)
def test_every_suggestion_lies_in_the_search_space(
    seed: int, number: int, length: int, low: float, ratio: float
) -> None:
    space = SearchSpace(varied=DIMENSIONS, ranges={"learning_rate": (low, low * ratio)})
    config = suggest(space, BASELINE, number, seed=seed, history=told(LONG[:length]))
    assert low <= config.learning_rate <= low * ratio
    assert math.isfinite(config.learning_rate)
    assert config.batch_size in (16, 32, 64)
    assert (config.backbone, config.epochs, config.seed) == ("VGG16", 10, 42)


def test_failures_alone_are_no_reason_not_to_suggest() -> None:
    failed = [record("VGG16", at, [], status=Status.FAILED, config=BASELINE) for at in range(15)]
    assert suggested(seen=failed).backbone == "VGG16"


@pytest.mark.parametrize(
    ("status", "state", "value"),
    [
        (Status.COMPLETED, State.COMPLETE, 0.6),
        (Status.STOPPED_EARLY, State.PRUNED, 0.6),
        (Status.OUT_OF_TIME, State.PRUNED, 0.6),
        (Status.FAILED, State.FAIL, None),
    ],
)
def test_a_record_is_a_finished_trial_with_the_best_epochs_value(
    status: Status, state: Any, value: float | None
) -> None:
    trial = as_optuna(record("VGG16", 1, [0.5, 0.6, 0.4], status=status), SPACE)
    assert (trial.state, trial.value) == (state, value)
    assert trial.intermediate_values == {1: 0.5, 2: 0.6, 3: 0.4}
    assert trial.params == {name: getattr(BASELINE, name) for name in VARIED}


def test_a_trial_that_diverged_is_pruned_before_its_first_epoch() -> None:
    trial = as_optuna(record("VGG16", 1, [], status=Status.FAILED, diverged=True), SPACE)
    assert (trial.state, trial.value, trial.intermediate_values) == (State.PRUNED, None, {})
    assert trial.params == {name: getattr(BASELINE, name) for name in VARIED}


def test_a_baseline_outside_the_search_space_tells_nothing_about_it() -> None:
    space = SearchSpace(varied=DIMENSIONS, ranges={"learning_rate": (1e-3, 1e-2)})
    assert as_optuna(record("VGG16", 0), space).params == {}
    config = suggest(space, BASELINE, 1, seed=0, history=told([record("VGG16", 0)], space))
    assert 1e-3 <= config.learning_rate <= 1e-2


def test_a_search_space_comes_back_from_optunas_json() -> None:
    dimensions = distributions(SPACE, "VGG16")
    assert tuple(dimensions) == VARIED
    rate = dimensions["learning_rate"]
    assert (rate.low, rate.high) == (1e-6, 1e-2)
    for dimension in dimensions.values():
        text = optuna.distributions.distribution_to_json(dimension)
        assert optuna.distributions.json_to_distribution(text) == dimension


def diverging(seed: int, *, typed: bool) -> int:
    """How many of 20 searched trials diverge where all do above a learning rate of 1e-3."""
    space = SearchSpace(varied=("learning_rate", "optimizer"))
    records = [record("VGG16", 0, config=BASELINE)]
    for number in range(1, 21):
        config = suggest(space, BASELINE, number, seed=seed, history=told(records, space))
        if config.learning_rate > 1e-3:
            failed = Status.FAILED
            records.append(
                record("VGG16", number, [], status=failed, config=config, diverged=typed)
            )
        else:
            accuracy = 0.5 + (6 + math.log10(config.learning_rate)) / 10  # best next to the edge
            records.append(record("VGG16", number, [accuracy], config=config))
    return sum(finished.status == Status.FAILED for finished in records)


def test_a_corner_that_diverges_is_left_sooner_than_if_it_were_any_failure() -> None:
    seeds = range(6)
    as_failures = sum(diverging(seed, typed=False) for seed in seeds)
    as_diverged = sum(diverging(seed, typed=True) for seed in seeds)
    assert as_diverged < 0.75 * as_failures


@pytest.mark.parametrize("seen", [0, 2, 4, 16])
def test_what_is_suggested_is_what_optuna_itself_suggests(seen: int) -> None:
    trials = [as_optuna(one, SPACE) for one in LONG[:seen] if one.status != Status.FAILED]
    for number in range(seen, seen + 20):
        seed = suggestions._trial_seeds(7, "VGG16", number)[0]
        sampler = optuna.samplers.TPESampler(n_startup_trials=3, seed=seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.add_trials(trials)
        params = study.ask(fixed_distributions=distributions(SPACE, "VGG16")).params
        assert suggested(number, seed=7, seen=LONG[:seen]) == SPACE.configured(BASELINE, params)
