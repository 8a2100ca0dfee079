"""What a summary finds: scales, pairs, suspects, costs and importances."""

from __future__ import annotations

import dataclasses
from html import unescape
from pathlib import Path

from results.figures.gallery import gallery
from results.ledger.records import Status
from results.report.page import page
from results.report.sheets_run import importances_wide
from results.scores.summary import summarise
from tests.results.helpers import SMALL, Trial, counted, make_run, make_split, shares

TWO = (
    Trial("VGG16", 0, skill=0.7),
    Trial("VGG16", 1, skill=0.8, changes={"scaling": "native", "optimizer": "sgd"}),
    Trial("Xception", 0, skill=0.9),
)


def test_the_scaling_comparison_prefers_the_baselines_twin(tmp_path: Path) -> None:
    twin = Trial("VGG16", 2, skill=0.6, changes={"scaling": "native"})
    observed = summarise(make_run(tmp_path / "a", TWO)).scaling
    controlled = summarise(make_run(tmp_path / "b", (*TWO, twin))).scaling
    assert [(row.also_differs, row.observational) for row in observed] == [(("optimizer",), True)]
    assert [(row.native_trial, row.observational) for row in controlled] == [("VGG16/t02", False)]


def test_heads_that_differ_in_the_scaling_alone_are_compared_where_the_baseline_has_no_twin(
    tmp_path: Path,
) -> None:
    head = {"unfreeze": "head", "optimizer": "sgd"}
    heads = [
        Trial("VGG16", 2, skill=0.6, changes={**head, "scaling": "native"}),
        Trial("VGG16", 3, skill=0.5, changes=head),
    ]
    [row] = summarise(make_run(tmp_path, (*TWO, *heads))).scaling
    assert (row.unit_trial, row.native_trial) == ("VGG16/t03", "VGG16/t02")
    assert not row.observational


def test_a_scaling_whose_trial_was_cut_is_not_said_to_be_compared_alone(tmp_path: Path) -> None:
    twin = Trial("VGG16", 2, epochs=1, status=Status.OUT_OF_TIME, changes={"scaling": "native"})
    [row] = summarise(make_run(tmp_path, (TWO[0], TWO[2], twin))).scaling
    assert (row.native_trial, row.also_differs) == ("VGG16/t02", ("epochs_trained",))


def test_pairs_are_all_that_the_text_compares(tmp_path: Path) -> None:
    pairs = summarise(make_run(tmp_path, TWO)).pairs
    assert [pair.why for pair in pairs] == ["gain", "scaling", "winners", "ensemble", "ensemble"]
    assert all(0 <= pair.test.p <= 1 for pair in pairs)


def test_the_page_names_the_metric_that_chose(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, TWO, metric="macro_f1"))
    assert "Recommended by validation macro F1: " in unescape(page(summary, gallery(summary), {}))


def test_labels_that_two_backbones_contradict_are_suspects(tmp_path: Path) -> None:
    split = make_split(2, SMALL)
    labels = split.labels[split.indices("test")]
    surely = counted(labels, 15)
    trials = [Trial(name, 0, test=surely, skill=1.0) for name in ("VGG16", "Xception")]
    mistakes = summarise(make_run(tmp_path, trials, split=split)).mistakes
    row = int(split.indices("test")[15])
    assert (mistakes.method, mistakes.wrong) == ("ensemble", 1)
    assert [one.photo for one in mistakes.worst] == [row]
    suspects = [one for one in mistakes.suspects if one.split == "test"]
    assert [(one.photo, set(one.trials)) for one in suspects] == [
        (row, {"VGG16/baseline", "Xception/baseline"})
    ]


def test_costs_add_up_and_photos_saved_are_those_that_features_replaced(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, epochs=3), Trial("VGG16", 1, epochs=2, stored=("photos",)))
    summary = summarise(make_run(tmp_path, trials))
    assert dataclasses.astuple(summary.seconds) == (1.5, 4.0, 0.0, 6.0, 2.0)
    assert summary.photos.plain == (3 + 2) * (24 + 12) + 2 * 16
    assert summary.photos.saved == 3 * (24 + 12) + 16 - 2 * 52
    assert summary.photos.prefix == 104


def test_importances_are_taken_over_when_the_sweep_wrote_them(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TWO, importances={"VGG16": shares(optimizer=1.0)})
    assert summarise(folder).importances == {"VGG16": shares(optimizer=1.0)}


def test_the_page_and_the_terminal_say_alike_which_trials_the_importances_compare(
    tmp_path: Path,
) -> None:
    trials = (*TWO, Trial("VGG16", 2, "failed"))
    folder = make_run(tmp_path, trials, importances={"VGG16": shares(optimizer=1.0)})
    summary = summarise(folder)
    note = importances_wide(summary).note
    assert "one that failed otherwise is left out" in note
    assert note in unescape(page(summary, gallery(summary), {}))
