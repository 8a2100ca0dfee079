"""The search, the bars and the importances follow the run's metric: a score, higher is better."""

from __future__ import annotations

import dataclasses

import optuna

from results.ledger.records import TrialRecord
from search_spaces.settings import Settings
from sweep.schedule.early_stopping import Bars
from sweep.schedule.history import History
from sweep.schedule.optuna_trials import as_optuna
from tests.sweep.helpers import record, settings

SPACE = settings("--backbones", "vgg16").space


def by_loss(number: int, *losses: float) -> TrialRecord:
    """A trial chosen by log loss, whose accuracies say the opposite."""
    one = record("VGG16", number, [0.9 - 1 / loss / 10 for loss in losses])
    epochs = tuple(
        dataclasses.replace(epoch, validation_score=-loss)
        for epoch, loss in zip(one.epochs, losses, strict=True)
    )
    return dataclasses.replace(one, epochs=epochs, validation_score=-min(losses))


def test_optuna_is_told_the_score() -> None:
    trial = as_optuna(by_loss(1, 2.0, 0.5), SPACE)
    assert (trial.value, trial.intermediate_values) == (-0.5, {1: -2.0, 2: -0.5})


def test_bars_are_scores_which_a_smaller_loss_clears() -> None:
    bars = Bars(2)
    for number, loss in enumerate((3.0, 2.0, 1.0)):
        bars.add(by_loss(number, loss, loss))
    (bar,) = bars.cutoffs().values()
    assert -2.0 < bar < -1.0


def test_the_history_ranks_by_score() -> None:
    history = History(SPACE)
    for number, loss in enumerate((0.2, 5.0, 1.0)):
        history.add(by_loss(number, loss))
    best = optuna.create_study(direction="maximize")
    best.add_trials(history.trials())
    assert best.best_value == -0.2
    assert [ranked.number for ranked in history._best] == [0, 2, 1]


def test_the_metric_is_a_setting() -> None:
    assert settings().metric == "accuracy"
    chosen: Settings = settings("--metric", "macro_f1")
    assert chosen.metric == "macro_f1"
