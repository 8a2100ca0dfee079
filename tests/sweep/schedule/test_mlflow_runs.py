"""MLflow is only a mirror: it has every trial once, and what happens to it touches no sweep."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from search_spaces.installed import version_of
from search_spaces.refusals import EnvironmentRefusal, Refusal
from sweep.schedule.mlflow_runs import imported, logged_to_mlflow
from tests.results.helpers import Trial, make_run
from tests.sweep.helpers import record


def installed() -> bool:
    try:
        return bool(version_of("mlflow"))
    except Refusal:
        return False


class Metric(NamedTuple):
    key: str
    value: float
    timestamp: int
    step: int


class Param(NamedTuple):
    key: str
    value: str


class Kept:
    """MLflow's module, client and store in one, as far as they are used, in memory."""

    def __init__(self) -> None:
        self.entities = SimpleNamespace(Metric=Metric, Param=Param)
        self.experiments: dict[str, str] = {}
        self.runs: dict[str, Any] = {}
        self.fault: Exception | None = None
        self.made = 0

    def MlflowClient(self) -> Kept:  # noqa: N802
        return self

    def get_experiment_by_name(self, name: str) -> Any:
        found = self.experiments.get(name)
        return found and SimpleNamespace(experiment_id=found)

    def create_experiment(self, name: str) -> str:
        return self.experiments.setdefault(name, str(len(self.experiments)))

    def search_runs(self, experiments: list[str], which: str, max_results: int) -> list[Any]:
        assert experiments == list(self.experiments.values())
        tag, _, value = which.removeprefix("tags.").partition(" = ")
        return [run for run in self.runs.values() if run.data.tags.get(tag) == value.strip("'")]

    def create_run(
        self, experiment: str, start_time: int | None, tags: dict[str, str], run_name: str
    ) -> Any:
        self.made += 1
        info = SimpleNamespace(run_id=f"r{self.made}", status="RUNNING", name=run_name)
        data = SimpleNamespace(tags=tags, params={}, metrics=[])
        self.runs[info.run_id] = SimpleNamespace(info=info, data=data)
        return self.runs[info.run_id]

    def log_batch(
        self, run: str, metrics: Sequence[Metric] = (), params: Sequence[Param] = ()
    ) -> None:
        if self.fault:
            raise self.fault
        assert len(metrics) <= 1000
        self.runs[run].data.metrics += metrics
        self.runs[run].data.params.update(params)

    def update_run(self, run: str, status: str) -> None:
        self.runs[run].info.status = status

    def set_terminated(self, run: str, status: str, end_time: int | None = None) -> None:
        self.runs[run].info.status = status

    def delete_run(self, run: str) -> None:
        del self.runs[run]

    @property
    def trials(self) -> list[Any]:
        return [run for run in self.runs.values() if "trial" in run.data.tags]

    @property
    def sweeps(self) -> list[Any]:
        return [run for run in self.runs.values() if "sweep" in run.data.tags]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return make_run(tmp_path / "monday", [Trial("VGG16", 0)])


def log(folder: RunFolder, kept: Any, records: Sequence[TrialRecord]) -> list[str]:
    """Log these, and return the warnings."""
    warnings: list[str] = []
    with logged_to_mlflow(folder, warnings.append, load=lambda: kept) as add:
        add(records)
    return warnings


def interrupted(folder: RunFolder, load: Callable[[], Any]) -> list[str]:
    """Log all and press Ctrl-C; return the warnings."""
    warnings: list[str] = []
    with (
        suppress(KeyboardInterrupt),
        logged_to_mlflow(folder, warnings.append, load=load) as add,
    ):
        add(RECORDS)
        raise KeyboardInterrupt
    return warnings


RECORDS = (
    record("VGG16", 0),
    record("VGG16", 1, (0.3,), status=Status.STOPPED_EARLY),
    record("VGG16", 2, (), status=Status.FAILED),
)


@pytest.mark.skipif(installed(), reason="MLflow is installed")
def test_where_mlflow_is_not_installed_the_line_says_what_to_type() -> None:
    with pytest.raises(EnvironmentRefusal, match=r"pip install mlflow-skinny, or mlflow"):
        version_of("mlflow")


def test_a_store_that_fails_is_one_warning_and_the_block_goes_on(
    folder: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    kept.fault = OSError("no route\nto the server")
    warnings = log(folder, kept, RECORDS)
    assert len(warnings) == 1
    assert "the ledger is not affected: OSError: no route to the server." in warnings[0]
    assert len(caplog.records) == 1


def test_a_library_that_cannot_be_loaded_is_one_warning(
    folder: RunFolder,
) -> None:
    def load() -> Any:
        raise ImportError("torn")

    warnings: list[str] = []
    with logged_to_mlflow(folder, warnings.append, load=load) as add:
        add(RECORDS)
    assert len(warnings) == 1
    assert "ImportError: torn" in warnings[0]


def test_no_trial_waits_for_a_server_that_does_not_answer(folder: RunFolder) -> None:
    answers = threading.Event()
    kept = Kept()

    def load() -> Kept:
        answers.wait()
        return kept

    warnings = interrupted(folder, load)
    assert kept.runs == {}
    answers.set()
    assert len(warnings) == 1
    assert "it has not answered for 1 s" in warnings[0]


def test_nothing_is_loaded_or_logged_unless_wanted(folder: RunFolder) -> None:
    kept, warnings = Kept(), list[str]()
    with logged_to_mlflow(folder, warnings.append, wanted=False, load=lambda: kept) as add:
        add(RECORDS)
    assert (kept.runs, warnings) == ({}, [])


def test_a_sweep_is_a_run_with_a_run_below_it_for_each_trial(folder: RunFolder) -> None:
    kept = Kept()
    assert log(folder, kept, RECORDS) == []
    [sweep] = kept.sweeps
    assert (sweep.info.name, sweep.info.status) == ("monday", "FINISHED")
    assert sweep.data.tags["run"] == str(folder.root)
    assert [trial.info.name for trial in kept.trials] == [one.trial for one in RECORDS]
    assert [trial.info.status for trial in kept.trials] == ["FINISHED", "FINISHED", "FAILED"]
    for trial, one in zip(kept.trials, RECORDS, strict=True):
        tags = trial.data.tags
        assert tags["mlflow.parentRunId"] == sweep.info.run_id
        assert (tags["trial"], tags["backbone"]) == (one.trial, "VGG16")
        assert tags["status"] == one.status
        expected = {name: str(value) for name, value in one.config.to_dict().items()}
        assert trial.data.params == expected
        curve = [(at.value, at.step) for at in trial.data.metrics if at.key == "train_loss"]
        assert curve == [(epoch.train_loss, epoch.epoch) for epoch in one.epochs]
    assert kept.trials[2].data.tags["error"] == "it diverged"
    last = {metric.key: metric.value for metric in kept.trials[0].data.metrics}
    assert (last["best_validation_accuracy"], last["best_epoch"]) == (0.6, 2)


def test_no_test_number_and_nothing_of_the_test_photos_is_logged(folder: RunFolder) -> None:
    kept = Kept()
    log(folder, kept, RECORDS)
    for run in kept.runs.values():
        names = {*run.data.tags, *run.data.params, *(metric.key for metric in run.data.metrics)}
        assert [name for name in names if "test" in name] == []


def test_what_was_trained_with_half_the_batch_says_so(folder: RunFolder) -> None:
    kept, halved = Kept(), dataclasses.replace(RECORDS[0], batch_halved=True)
    log(folder, kept, [halved])
    assert kept.trials[0].data.params["batch_size"] == str(halved.config.batch_size // 2)


def test_a_resume_goes_on_with_the_sweep_and_logs_no_trial_twice(folder: RunFolder) -> None:
    kept = Kept()
    log(folder, kept, RECORDS[:2])
    kept.trials[1].info.status = "RUNNING"  # killed while it was logged
    elsewhere = folder.root.parent / "elsewhere"
    elsewhere.mkdir()
    moved = RunFolder(folder.root.rename(elsewhere / folder.root.name))
    log(moved, kept, RECORDS)
    assert len(kept.sweeps) == 1
    assert [trial.info.name for trial in kept.trials] == [
        "VGG16/baseline",
        "VGG16/t01",
        "VGG16/t02",
    ]
    assert {trial.info.status for trial in kept.trials} == {"FINISHED", "FAILED"}


def test_two_runs_are_two_sweeps_of_one_experiment(folder: RunFolder, tmp_path: Path) -> None:
    kept = Kept()
    log(folder, kept, RECORDS)
    log(make_run(tmp_path / "tuesday", [Trial("VGG16", 0)]), kept, RECORDS)
    assert kept.experiments == {"transfer-sweep": "0"}
    assert len(kept.sweeps) == 2
    assert len(kept.trials) == 6


def test_an_interrupted_sweep_is_killed_in_mlflow(folder: RunFolder) -> None:
    kept = Kept()
    assert interrupted(folder, lambda: kept) == []
    assert kept.sweeps[0].info.status == "KILLED"
    assert len(kept.trials) == len(RECORDS)


def test_curves_of_many_epochs_are_logged_in_parts(folder: RunFolder) -> None:
    kept, long = Kept(), record("VGG16", 0, [0.5] * 700)
    assert log(folder, kept, [long]) == []
    assert sum(at.key == "validation_loss" for at in kept.trials[0].data.metrics) == 700


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="needs mlflow-skinny")
@pytest.mark.filterwarnings("ignore")
def test_mlflow_itself_has_the_trials_and_leaves_our_log_alone(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    handlers = list(logging.getLogger().handlers)
    for records in (RECORDS[:1], RECORDS):
        warnings: list[str] = []
        with logged_to_mlflow(folder, warnings.append) as add:
            add(records)
        assert warnings == []
    assert logging.getLogger().handlers == handlers
    client = imported().MlflowClient()
    experiment = client.get_experiment_by_name("transfer-sweep").experiment_id
    trials = client.search_runs([experiment], "tags.status != ''", order_by=["tags.trial"])
    assert [trial.data.tags["trial"] for trial in trials] == [one.trial for one in RECORDS]
    history = client.get_metric_history(trials[0].info.run_id, "validation_accuracy")
    assert [(at.step, at.value) for at in history] == [(1, 0.5), (2, 0.6)]
    assert trials[0].data.params["optimizer"] == RECORDS[0].config.optimizer
