"""Replays on a small made-up table: what each rule promises, seconds that add up, determinism."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from search_spaces.backbones import HEAD
from tests.benchmarks.search.__main__ import main
from tests.benchmarks.search.findings import Replays, median_interval, to_random, worse_budgets
from tests.benchmarks.search.hyperband import Hyperband
from tests.benchmarks.search.played import Played
from tests.benchmarks.search.points import (
    CUTS,
    HEAD_START,
    VALIDATION,
    Cost,
    Row,
    all_points,
    append_cost,
    append_row,
    read_costs,
    read_rows,
)
from tests.benchmarks.search.prices import OurPrices, PlainPrices
from tests.benchmarks.search.replay import PRICES, one_replay

TRIALS, EPOCHS = 24, 6
SCALINGS = ("unit", "native")
RAYS = ("random + ASHA", "TPE + ASHA")


def made_up_rows() -> list[Row]:
    """Better the nearer a rate is to its cut's best; the largest rates of deep cuts diverge."""
    rows = []
    for point in all_points():
        depth = CUTS.index(point.unfreeze)
        off = math.log10(point.learning_rate) + 3 + 0.3 * depth
        skill = 0.94 - 0.05 * off**2 + 0.02 * (point.start == HEAD_START)
        epochs = 2 if off > 1.5 else EPOCHS
        right = [round(VALIDATION * max(0.5, skill - 0.1 / at)) for at in range(1, epochs + 1)]
        losses, seconds = (0.3,) * epochs, (0.1 + depth,) * epochs
        rows.append(Row(point, tuple(right), losses, seconds, rest=0.5, tracing=1.5))
    return rows


def made_up_costs() -> list[Cost]:
    plain = [
        Cost("plain", cut, kind, 6.0, 0.0, 1.0, 2.0, 5.0 + depth, 1.0)
        for depth, cut in enumerate(CUTS)
        for kind in SCALINGS
    ]
    return [*plain, *(Cost("ours", HEAD, kind, 6.0, 8.0, 1.0, 0, 0, 0) for kind in SCALINGS)]


def replay(rule: str, seed: int = 0, trials: int = TRIALS) -> Played:
    return one_replay(rule, made_up_rows(), made_up_costs(), PlainPrices, seed, trials)


@pytest.mark.parametrize("rule", ["random", "Hyperband", "ours"])
def test_a_replay_is_the_same_each_time_and_another_with_another_seed(rule: str) -> None:
    same, again, other = replay(rule), replay(rule), replay(rule, seed=1)
    assert same == again
    assert same.course != other.course


@pytest.mark.parametrize("rule", ["random", "Hyperband", "ours"])
def test_no_row_is_trained_twice_but_by_a_trial_that_goes_on(rule: str) -> None:
    fresh = [row.point for trial, row, _ in replay(rule).trials if trial.goes_on is None]
    assert len(fresh) == len(set(fresh))


@pytest.mark.parametrize("rule", ["random", "Hyperband", "ours"])
def test_seconds_add_up_to_what_the_trials_cost(rule: str) -> None:
    played, rows = replay(rule), made_up_rows()
    least = 0.0
    for trial, row, told in played.trials:
        if rule == "ours":
            least += told * OurPrices(made_up_costs(), rows).epoch(row) + row.rest
        else:
            least += told * (5.0 + CUTS.index(row.point.unfreeze)) + 1.0 + 2.0 + 1.0
        assert told <= trial.last - trial.first + 1
    imports = 2 * 6.0
    if rule == "ours":  # and what is paid once: features, building, tracing, waiting for features
        assert least + imports < played.busy < least + imports + 2 * (2 * 8 + 1 + 1.5 * len(CUTS))
    else:
        assert played.busy == pytest.approx(least + imports)
    assert played.seconds <= played.busy <= 2 * played.seconds


def test_hyperband_has_kerastuners_brackets_and_promotes_the_best_of_each_round() -> None:
    rule = Hyperband(TRIALS, EPOCHS, seed=0)
    assert [rule.size(1, at) for at in (0, 1)] == [5, 2]
    assert [rule.last_epoch(1, at) for at in (0, 1)] == [2, 6]
    assert rule.size(0, 0) == 3
    spans = Counter(
        (trial.first, trial.last) for trial, *_ in replay("Hyperband", trials=10).trials
    )
    assert spans == {(1, 2): 5, (3, 6): 2, (1, 6): 3}
    trials = replay("Hyperband", trials=10).trials
    scores = {trial.number: max(row.accuracies[: trial.last]) for trial, row, _ in trials}
    first = [scores[trial.number] for trial, *_ in trials if (trial.first, trial.last) == (1, 2)]
    promoted = [
        made_up_row.accuracies[:2] for trial, made_up_row, _ in trials if trial.goes_on is not None
    ]
    assert max(first) in [max(one) for one in promoted]


def test_ours_trains_heads_first_and_starts_deep_trials_from_a_head() -> None:
    trials = sorted(replay("ours").trials, key=lambda one: one[0].number)
    assert all(row.point.unfreeze == HEAD for _, row, _ in trials[:8])
    assert any(row.point.start == HEAD_START for _, row, _ in trials[8:])
    assert sum(told < EPOCHS for *_, told in trials) > 0


def test_a_table_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too few trials"):
        one_replay("random", made_up_rows()[:5], made_up_costs(), PlainPrices, 0, 6)


def test_rows_and_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows, costs = made_up_rows(), made_up_costs()
    for row in rows:
        append_row(tmp_path / "trials.csv", row)
    for cost in costs:
        append_cost(tmp_path / "costs.csv", cost)
    assert read_rows(tmp_path / "trials.csv") == rows
    assert read_costs(tmp_path / "costs.csv") == costs


def with_course(*course: tuple[float, float]) -> Played:
    return Played(seconds=100.0, bests=[best for _, best in course], course=list(course))


def test_what_is_never_reached_is_infinitely_late_and_a_median_says_never() -> None:
    ours = [with_course((5.0, 0.8)), with_course((5.0, 0.7)), with_course((9.0, 0.9))]
    chance = [with_course((50.0, 0.8)) for _ in ours]
    whole, there = to_random(Replays(1.0, {"ours": ours, "random": chance}), "ours")
    assert whole.tolist() == [0.05, math.inf, 0.09]
    assert there.tolist() == [0.1, math.inf, 0.18]
    assert median_interval(whole)[0] == 0.09
    assert median_interval(np.array([1.0, math.inf, math.inf]))[0] == math.inf


def test_a_budget_is_worse_only_where_the_interval_says_so() -> None:
    chance = np.random.default_rng(0)
    ours = np.column_stack([chance.normal(0.10, 0.02, 50), chance.normal(0.05, 0.02, 50)])
    other = chance.normal(0.05, 0.02, (50, 2))
    assert [one.split()[0] for one in worse_budgets(ours, other, (10, 20))] == ["10"]


@pytest.mark.parametrize("words", [["--help"], ["table", "--help"], ["replay", "--help"]])
def test_each_command_says_what_it_does(
    words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) if words[:-1] else nullcontext():
        assert main(list(words)) == 0
    assert "python -m tests.benchmarks.search" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("rule", RAYS)
def test_rays_asha_stops_at_its_rungs_alone(rule: str) -> None:
    played = replay(rule)
    whole = {told for trial, row, told in played.trials}
    assert whole <= {1, 4, EPOCHS}  # grace 1 and factor 4, as Ray has them
    assert sum(told < EPOCHS for *_, told in played.trials) > TRIALS / 4
    assert replay(rule) == played


@pytest.mark.slow
def test_a_page_and_a_plot_are_written_twice_the_same(tmp_path: Path) -> None:
    for row in made_up_rows():
        append_row(tmp_path / "trials.csv", row)
    for cost in made_up_costs():
        append_cost(tmp_path / "costs.csv", cost)
    words = ["replay", "--table", str(tmp_path), "--seeds", "3", "--trials", "12"]
    pages = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        assert main([*words, "--out", str(tmp_path / name)]) == 0
        pages.append((tmp_path / name / "REPLAY.md").read_bytes())
        assert (tmp_path / name / "replay.png").stat().st_size > 10_000
    assert pages[0] == pages[1]
    assert all(f"## {name}" in pages[0].decode() for name in PRICES)
