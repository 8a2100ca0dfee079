"""What `python -m trainables predict` prints and writes for awkward file names."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from results.ledger.files import write_json
from results.ledger.serialise import to_json
from results.ledger.store import RunFolder
from results.scores.summary import summarise
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, UsageRefusal
from tests.results.helpers import Trial, counted, make_run, make_split
from trainables.finished.answers import Answer, as_line, csv_kept
from trainables.finished.predict import answering
from trainables.finished.sources import photo_files

NAME = os.fsdecode(b"caf\xe9.png")
CLASSES = ("cat", "dog")
ANSWER = Answer(Path("photos") / NAME, "cat", (0.75, 0.25))


def test_a_photo_whose_name_is_no_utf8_can_be_printed() -> None:
    line = as_line(ANSWER, CLASSES)
    assert line.encode("utf-8").decode() == "photos/caf\\xe9.png\tcat\t0.7500"


def test_a_photo_whose_name_is_no_utf8_can_be_written_as_csv(tmp_path: Path) -> None:
    with csv_kept(tmp_path / "answers.csv", CLASSES) as keep:
        keep(ANSWER)
    head, row = csv.reader((tmp_path / "answers.csv").read_text("utf-8").splitlines())
    assert head == ["file", "class", "probability", "cat", "dog"]
    assert row == ["photos/caf\\xe9.png", "cat", "0.750000", "0.750000", "0.250000"]


def test_a_missing_photo_whose_name_is_no_utf8_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataRefusal, match="no such photo") as refused:
        photo_files([tmp_path / NAME])
    assert str(refused.value).encode("utf-8")


def test_an_empty_folder_whose_name_is_no_utf8_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(DataRefusal, match="there are no photos") as refused:
        photo_files([tmp_path / NAME])
    assert str(refused.value).encode("utf-8")


def reported(folder: RunFolder) -> RunFolder:
    write_json(folder.summary_json, to_json(summarise(folder)))
    return folder


def test_a_run_that_has_just_begun_has_no_best_trial(tmp_path: Path) -> None:
    folder = make_run(tmp_path, (Trial("VGG16", 0, "failed"),), unfinished=["VGG16/t01"])
    with pytest.raises(DataRefusal, match="yet"):
        answering(folder, "best")


def test_a_run_that_goes_on_answers_by_its_best_trial_so_far(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, skill=0.6), Trial("VGG16", 1, skill=0.9), Trial("Xception", 0))
    folder = make_run(tmp_path, trials, unfinished=["Xception/t01"])
    best = min(folder.records(), key=lambda record: record.rank)
    assert answering(folder, "best") == (best.trial,)
    with pytest.raises(EnvironmentRefusal, match="python -m results"):  # there is no report yet
        answering(folder)


def test_a_run_without_scores_has_no_model_to_ask(tmp_path: Path) -> None:
    folder = reported(make_run(tmp_path, (Trial("VGG16", 0, "failed"),)))
    for asked in (None, "ensemble"):
        with pytest.raises(DataRefusal, match="no trial of this run has weights"):
            answering(folder, asked)


def test_an_ensemble_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = reported(make_run(tmp_path, (Trial("VGG16", 0),)))
    assert answering(folder) == ("VGG16/baseline",)
    with pytest.raises(UsageRefusal, match="no ensemble"):
        answering(folder, "ensemble")


def test_the_model_that_validation_recommends_answers_unless_another_is_asked(
    tmp_path: Path,
) -> None:
    split = make_split(2, {"train": 24, "validation": 40, "test": 16})
    labels = split.labels[split.indices("validation")]
    trials = (
        Trial("VGG16", 0, validation=counted(labels, 20)),
        Trial("Xception", 0, validation=counted(labels, 40)),
    )
    folder = reported(make_run(tmp_path, trials, split=split))
    assert answering(folder) == ("Xception/baseline",)
    assert answering(folder, "ensemble") == ("Xception/baseline", "VGG16/baseline")
    assert answering(folder, "VGG16/baseline") == ("VGG16/baseline",)
