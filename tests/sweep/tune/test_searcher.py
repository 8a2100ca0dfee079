"""The pool as Ray Tune sees it: how many at a time, when it ends, and what a refusal does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ray.tune.search import Searcher

from results.ledger.files import folder_bytes
from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal, Refusal
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from sweep.tune.searcher import PoolSearcher, budget, deadline
from tests.sweep.helpers import machine, outcome, record, settings

SETTINGS = settings("--backbones", "vgg16,xception", "--trials", "2")
DEADLINE = 1.8e9


class Sweep:
    """A searcher, the run's folder that it reads, and what it reported."""

    def __init__(self, root: Path, *, at_once: int = 2) -> None:
        self.folder = RunFolder(root)
        self.spent = False
        self.fault: Refusal | None = None
        self.reported: list[TrialRecord] = []
        self.pool = Pool(self.folder, SETTINGS, 2)
        self.searcher = PoolSearcher(
            self.pool,
            Studies(root / "optuna.db", SETTINGS.space, SETTINGS.backbones),
            machine(root, max_concurrent=at_once),
            spent=self.is_spent,
            deadline=DEADLINE,
            on_finished=self.reported.append,
        )

    def is_spent(self) -> bool:
        if self.fault:
            raise self.fault
        return self.spent

    def train(self, config: Any) -> None:
        self.folder.write_record(outcome(config["assignment"]))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_a_refusal_of_a_worker_ends_the_sweep_without_a_record(sweep: Sweep) -> None:
    full = EnvironmentRefusal("the disk is full", where="/run", fix="Make room.")
    sweep.searcher.suggest("a")
    sweep.searcher.on_trial_complete("a", {"refusal": full})
    assert str(sweep.searcher.refusal) == "the disk is full (/run). Make room."
    assert sweep.searcher.suggest("b") == Searcher.FINISHED
    assert sweep.folder.records() == ()
    assert sweep.reported == []


def test_weights_that_cannot_be_dropped_for_the_disk_budget_end_the_sweep_with_a_refusal(
    sweep: Sweep,
) -> None:
    sweep.fault = EnvironmentRefusal("cannot write", where="/run", fix="Check the disk.")
    assert sweep.searcher.suggest("a") == Searcher.FINISHED
    assert sweep.searcher.refusal is sweep.fault


def test_a_damaged_record_ends_the_sweep_with_a_refusal(sweep: Sweep) -> None:
    config = sweep.searcher.suggest("a")
    assert isinstance(config, dict)
    (sweep.folder.trial(config["assignment"].trial_id.name) / "trial.json").write_text("[]")
    sweep.searcher.on_trial_complete("a", {})
    assert "damaged" in str(sweep.searcher.refusal)
    assert sweep.searcher.suggest("b") == Searcher.FINISHED


@pytest.mark.parametrize("result", [None, {}, {"validation_accuracy": 0.99}])
def test_what_ray_believes_of_a_trial_without_a_record_does_not_count(
    sweep: Sweep, result: dict[str, Any] | None
) -> None:
    sweep.searcher.suggest("a")
    sweep.searcher.on_trial_complete("a", result, error=True)
    assert [(record.trial, record.status) for record in sweep.reported] == [
        ("VGG16/t01", Status.FAILED)
    ]
    assert sweep.searcher.refusal is None


def test_a_record_counts_even_if_ray_believes_that_the_trial_failed(sweep: Sweep) -> None:
    config = sweep.searcher.suggest("a")
    assert isinstance(config, dict)
    sweep.train(config)
    sweep.searcher.on_trial_complete("a", None, error=True)
    assert sweep.reported == [sweep.folder.read_record("VGG16/t01")]
    assert sweep.reported[0].status != Status.FAILED


def test_a_spent_budget_starts_no_further_trial_and_keeps_what_runs(sweep: Sweep) -> None:
    config = sweep.searcher.suggest("a")
    sweep.spent = True
    assert sweep.searcher.suggest("b") == Searcher.FINISHED
    sweep.train(config)
    sweep.searcher.on_trial_complete("a", {})
    assert len(sweep.folder.records()) == 1


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_no_more_trials_run_at_a_time_than_the_machine_allows(tmp_path: Path, at_once: int) -> None:
    sweep = Sweep(tmp_path, at_once=at_once)
    answers = [sweep.searcher.suggest(str(at)) for at in range(at_once + 1)]
    assert [answer is None for answer in answers] == [False] * at_once + [True]
    sweep.train(answers[0])
    sweep.searcher.on_trial_complete("0", {})
    assert isinstance(sweep.searcher.suggest("next"), dict)


def test_a_trial_that_must_wait_is_no_end(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, at_once=9)
    running = [sweep.searcher.suggest(str(at)) for at in range(4)]
    assert all(isinstance(config, dict) for config in running)
    assert sweep.pool.left == 2
    assert sweep.searcher.suggest("4") is None


def test_ray_asks_until_every_trial_is_finished(sweep: Sweep) -> None:
    turn = 0
    while (config := sweep.searcher.suggest(str(turn))) != Searcher.FINISHED:
        sweep.train(config)
        sweep.searcher.on_trial_complete(str(turn), {})
        turn += 1
    assert turn == len(SETTINGS.planned)
    assert sorted(record.trial for record in sweep.reported) == sorted(map(str, SETTINGS.planned))


def test_rays_own_state_is_neither_kept_nor_read(sweep: Sweep, tmp_path: Path) -> None:
    sweep.searcher.save(str(tmp_path / "state.pkl"))
    sweep.searcher.restore(str(tmp_path / "state.pkl"))
    assert not (tmp_path / "state.pkl").exists()
    assert sweep.searcher.__getstate__() == {}


@pytest.mark.parametrize(
    ("changes", "spent"),
    [
        ({}, False),
        ({"time_budget": 3600.0}, False),
        ({"time_budget": -1.0}, True),
        ({"max_disk": 10**9}, False),
        ({"max_disk": 1000}, True),
    ],
)
def test_a_budget_is_spent_by_time_or_by_the_runs_bytes(
    tmp_path: Path, changes: dict[str, Any], spent: bool
) -> None:
    limited = machine(tmp_path, **changes)
    is_spent = budget(limited, RunFolder(tmp_path), deadline(limited), tuple)
    (tmp_path / "trials").mkdir()
    (tmp_path / "trials/weights.npz").write_bytes(b"0" * 2000)
    assert is_spent() is spent


def test_bytes_of_a_folder_count_links_as_links(tmp_path: Path) -> None:
    (tmp_path / "run/deep").mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(b"0" * 10**6)
    before = folder_bytes(tmp_path / "run")
    (tmp_path / "run/deep/file").write_bytes(b"0" * 5000)
    (tmp_path / "run/link").symlink_to(tmp_path / "elsewhere")
    assert 5000 <= folder_bytes(tmp_path / "run") - before < 10**5


def test_a_failed_trial_is_told_as_it_was_recorded(sweep: Sweep) -> None:
    config = sweep.searcher.suggest("a")
    assert isinstance(config, dict)
    sweep.folder.write_record(record("VGG16", 1, [0.4], status=Status.FAILED))
    sweep.searcher.on_trial_complete("a", {}, error=True)
    assert [record.error for record in sweep.reported] == ["it diverged"]


def test_every_trial_is_told_when_the_time_budget_is_spent(sweep: Sweep) -> None:
    config = sweep.searcher.suggest("a")
    assert isinstance(config, dict)
    assert config["assignment"].deadline == DEADLINE
