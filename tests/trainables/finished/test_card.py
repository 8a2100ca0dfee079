"""The model card says what the summary says, and obeys no name from outside."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from results.ledger.runs import WeightsSource
from results.scores.summary import summarise
from results.scores.types import Summary
from tests.results.helpers import Trial, counted, make_run, make_split
from trainables.finished.card import FEW, card, winners

TWO = [Trial("VGG16", 0, skill=0.6), Trial("Xception", 0, skill=0.9)]
FILES = {"Xception.keras": "ab12", "ensemble.tflite": "cd34"}


def summary_of(tmp_path: Path, trials: list[Trial] = TWO, **more: Any) -> Summary:
    return summarise(make_run(tmp_path / "run", trials, **more))


def test_names_from_outside_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    evil = "<b>|`x`\n# [a](http://host)"
    text = card(summary_of(tmp_path, classes=(evil, "dog")), FILES)
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "\n# [" not in text
    rows = [line for line in text.splitlines() if line.startswith("|") and "host" in line]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 5


def test_a_run_of_which_nothing_can_be_said_is_marked(tmp_path: Path) -> None:
    partial = summary_of(tmp_path, unfinished=["VGG16/t01"], demonstration=True, weights="random")
    text = card(partial, FILES)
    assert "> **DEMONSTRATION**" in text
    assert "> **PARTIAL**" in text
    assert "DEMONSTRATION" not in card(summary_of(tmp_path / "other"), FILES)


def test_a_temperature_that_validation_does_not_bound_is_a_dash(tmp_path: Path) -> None:
    split = make_split(2, {"train": 24, "validation": 40, "test": 16})
    labels = split.labels[split.indices("validation")]
    all_right = Trial("VGG16", 0, validation=counted(labels, 40))
    text = card(summary_of(tmp_path, [all_right], split=split), FILES)
    [row] = [line for line in text.splitlines() if line.startswith("| `VGG16.keras`")]
    assert row.endswith("| - | - | - |")


def test_every_number_is_the_summarys(tmp_path: Path) -> None:
    summary = summary_of(tmp_path)
    text = card(summary, FILES)
    for model in winners(summary):
        start = f"| `{model.name}.keras` | {' + '.join(model.trials)} "
        [row] = [line for line in text.splitlines() if line.startswith(start)]
        scores = model.scores
        assert f"({scores.correct} of {scores.photos})" in row
        assert f"{scores.interval.low:.1%} to {scores.interval.high:.1%}" in row
        assert f"{scores.calibration.error:.2%}" in row
    counts = summary.data.counts
    assert f"| all | {counts.train} | {counts.validation} | {counts.test} |" in text
    assert summary.data.digest in text
    assert "| `ensemble.tflite` | `cd34` |" in text
    assert f"Fewer than {FEW} photos to learn from: " in text


@pytest.mark.parametrize("source", WeightsSource)
def test_whatever_a_backbone_started_from_is_told(tmp_path: Path, source: WeightsSource) -> None:
    summary = replace(summary_of(tmp_path), weights_source={"VGG16": source})
    text = card(summary, FILES)
    assert ("- VGG16: random weights" in text) == ("RANDOM" in source.name)
    assert "- Xception: weights whose origin the run did not record" in text


def test_how_to_load_it_is_five_lines_of_python_that_need_nothing_of_ours(tmp_path: Path) -> None:
    text = card(summary_of(tmp_path), FILES)
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    tree = ast.parse(block)
    assert len(tree.body) == 5
    assert {one.name for one in ast.walk(tree) if isinstance(one, ast.alias)} == {
        "json",
        "zipfile",
        "keras",
    }
    assert "exif_transpose" in text, "what Keras loads is not turned as our decoder turns it"


@pytest.mark.parametrize("name", ["VGG16", "ensemble"])
def test_each_winner_is_a_model(tmp_path: Path, name: str) -> None:
    found = {one.name: one.trials for one in winners(summary_of(tmp_path))}
    assert (
        found[name]
        == {
            "VGG16": ("VGG16/baseline",),
            "ensemble": ("Xception/baseline", "VGG16/baseline"),
        }[name]
    )
