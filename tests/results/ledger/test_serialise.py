"""Records as JSON: what does not fit is refused, and the format of the files stays as it is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from results.ledger.anatomy import Anatomy, Work
from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from results.ledger.run_record import RunRecord
from results.ledger.runs import DataRecord, Rejected
from results.ledger.serialise import from_json, to_json
from results.scores.summary import summarise
from search_spaces import paper
from search_spaces.refusals import UsageRefusal
from tests.results.helpers import Trial, make_run, make_run_record

RECORD = TrialRecord(
    number=7,
    status=Status.STOPPED_EARLY,
    config=paper.baseline("VGG16"),
    epochs=(EpochRecord(1, 0.5, 0.75, 0.25, 1.0, 5e-05, 1.5),),
    best_epoch=1,
    validation_accuracy=1.0,
    validation_loss=0.25,
    cost=Cost(seconds_features=2.0, photos_prefix=52),
    anatomy=Anatomy(
        10, 5, 1000, 500, 100, "block5_conv1", ("block4_pool",), 0, by_point={"head": Work(7, 100)}
    ),
    weights_sha256="ab",
)

GOLDEN = (
    '{"trial": "VGG16/t07", "number": 7, "status": "stopped_early", "config": {"backbone": "VGG16",'
    ' "unfreeze": "block5_conv1", "scaling": "unit", "optimizer": "adam", "learning_rate": 5e-05,'
    ' "batch_size": 32, "epochs": 10, "image_size": 150, "seed": 42,'
    ' "weight_decay": 0.0, "momentum": 0.9, "label_smoothing": 0.0, "dropout": 0.5,'
    ' "head": "paper",'
    ' "warmup": 0, "schedule": "constant", "head_from": 0, "views": 1,'
    ' "batch_norm": "updated"}, "epochs": [{"epoch": 1,'
    ' "train_loss": 0.5, "train_accuracy": 0.75, "validation_loss": 0.25,'
    ' "validation_accuracy": 1.0, "learning_rate": 5e-05, "seconds": 1.5,'
    ' "validation_score": null}], "best_epoch": 1,'
    ' "validation_accuracy": 1.0, "validation_loss": 0.25,'
    ' "cost": {"seconds_features": 2.0, "seconds_training": 0.0,'
    ' "seconds_total": 0.0, "photos_prefix": 52, "photos_trained": 0, "bytes_stored": 0,'
    ' "seconds_waiting": 0.0, "seconds_tracing": 0.0, "seconds_prefix": 0.0,'
    ' "multiply_adds_prefix": 0.0}, "anatomy": {"layers_frozen": 10,'
    ' "layers_trained": 5, "parameters_frozen": 1000, "parameters_trained": 500,'
    ' "parameters_head": 100, "first_trained": "block5_conv1", "stored": ["block4_pool"],'
    ' "recomputed": 0, "multiply_adds_frozen": 0.0, "multiply_adds_trained": 0.0,'
    ' "by_point": {"head": {"multiply_adds": 7, "parameters": 100}}},'
    ' "weights_sha256": "ab", "error": "", "diverged": false,'
    ' "validation_score": null, "repeat": 0, "batch_halved": false, "weights_dropped": false}'
)
"""`trial.json` as this version writes it; earlier ones had less to say of costs."""


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"trial": "VGG16/t08"},
        {"number": "7"},
        {"number": True},
        {"status": "lost"},
        {"error": 3},
        {"test_accuracy": 0.9, "test_loss": 0.3},
        {"best_epoch": 1.5},
        {"epochs": [1]},
        {"epochs": {}},
        {"anatomy": {**json.loads(GOLDEN)["anatomy"], "stored": "block4_pool"}},
        {"anatomy": {**json.loads(GOLDEN)["anatomy"], "stored": {"block4_pool": 1}}},
        {"cost": {"seconds": 1.0}},
        {"anatomy": {}},
        {"anatomy": {**json.loads(GOLDEN)["anatomy"], "by_point": {"head": 7}}},
    ],
)
def test_a_document_of_another_shape_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no TrialRecord"):
        from_json(TrialRecord, json.loads(GOLDEN) | changes)


@pytest.mark.parametrize("key", ["trial", "number", "status", "config"])
def test_a_document_without_a_key_is_refused(key: str) -> None:
    document = json.loads(GOLDEN)
    del document[key]
    with pytest.raises(ValueError, match=key):
        from_json(TrialRecord, document)


def test_a_value_out_of_bounds_is_refused_by_its_own_type() -> None:
    document = json.loads(GOLDEN)
    document["config"]["learning_rate"] = -1.0
    with pytest.raises(UsageRefusal, match="must be positive"):
        from_json(TrialRecord, document)


@pytest.mark.parametrize("name", ["VGG16", "VGG16/t7", "VGG16/last"])
def test_a_run_that_plans_what_is_no_trial_is_refused(name: str) -> None:
    document = to_json(make_run_record(("cat", "dog"), ()))
    with pytest.raises(UsageRefusal, match="a trial is called"):
        from_json(RunRecord, document | {"planned": [name]})


def test_a_record_of_an_older_version_gets_the_defaults_of_what_it_lacks() -> None:
    document = json.loads(GOLDEN)
    del document["cost"]["seconds_waiting"], document["cost"]["seconds_tracing"]
    assert from_json(TrialRecord, document) == RECORD


def test_a_record_is_written_as_this_version_does_it() -> None:
    assert json.dumps(to_json(RECORD)) == GOLDEN
    assert from_json(TrialRecord, json.loads(GOLDEN)) == RECORD
    assert type(from_json(TrialRecord, json.loads(GOLDEN)).status) is Status


def test_a_whole_number_stays_one_where_a_fraction_may_stand() -> None:
    document = json.loads(GOLDEN) | {"validation_loss": 0}
    assert json.dumps(to_json(from_json(TrialRecord, document))["validation_loss"]) == "0"


def test_what_was_read_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    folder = make_run(tmp_path, (Trial("VGG16", 0), Trial("VGG16", 1, "failed")))
    run = dataclasses.replace(
        folder.read_run(),
        data=DataRecord("n", "s", "d", ("cat", "dog"), 75, 52, rejected=(Rejected("a", "b"),)),
    )
    folder.write_run(run)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    folder.write_run(folder.read_run())
    folder.write_split(folder.read_split(), run.data.classes)
    for record in folder.records():
        folder.write_record(record)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == before


def test_a_summary_has_the_fields_of_its_types_in_their_order(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, (Trial("VGG16", 0), Trial("Xception", 0))))
    written = to_json(summary)
    names = [row.pop("trial") for row in written["rows"]]  # follows from a record's fields
    assert names == ["VGG16/baseline", "Xception/baseline"]
    assert json.dumps(written) == json.dumps(dataclasses.asdict(summary))
