"""A repetition in words: what diverges, differs or agrees, without training anything."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from results.ledger.records import EpochRecord, TrialRecord, TrialResult
from results.ledger.store import RunFolder
from search_spaces.presets import cache_dir_known_as
from tests.results.helpers import Trial, make_run
from trainables.finished.reproduce import Agreement, verdict

TRIAL = "VGG16/baseline"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "run", [Trial("VGG16", 0)])


def record_of(run: RunFolder) -> TrialRecord:
    record = run.read_record(TRIAL)
    assert record is not None
    return record


def again(run: RunFolder, *, off: float = 0.0) -> TrialResult:
    """The trial's result as a repetition would give it, every loss moved."""
    record = record_of(run)
    assert record.anatomy is not None
    return TrialResult(
        status=record.status,
        epochs=tuple(_moved(epoch, off) for epoch in record.epochs),
        best_epoch=1,
        validation_accuracy=1.0,
        validation_loss=0.0,
        predictions=run.read_predictions(TRIAL),
        test=run.open_sealed_test(TRIAL),
        weights={},
        anatomy=record.anatomy,
        cost=record.cost,
    )


def _moved(epoch: EpochRecord, off: float) -> EpochRecord:
    return dataclasses.replace(epoch, train_loss=epoch.train_loss + off)


def test_a_repetition_that_diverges_is_one_line_and_does_not_agree(run: RunFolder) -> None:
    def diverge() -> TrialResult:
        raise ArithmeticError("diverged at epoch 2: the loss is nan")

    assert verdict(run, record_of(run), diverge) == (
        False,
        f"{TRIAL}: NOT reproduced: the repetition diverged at epoch 2: the loss is nan",
    )


@pytest.mark.parametrize("off", [1e-3, float("nan")])
def test_a_repetition_that_differs_does_not_agree(run: RunFolder, off: float) -> None:
    agrees, text = verdict(run, record_of(run), lambda: again(run, off=off))
    assert not agrees
    assert "NOT reproduced" in text


def test_probabilities_that_are_no_numbers_do_not_agree() -> None:
    assert not Agreement(loss=0.0, probability=float(np.nan)).agrees


def test_a_repetition_without_a_difference_agrees_bit_for_bit(run: RunFolder) -> None:
    agrees, text = verdict(run, record_of(run), lambda: again(run))
    assert agrees
    assert "bit for bit" in text
    assert "validation accuracy" in text
    assert "test accuracy" not in text


def test_a_run_from_another_machine_uses_this_ones_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    recorded = tmp_path / "recorded"
    assert cache_dir_known_as(str(recorded)) == tmp_path / "mine/transfer-sweep"
    recorded.mkdir()
    assert cache_dir_known_as(str(recorded)) == recorded


def test_a_cache_that_may_not_be_looked_at_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert cache_dir_known_as("/root/.cache/x") == tmp_path / "mine/transfer-sweep"
