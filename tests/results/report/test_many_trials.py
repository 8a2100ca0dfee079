"""A run of thousands of trials: the page lists the best, pictures show some, the file has all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from results.figures.findings import scatters
from results.ledger.records import Predictions
from results.ledger.store import RunFolder
from results.report.kinds import Place
from results.report.sheets_run import MOST_ROWS, trials
from results.scores.comparisons import LIBRARY, ensemble_rows
from results.scores.evidence import read_evidence
from results.scores.summary import summarise
from results.scores.types import Summary
from tests.results.helpers import Trial, make_run

MANY = MOST_ROWS + 500


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    folder = make_run(tmp_path_factory.mktemp("run"), [Trial("VGG16", 0), Trial("VGG16", 1)])
    summary = summarise(folder)
    row = summary.rows[0]
    rows = [
        dataclasses.replace(row, number=number, validation_accuracy=number / MANY)
        for number in range(MANY - 1)
    ]
    failed = dataclasses.replace(row, number=MANY, validation_accuracy=None, error="nan")
    return dataclasses.replace(summary, rows=(*rows, failed))


def test_the_page_lists_the_best_trials_and_the_file_all(many: Summary) -> None:
    sheet = trials(many)
    assert len(sheet.at(Place.CSV)[1]) == MANY
    shown = sheet.at(Place.PAGE)[1]
    at = [column.key for column in sheet.columns].index("validation_accuracy")
    assert min(row.values[at] for row in shown) == (MANY - 1 - MOST_ROWS) / MANY
    assert len(shown) == MOST_ROWS
    assert sheet.note == "The best 1,000 of 1,500 trials; trials.csv has all."
    assert trials(dataclasses.replace(many, rows=many.rows[:MOST_ROWS])).note == ""


def test_a_picture_shows_some_trials_and_says_so(many: Summary) -> None:
    few = dataclasses.replace(many, rows=many.rows[:400])
    for summary, points, said in ((many, 500, True), (few, 400, False)):
        for picture in scatters(summary):
            (axes,) = picture.figure.axes
            drawn = [line for line in axes.lines if np.asarray(line.get_xdata()).size == 1]
            assert len(drawn) in (points - 1, points)
            assert ("Of 1,499 trials these are spread evenly" in picture.description) == said


def test_the_greedy_ensemble_reads_few_trials_and_keeps_the_predictions_of_fewer(
    tmp_path: Path,
) -> None:
    backbones = ("VGG16", "Xception")
    found = [Trial(name, number) for name in backbones for number in range(LIBRARY // 2 + 3)]
    read: list[str] = []

    class Counting(RunFolder):
        def read_predictions(self, trial: str) -> Predictions:
            read.append("predictions")
            return super().read_predictions(trial)

    evidence = read_evidence(Counting(make_run(tmp_path, found).root))
    rows = ensemble_rows(evidence)
    assert any(row.rule.startswith("greedy") for row in rows)
    named = {trial for row in rows for trial in row.members}
    assert set(evidence._predictions) <= named | {one.trial for one in evidence.winners()}
    assert read.count("predictions") <= LIBRARY + 2 * len(named)
