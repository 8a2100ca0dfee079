"""Optuna: a suggestion is a function of seed, number and history; `optuna.db` is only a mirror."""

from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
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
from sweep.schedule.suggest import Studies, as_optuna, distributions, importances, suggest
from tests.sweep.helpers import record

SPACE = SearchSpace(varied=DIMENSIONS)
BASELINE = paper.baseline("VGG16")
STATUSES = (Status.COMPLETED, Status.STOPPED_EARLY, Status.FAILED, Status.COMPLETED)
State = optuna.trial.TrialState

slow = pytest.mark.slow
"""Optuna itself tries again for seconds where its store is broken or locked."""


def history(length: int, *, space: SearchSpace = SPACE, scale: float = 1.0) -> list[TrialRecord]:
    """A sweep of one backbone so far; a smaller learning rate is better."""
    records = [record("VGG16", 0, config=BASELINE)]
    for number in range(1, length):
        config = suggest(space, BASELINE, number, seed=1, history=records)
        accuracy = scale * min(1.0, -math.log10(config.learning_rate) / 8)
        status = STATUSES[number % len(STATUSES)]
        records.append(record("VGG16", number, [accuracy, 0.1], status=status, config=config))
    return records


LONG = history(16)
"""Long enough that Optuna looks at it: its first ten suggestions are random."""


def suggested(number: int = 16, *, seed: int = 42, seen: list[TrialRecord] = LONG) -> TrialConfig:
    return suggest(SPACE, BASELINE, number, seed=seed, history=seen)


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoil(path: Path) -> None:
    path.write_bytes(b"noise" * 5000)


@pytest.mark.parametrize(
    "harm", [spoil, pytest.param(tear, marks=slow), pytest.param(Path.unlink, marks=slow)]
)
def test_a_store_that_breaks_does_not_end_the_sweep(
    tmp_path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "optuna.db"
    studies = Studies(path, SPACE, ["VGG16"])
    harm(path)
    for finished in LONG[:3]:
        studies.add(finished)
    assert caplog.text.count("optuna.db ends before VGG16/baseline") == 1


@pytest.mark.parametrize("harm", [tear, spoil])
def test_a_broken_store_is_built_again(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    path = tmp_path / "optuna.db"
    Studies(path, SPACE, ["VGG16"]).add(LONG[0])
    harm(path)
    Studies(path, SPACE, ["VGG16"]).add(LONG[0])
    assert len(mirrored(path, "VGG16")) == 1


def test_a_folder_that_cannot_hold_a_store_does_not_end_the_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    studies = Studies(tmp_path / "missing/optuna.db", SPACE, ["VGG16"])
    studies.add(LONG[0])
    assert "the ledger is not affected" in caplog.text


@slow
def test_a_locked_store_does_not_end_the_sweep(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "optuna.db"
    studies = Studies(path, SPACE, ["VGG16"])
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    studies.add(LONG[0])
    assert "optuna.db ends before VGG16/baseline" in caplog.text
    other.close()


def test_a_suggestion_depends_on_seed_number_and_history() -> None:
    config = suggested()
    assert suggested() == config
    different = [
        suggested(seed=43),
        suggested(17),
        suggested(seen=LONG[:-1]),
        suggested(seen=history(16, scale=0.5)),
        suggest(SPACE, paper.baseline("ResNet50"), 16, seed=42, history=[]),
    ]
    assert config not in different


def test_history_is_looked_at() -> None:
    assert suggested(seen=LONG[:12]) != suggested(seen=LONG)


@hypothesis(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_suggestion_does_not_depend_on_the_order_of_the_records(shuffle: random.Random) -> None:
    mixed = list(LONG)
    shuffle.shuffle(mixed)
    assert suggested(seen=mixed) == suggested()


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
    config = suggest(space, BASELINE, number, seed=seed, history=LONG[:length])
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
        (Status.FAILED, State.FAIL, None),
    ],
)
def test_a_record_is_a_finished_trial_with_the_best_epochs_value(
    status: Status, state: Any, value: float | None
) -> None:
    trial = as_optuna(record("VGG16", 1, [0.5, 0.6, 0.4], status=status), SPACE)
    assert (trial.state, trial.value) == (state, value)
    assert trial.intermediate_values == {1: 0.5, 2: 0.6, 3: 0.4}
    assert trial.params == {name: getattr(BASELINE, name) for name in DIMENSIONS}


def test_a_baseline_outside_the_search_space_tells_nothing_about_it() -> None:
    space = SearchSpace(varied=DIMENSIONS, ranges={"learning_rate": (1e-3, 1e-2)})
    assert as_optuna(record("VGG16", 0), space).params == {}
    config = suggest(space, BASELINE, 1, seed=0, history=[record("VGG16", 0)])
    assert 1e-3 <= config.learning_rate <= 1e-2


def test_a_search_space_comes_back_from_optunas_json() -> None:
    dimensions = distributions(SPACE, "Xception")
    assert tuple(dimensions) == DIMENSIONS
    rate = dimensions["learning_rate"]
    assert (rate.low, rate.high) == (1e-6, 1e-2)
    for dimension in dimensions.values():
        text = optuna.distributions.distribution_to_json(dimension)
        assert optuna.distributions.json_to_distribution(text) == dimension


def mirrored(path: Path, backbone: str) -> list[Any]:
    study = optuna.load_study(study_name=backbone, storage=f"sqlite:///{path}")
    return list(study.get_trials())


def test_a_mirror_has_every_finished_trial_and_none_running(tmp_path: Path) -> None:
    path = tmp_path / "optuna.db"
    for _ in range(2):  # every start builds it anew
        studies = Studies(path, SPACE, ["VGG16", "Xception"])
        for finished in [*LONG, record("Xception", 0), record("ResNet50", 0)]:
            studies.add(finished)
    trials = mirrored(path, "VGG16")
    assert [trial.user_attrs["trial"] for trial in trials] == [record.trial for record in LONG]
    states = {
        Status.COMPLETED: State.COMPLETE,
        Status.STOPPED_EARLY: State.PRUNED,
        Status.FAILED: State.FAIL,
    }
    assert [trial.state for trial in trials] == [states[record.status] for record in LONG]
    assert trials[5].distributions == distributions(SPACE, "VGG16")
    assert trials[5].params == {name: getattr(LONG[5].config, name) for name in DIMENSIONS}
    assert len(mirrored(path, "Xception")) == 1


def test_importances_are_shares_of_backbones_with_enough_different_scores() -> None:
    alike = [record("Xception", at, [0.5]) for at in range(6)]
    few = [record("ResNet50", at, [at / 10]) for at in range(3)]
    shares = importances([*LONG, *alike, *few], SPACE)
    assert set(shares) == {"VGG16"}
    assert set(shares["VGG16"]) == set(DIMENSIONS)
    assert sum(shares["VGG16"].values()) == pytest.approx(1)
    assert importances([], SPACE) == {}
