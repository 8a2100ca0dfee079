"""A run of so many photos and classes that the answers after every epoch are not kept."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from results.ledger.arrays import MOST_BYTES_BY_EPOCH
from results.ledger.store import RunFolder
from results.report.write import write_report
from results.scores.summary import summarise
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import SMALL, Trial, make_predictions, make_run

CLASSES = tuple(f"class {number}" for number in range(100))
PHOTOS = MOST_BYTES_BY_EPOCH // 4 // len(CLASSES) // 10 + 1
"""For validation, with the ten epochs of the paper's configuration."""
TRIALS = (Trial("VGG16", 0, epochs=2), Trial("Xception", 0, epochs=2))


def run_of(root: Path, photos: int) -> RunFolder:
    """A run whose trials were stored without their answers after every epoch."""
    folder = make_run(root, TRIALS, classes=CLASSES, sizes={**SMALL, "validation": photos})
    for trial in TRIALS:
        predictions = make_predictions(trial, folder.read_split(), len(CLASSES))
        none = dataclasses.replace(
            predictions, validation_by_epoch=predictions.validation_by_epoch[:0]
        )
        test, record = folder.open_sealed_test(trial.name), folder.read_record(trial.name)
        assert record is not None
        folder.write_artefacts(trial.name, none, test, folder.read_weights(record))
        folder.write_record(record)
    return folder


def test_answers_that_are_few_enough_to_be_kept_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="predictions of validation_by_epoch must have"):
        summarise(run_of(tmp_path, PHOTOS - 1))


def test_a_run_of_many_photos_is_reported_without_the_ensembles_curves(tmp_path: Path) -> None:
    folder = run_of(tmp_path, PHOTOS)
    summary = summarise(folder)
    assert summary.ensemble is not None
    assert summary.ensemble.history == ()
    write_report(folder, summary)
    page = " ".join((folder.report / "report.html").read_text(encoding="utf-8").split())
    assert "answers after each epoch were too many and are not kept" in page
    drawn = {path.stem for path in (folder.report / "figures").glob("*.png")}
    assert {"ensemble-diagram", "VGG16-baseline-accuracy"} <= drawn
    assert not {"ensemble-accuracy", "ensemble-loss"} & drawn
    with (folder.report / "tables" / "histories.csv").open(newline="") as file:
        assert {row["method"] for row in csv.DictReader(file)} == {trial.name for trial in TRIALS}


def test_what_an_earlier_version_kept_of_many_photos_is_still_read(tmp_path: Path) -> None:
    sizes = {**SMALL, "validation": PHOTOS}
    found = summarise(make_run(tmp_path, TRIALS, classes=CLASSES, sizes=sizes)).ensemble
    assert found is not None
    assert len(found.history) == 2
