"""A node that shares nothing: what it fetches, what it sends, and what a lost one leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.ledger.files import file_sha256, read_json
from results.ledger.records import Predictions, TrialRecord
from results.ledger.runs import Split
from results.ledger.store import RunFolder
from search_spaces.refusals import EnvironmentRefusal
from sweep.process.context import RunContext
from sweep.process.ledger_desk import LedgerDesk
from sweep.process.outpost import Outpost
from sweep.schedule.assignment import Assignment
from tests.sweep.helpers import machine, record, settings
from trainables.networks.weights import Weights

WANTED = settings("--backbones", "vgg16", "--trials", "4")
BASELINE = Assignment(0, WANTED.baseline("VGG16"), {})
ANSWERS = np.full((2, 2), 0.5, np.float32)


class Desk(LedgerDesk):
    """The driver's side, which counts what it gives and may spoil what it takes."""

    def __init__(self, context: RunContext) -> None:
        super().__init__(context)
        self.asked: list[str] = []
        self.spoil: Callable[[str, bytes], bytes] = lambda _, piece: piece

    def piece(self, key: str, offset: int) -> bytes:
        self.asked.append(key)
        return super().piece(key, offset)

    def take(self, trial: str, token: str, name: str, piece: bytes) -> None:
        super().take(trial, token, name, self.spoil(name, piece))


class Sweep:
    """A driver's run, and workers of one node with a cache of its own."""

    def __init__(self, root: Path) -> None:
        self.folder = RunFolder(root / "run")
        (root / "photos.h5").write_bytes(b"photos")
        (root / "vgg16_notop.weights.h5").write_bytes(b"weights")
        digests = {"VGG16": file_sha256(root / "vgg16_notop.weights.h5")}
        files = {"VGG16": root / "vgg16_notop.weights.h5"}
        with self.folder.locked():
            split = Split(("a", "b"), np.array([0, 1]), ("0", "1"), ("train", "test"))
            self.folder.write_split(split, ("cat", "dog"))
        self.context = RunContext(
            self.folder.root,
            root / "photos.h5",
            Weights("imagenet", files, seed=1, digests=digests, sources={}),
            WANTED,
            machine(root / "cache"),
            holder=self.folder.holder(),
        )
        self.desk = Desk(self.context)
        self.trained: list[RunContext] = []

    def worker(self) -> Outpost:
        sha256 = file_sha256(self.context.dataset)
        return Outpost(self.context, sha256, self.desk, attempt=self.train)

    def train(self, assignment: Assignment, context: RunContext, *_: object) -> TrialRecord:
        """What a training process leaves in the folder that it is given."""
        self.trained.append(context)
        return write(assignment, RunFolder(context.run))

    def send(self, assignment: Assignment = BASELINE) -> None:
        self.worker().train(assignment, lambda _: None, lambda _: None)


def write(assignment: Assignment, folder: RunFolder) -> TrialRecord:
    trial = assignment.trial_id.name
    digest = folder.write_artefacts(
        trial,
        Predictions(ANSWERS, ANSWERS[None], ANSWERS),
        ANSWERS,
        {"head": np.arange(5_000_000, dtype=np.float32)},  # of more than one piece
    )
    trained = replace(
        record("VGG16", assignment.number, config=assignment.config), weights_sha256=digest
    )
    folder.write_record(trained)
    (folder.tensorboard / trial).mkdir(parents=True)
    (folder.tensorboard / trial / "events").write_bytes(b"curves")
    return trained


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    monkeypatch.setenv("TRANSFER_SWEEP_CACHE_DIR", str(tmp_path / "node"))
    return Sweep(tmp_path)


def content(folder: RunFolder) -> dict[str, bytes]:
    """Of every file of the baseline, and of its curves."""
    files = [*folder.trials.rglob("*"), *folder.tensorboard.rglob("*")]
    return {
        str(path.relative_to(folder.root)): path.read_bytes() for path in files if path.is_file()
    }


@pytest.mark.parametrize("name", ["weights.npz", "trial.json", "sealed_test.npz"])
def test_a_file_that_is_not_as_it_was_sent_leaves_no_record(name: str, sweep: Sweep) -> None:
    sweep.desk.spoil = lambda sent, piece: piece[:-1] + b"?" if sent == name else piece
    with pytest.raises(EnvironmentRefusal, match="damaged"):
        sweep.send()
    assert sweep.folder.records() == ()
    assert not (sweep.folder.trial("VGG16/baseline") / "weights.npz").exists()


def test_photos_and_weights_that_changed_since_the_run_began_are_refused(sweep: Sweep) -> None:
    worker = sweep.worker()
    sweep.context.dataset.write_bytes(b"others")
    with pytest.raises(EnvironmentRefusal, match="the photos that came over the network are not"):
        worker.train(BASELINE, lambda _: None, lambda _: None)
    assert sweep.trained == []


def test_weights_that_are_gone_are_refused_with_their_place(sweep: Sweep) -> None:
    sweep.context.weights.files["VGG16"].unlink()
    with pytest.raises(EnvironmentRefusal, match=r"cannot be read.*vgg16_notop"):
        sweep.send()


def test_a_worker_whose_driver_is_gone_writes_nothing(sweep: Sweep) -> None:
    with sweep.folder.locked(), pytest.raises(EnvironmentRefusal, match="is gone"):
        sweep.send()
    assert sweep.folder.records() == ()


def test_a_trial_of_a_node_is_in_the_ledger_as_if_it_had_been_written_there(
    sweep: Sweep, tmp_path: Path
) -> None:
    sweep.send()
    here = RunFolder(tmp_path / "here")
    here.write_suggestion("VGG16/baseline", BASELINE.config)
    write(BASELINE, here)
    assert content(sweep.folder) == content(here)
    assert sweep.folder.records() == here.records()


def test_what_a_lost_node_had_sent_is_removed_by_the_next_attempt(sweep: Sweep) -> None:
    sweep.desk.take("VGG16/baseline", "lost", "weights.npz", b"half")
    sweep.send()
    names = {path.name for path in sweep.folder.trial("VGG16/baseline").iterdir()}
    assert names == {
        *("suggestion.json", "history.csv", "predictions.npz", "sealed_test.npz"),
        *("weights.npz", "trial.json"),
    }


def test_a_trial_that_has_its_record_is_not_trained_again(sweep: Sweep) -> None:
    sweep.send()
    sweep.send()
    assert len(sweep.trained) == 1


def test_a_node_fetches_photos_and_weights_once_and_trains_below_its_own_cache(
    sweep: Sweep, tmp_path: Path
) -> None:
    sweep.send()
    sweep.send(replace(BASELINE, number=1))
    for key in ("photos", "weights/VGG16"):
        assert sweep.desk.asked.count(key) == 2, "a piece, and the end"
    for context in sweep.trained:
        for place in (context.run, context.dataset, context.machine.cache_dir):
            assert place.is_relative_to(tmp_path / "node")
        assert context.weights.files["VGG16"].read_bytes() == b"weights"
        assert context.weights.files["VGG16"].name == "vgg16_notop.weights.h5"


def test_a_damaged_file_of_a_nodes_cache_is_fetched_again(sweep: Sweep) -> None:
    sweep.send()
    sweep.trained[0].dataset.write_bytes(b"damage")
    sweep.send(replace(BASELINE, number=1))
    assert sweep.trained[1].dataset.read_bytes() == b"photos"


def test_a_deep_trial_has_the_head_that_it_starts_from(sweep: Sweep) -> None:
    sweep.send(replace(BASELINE, number=1))
    worker = sweep.worker()
    heads: list[float] = []

    def train(assignment: Assignment, context: RunContext, *_: object) -> TrialRecord:
        folder = RunFolder(context.run)
        head = folder.read_record("VGG16/t01")
        assert head is not None
        heads.append(float(folder.read_weights(head)["head"][7]))
        return write(assignment, folder)

    worker._attempt = train
    deep = replace(BASELINE, number=2, config=replace(BASELINE.config, head_from=1))
    worker.train(deep, lambda _: None, lambda _: None)
    assert heads == [7.0]
    assert len(sweep.folder.records()) == 2


def test_folders_of_dead_workers_are_removed_and_those_of_living_ones_kept(
    sweep: Sweep, tmp_path: Path
) -> None:
    (tmp_path / "node/nodes/dead/trials").mkdir(parents=True)
    first, second = sweep.worker(), sweep.worker()
    kept = {path.name for path in (tmp_path / "node/nodes").iterdir() if path.is_dir()}
    assert kept == {worker._folder.root.name for worker in (first, second)}


def test_a_node_takes_memory_and_cache_of_its_own(sweep: Sweep) -> None:
    sweep.send()
    [context] = sweep.trained
    assert context.machine.max_cache <= sweep.context.machine.max_cache
    assert context.holder == RunFolder(context.run).holder() != sweep.context.holder
    assert read_json(RunFolder(context.run).split_json)["classes"] == ["cat", "dog"]
